/* The function driver of a PF, as an IHV may have one already: it knows nothing of VFs or of the backchannel. The backchannel
 * lies above it as a filter. It serves a request, reads and an interface of its own, says how many ranges of its VFs are
 * mitigated, and counts what PnP and power do to it.
 */
#include <ntddk.h>
#include <ntstatus.h>
#include <wdf.h>

/* FILE_DEVICE_UNKNOWN, METHOD_BUFFERED, FILE_ANY_ACCESS. */
#define IOCTL_IHV_COUNTS CTL_CODE(0x22, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_IHV_REFUSED CTL_CODE(0x22, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT and the size of its output. */
#define IOCTL_RANGE_COUNT CTL_CODE(0x22, 0x816, METHOD_BUFFERED, FILE_READ_ACCESS)
#define RANGE_COUNTS 6

/* {6D1C4C1E-5A0B-4D35-9B1F-3A6E0C9E4B71} */
static const GUID ihv_interface = {0x6d1c4c1e, 0x5a0b, 0x4d35, {0x9b, 0x1f, 0x3a, 0x6e, 0x0c, 0x9e, 0x4b, 0x71}};

struct counts {
    UCHAR prepare;
    UCHAR release;
    UCHAR d0_entry;
    UCHAR d0_exit;
    UCHAR query_stop;
    UCHAR query_remove;
    UCHAR references;
    UCHAR reads;
};

struct ihv_table {
    INTERFACE header;
    ULONG(*answer)(PVOID context);
};

static struct counts counts;

static NTSTATUS prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
    counts.prepare++;
    return STATUS_SUCCESS;
}

static NTSTATUS release(WDFDEVICE device, WDFCMRESLIST translated)
{
    counts.release++;
    return STATUS_SUCCESS;
}

static NTSTATUS d0_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    counts.d0_entry++;
    return STATUS_SUCCESS;
}

static NTSTATUS d0_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
    counts.d0_exit++;
    return STATUS_SUCCESS;
}

static NTSTATUS query_stop(WDFDEVICE device)
{
    counts.query_stop++;
    return STATUS_SUCCESS;
}

static NTSTATUS query_remove(WDFDEVICE device)
{
    counts.query_remove++;
    return STATUS_SUCCESS;
}

static void count_ranges(WDFREQUEST request)
{
    ULONG *output;
    ULONG bar;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, RANGE_COUNTS * sizeof(*output), (PVOID *)&output, NULL);
    for (bar = 0; NT_SUCCESS(status) && bar < RANGE_COUNTS; bar++) {
        output[bar] = bar + 1;
    }
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? RANGE_COUNTS * sizeof(*output) : 0);
}

static void control(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
    struct counts *output;
    NTSTATUS status;
    if (code == IOCTL_RANGE_COUNT) {
        count_ranges(request);
        return;
    }
    if (code != IOCTL_IHV_COUNTS) {
        WdfRequestComplete(request, code == IOCTL_IHV_REFUSED ? STATUS_DEVICE_NOT_READY : STATUS_INVALID_DEVICE_REQUEST);
        return;
    }
    status = WdfRequestRetrieveOutputBuffer(request, sizeof(*output), (PVOID *)&output, NULL);
    if (NT_SUCCESS(status)) {
        *output = counts;
    }
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? sizeof(*output) : 0);
}

static void read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    UCHAR *output;
    size_t place;
    NTSTATUS status = WdfRequestRetrieveOutputBuffer(request, 1, (PVOID *)&output, &length);
    counts.reads++;
    for (place = 0; NT_SUCCESS(status) && place < length; place++) {
        output[place] = 0x5A;
    }
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? length : 0);
}

static void reference(PVOID context)
{
    counts.references++;
}

static void dereference(PVOID context)
{
    counts.references--;
}

static ULONG answer(PVOID context)
{
    return 42;
}

static NTSTATUS offer_interface(WDFDEVICE device)
{
    struct ihv_table table = {0};
    WDF_QUERY_INTERFACE_CONFIG config;
    table.header.Size = sizeof(table);
    table.header.Version = 1;
    table.header.Context = device;
    table.header.InterfaceReference = reference;
    table.header.InterfaceDereference = dereference;
    table.answer = answer;
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, &table.header, &ihv_interface, NULL);
    return WdfDeviceAddQueryInterface(device, &config);
}

static NTSTATUS add_device(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    NTSTATUS status;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = prepare;
    callbacks.EvtDeviceReleaseHardware = release;
    callbacks.EvtDeviceD0Entry = d0_entry;
    callbacks.EvtDeviceD0Exit = d0_exit;
    callbacks.EvtDeviceQueryStop = query_stop;
    callbacks.EvtDeviceQueryRemove = query_remove;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
    WdfDeviceInitSetIoType(init, WdfDeviceIoBuffered);
    status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = control;
    config.EvtIoInternalDeviceControl = control;
    config.EvtIoRead = read;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
    return NT_SUCCESS(status) ? offer_interface(device) : status;
}

static void unload(WDFDRIVER driver)
{
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, add_device);
    config.EvtDriverUnload = unload;
    return WdfDriverCreate(driver, registry_path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
