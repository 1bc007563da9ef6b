/* WdfDeviceAddQueryInterface and IRP_MN_QUERY_INTERFACE. */
#include "probe.h"

#define FUNCTIONS 11
#define FIRST_FUNCTION 100
#define CALLER_BYTES 256
#define UNTOUCHED 0xEE

struct exported {
    INTERFACE header;
    void *functions[FUNCTIONS];
};
C_ASSERT(sizeof(struct exported) == 120);

static const GUID guid1 = {0x11223344, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
static const GUID guid2 = {0x99887766, 1, 2, {3, 0, 0, 0, 0, 0, 0, 0}};

enum second_interface { NONE, OF_VERSION_2, OF_64_BYTES, OF_GUID_2 };

/* What the driver registers. */
static struct {
    BOOLEAN with_callback;
    BOOLEAN changes_context;
    NTSTATUS callback_returns;
    BOOLEAN without_reference;
    BOOLEAN without_interface;
    BOOLEAN to_parent_stack;
    BOOLEAN import;
    BOOLEAN null_guid;
    enum second_interface second;
} interface;

static void reference(void *context)
{
    entered("InterfaceReference", "'context':%d", (int)(ULONG_PTR)context);
}

static void dereference(void *context)
{
    entered("InterfaceDereference", "'context':%d", (int)(ULONG_PTR)context);
}

/* Shows what is in an interface's buffer, which was filled with UNTOUCHED before. */
static void show(const char *who, const UCHAR *bytes, int length)
{
    const INTERFACE *header = (const INTERFACE *)bytes;
    const struct exported *whole = (const struct exported *)bytes;
    int last = length - 1;
    while (last >= 0 && bytes[last] == UNTOUCHED) {
        last--;
    }
    if (last < 0) {
        line("'%s':'untouched, %d bytes'", who, length);
        return;
    }
    line("'%s':{'size':%d,'version':%d,'context':%d,'reference':%s,'dereference':%s,'fn0':%d,'fn10':%d,"
         "'last_byte_written':%d}",
        who, header->Size, header->Version, (int)(ULONG_PTR)header->Context,
        header->InterfaceReference == reference ? "true" : "false",
        header->InterfaceDereference == dereference ? "true" : "false", (int)(ULONG_PTR)whole->functions[0],
        (int)(ULONG_PTR)whole->functions[FUNCTIONS - 1], last);
}

static NTSTATUS process(WDFDEVICE device, LPGUID guid, PINTERFACE exposed, PVOID specific)
{
    NTSTATUS status = interface.callback_returns;
    entered_returning("EvtDeviceProcessQueryInterfaceRequest", status,
        "'device':'%s','guid':'%s','size':%d,'version':%d,'specific':%d", name_of(device),
        IsEqualGUID(guid, &guid1) ? "guid1" : "guid2", exposed ? exposed->Size : -1, exposed ? exposed->Version : -1,
        (int)(ULONG_PTR)specific);
    if (exposed) {
        show("exposed interface at the callback", (const UCHAR *)exposed, sizeof(struct exported));
        if (interface.changes_context) {
            exposed->Context = (PVOID)77;
        }
    }
    return status;
}

static void add(const GUID *guid, USHORT size, USHORT version, int context)
{
    struct exported exported;
    WDF_QUERY_INTERFACE_CONFIG config;
    RtlZeroMemory(&exported, sizeof(exported));
    exported.header.Size = size;
    exported.header.Version = version;
    exported.header.Context = (PVOID)(ULONG_PTR)context;
    if (!interface.without_reference) {
        exported.header.InterfaceReference = reference;
        exported.header.InterfaceDereference = dereference;
    }
    for (int i = 0; i < FUNCTIONS; i++) {
        exported.functions[i] = (PVOID)(ULONG_PTR)(FIRST_FUNCTION + i);
    }
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, interface.without_interface ? NULL : &exported.header, guid,
        interface.with_callback ? process : NULL);
    config.SendQueryToParentStack = interface.to_parent_stack;
    config.ImportInterface = interface.import;
    called("WdfDeviceAddQueryInterface", WdfDeviceAddQueryInterface(the_device, &config),
        "'guid':'%s','size':%d,'version':%d,'context':%d,'process_callback':%d,'reference':%d,'parent_stack':%d,"
        "'import':%d,'null_interface':%d",
        guid == &guid1 ? "guid1" : "guid2", size, version, context,
        interface.with_callback ? (interface.changes_context ? 2 : 1) : 0, !interface.without_reference,
        interface.to_parent_stack, interface.import, interface.without_interface);
}

static NTSTATUS with_interfaces(WDFDEVICE device)
{
    add(&guid1, sizeof(struct exported), 1, 11);
    switch (interface.second) {
    case NONE:
        break;
    case OF_VERSION_2:
        add(&guid1, sizeof(struct exported), 2, 22);
        break;
    case OF_64_BYTES:
        add(&guid1, 64, 1, 22);
        break;
    case OF_GUID_2:
        add(&guid2, sizeof(struct exported), 1, 22);
        break;
    }
    return STATUS_SUCCESS;
}

static void ask(const GUID *guid, USHORT size, USHORT version)
{
    static UCHAR buffer[CALLER_BYTES];
    RtlFillMemory(buffer, sizeof(buffer), UNTOUCHED);
    if (interface.import) {
        RtlZeroMemory(buffer, sizeof(struct exported));
        ((INTERFACE *)buffer)->Size = size;
        ((INTERFACE *)buffer)->Version = version;
    }
    SendQueryInterface(guid, size, version, buffer, (PVOID)5);
    show("caller sees", buffer, sizeof(buffer));
}

static void prepare(void)
{
    TraceBind(&guid1, "guid1");
    TraceBind(&guid2, "guid2");
    driver.callbacks = NO_CALLBACKS;
    driver.with_device = with_interfaces;
}

/* Every size and version is asked for. */
static void ask_all(void)
{
    static const USHORT sizes[] = {120, 119, 112, 32, 0, 121, 200};
    prepare();
    bring_up();
    for (ULONG i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ask(&guid1, sizes[i], 1);
    }
    ask(&guid1, 120, 0);
    ask(&guid1, 120, 2);
    ask(&guid1, 64, 2);
    ask(&guid2, 120, 1);
    take_down();
}

static void ask_once(void)
{
    prepare();
    bring_up();
    ask(&guid1, 120, 1);
    take_down();
}

static void qi_process_success(void)
{
    interface.with_callback = interface.changes_context = TRUE;
    ask_all();
}

static void qi_process_error(void)
{
    interface.with_callback = TRUE;
    interface.callback_returns = STATUS_ACCESS_DENIED;
    ask_all();
}

static void qi_process_notsupported(void)
{
    interface.with_callback = TRUE;
    interface.callback_returns = STATUS_NOT_SUPPORTED;
    ask_all();
}

static void qi_noref(void)
{
    interface.without_reference = TRUE;
    ask_once();
}

static void qi_two_versions(void)
{
    interface.second = OF_VERSION_2;
    ask_all();
}

static void qi_two_sizes(void)
{
    interface.second = OF_64_BYTES;
    ask_all();
}

static void qi_two_guids(void)
{
    interface.second = OF_GUID_2;
    prepare();
    bring_up();
    ask(&guid1, 120, 1);
    ask(&guid2, 120, 1);
    take_down();
}

static void qi_parent(void)
{
    interface.to_parent_stack = TRUE;
    ask_once();
}

static void qi_import(void)
{
    interface.import = interface.with_callback = TRUE;
    ask_once();
}

static void qi_null_interface(void)
{
    interface.without_interface = interface.with_callback = TRUE;
    ask_once();
}

static void qi_null_interface_nocb(void)
{
    interface.without_interface = TRUE;
    prepare();
    bring_up();
    take_down();
}

static NTSTATUS bus_status;

static int bus_answers(PIRP irp, PIO_STACK_LOCATION location, NTSTATUS *answer)
{
    const GUID *guid = location->Parameters.QueryInterface.InterfaceType;
    if (location->MajorFunction != IRP_MJ_PNP || location->MinorFunction != IRP_MN_QUERY_INTERFACE) {
        return 0;
    }
    if (!IsEqualGUID(guid, &guid1) && !IsEqualGUID(guid, &guid2)) {
        return 0;
    }
    location->Parameters.QueryInterface.Interface->Context = (PVOID)55;
    *answer = bus_status;
    return 1;
}

static void qi_bus_answers(void)
{
    prepare();
    AnswerAtBus(bus_answers);
    bring_up();
    ask(&guid1, 120, 1);
    ask(&guid2, 120, 1);
    ask(&guid1, 120, 2);
    take_down();
}

static void qi_bus_fails(void)
{
    bus_status = STATUS_DEVICE_BUSY;
    prepare();
    AnswerAtBus(bus_answers);
    bring_up();
    ask(&guid1, 120, 1);
    ask(&guid2, 120, 1);
    take_down();
}

static void qi_states(void)
{
    prepare();
    bring_up();
    ask(&guid1, 120, 1);
    ask(&guid1, 120, 1);
    stop();
    note("while stopped");
    ask(&guid1, 120, 1);
    pnp(IRP_MN_START_DEVICE);
    pnp(IRP_MN_SURPRISE_REMOVAL);
    note("after surprise removal");
    ask(&guid1, 120, 1);
    remove_and_unload();
}

static void qi_early(void)
{
    prepare();
    LoadDriver();
    AddDevice();
    note("before START_DEVICE");
    ask(&guid1, 120, 1);
    remove_and_unload();
}

static void qi_filter(void)
{
    driver.filter = TRUE;
    ask_all();
}

static void qi_late_add(void)
{
    prepare();
    driver.with_device = NULL;
    bring_up();
    with_interfaces(the_device);
    ask(&guid1, 120, 1);
    take_down();
}

static NTSTATUS with_bad_interfaces(WDFDEVICE device)
{
    struct exported exported;
    WDF_QUERY_INTERFACE_CONFIG config;
    add(&guid1, 16, 1, 1);
    add(&guid1, 0, 1, 1);
    add(&guid1, sizeof(INTERFACE), 1, 1);
    add(&guid1, 120, 0, 1);
    add(&guid1, 120, 1, 1);
    add(&guid1, 120, 1, 2);
    RtlZeroMemory(&exported, sizeof(exported));
    exported.header.Size = sizeof(exported);
    exported.header.Version = 1;
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, &exported.header, &guid2, NULL);
    config.Size--;
    called("WdfDeviceAddQueryInterface", WdfDeviceAddQueryInterface(device, &config), "'config_size':'one less'");
    config.Size++;
    if (interface.null_guid) {
        line("'call':'WdfDeviceAddQueryInterface','guid':'null'");
        config.InterfaceType = NULL;
        called("WdfDeviceAddQueryInterface", WdfDeviceAddQueryInterface(device, &config), "'guid':'null'");
    }
    return STATUS_SUCCESS;
}

static void qi_bad_config(void)
{
    prepare();
    driver.with_device = with_bad_interfaces;
    bring_up();
    ask(&guid1, 120, 1);
    ask(&guid1, 32, 1);
    take_down();
}

static void qi_null_guid(void)
{
    interface.null_guid = TRUE;
    prepare();
    driver.with_device = with_bad_interfaces;
    bring_up();
}

SCENARIOS {
    {"qi-plain", ask_all},
    {"qi-process-success", qi_process_success},
    {"qi-process-error", qi_process_error},
    {"qi-process-notsupported", qi_process_notsupported},
    {"qi-noref", qi_noref},
    {"qi-two-versions", qi_two_versions},
    {"qi-two-sizes", qi_two_sizes},
    {"qi-two-guids", qi_two_guids},
    {"qi-parent", qi_parent},
    {"qi-import", qi_import},
    {"qi-null-interface", qi_null_interface},
    {"qi-null-interface-nocb", qi_null_interface_nocb},
    {"qi-bus-answers", qi_bus_answers},
    {"qi-bus-fails", qi_bus_fails},
    {"qi-states", qi_states},
    {"qi-early", qi_early},
    {"qi-filter", qi_filter},
    {"qi-late-add", qi_late_add},
    {"qi-bad-config", qi_bad_config},
    {"qi-null-guid", qi_null_guid},
    END_OF_SCENARIOS,
};
