/* A driver with every PnP and power callback, of which a probe switches on what its scenarios need.

   A scenario sets `driver`, then loads the driver, starts the device and sends it requests. */
#ifndef PROBE_H
#define PROBE_H

#include <ntstatus.h>
#include "text.h"

enum callbacks { ALL_CALLBACKS, HARDWARE_AND_D0, NO_CALLBACKS };

/* What the driver registers, and what its callbacks return. */
static struct {
    enum callbacks callbacks;
    BOOLEAN file_callbacks;
    BOOLEAN object_callbacks;
    BOOLEAN filter;
    NTSTATUS (*after_driver)(PDRIVER_OBJECT object, PUNICODE_STRING path);
    NTSTATUS (*before_device)(PWDFDEVICE_INIT init);
    NTSTATUS (*with_device)(WDFDEVICE device);
    void (*in_d0_entry)(WDFDEVICE device);
    struct {
        NTSTATUS add, late_add, prepare, release, d0_entry, d0_entry_post, d0_exit, d0_exit_pre;
        NTSTATUS self_managed_init, self_managed_restart, self_managed_suspend, query_stop, query_remove;
    } returns;
} driver;

static WDFDEVICE the_device;
static WDFDRIVER the_driver;

/* ---- names */

static inline const char *name_of(const void *object)
{
    return TraceName("object", object);
}

static inline const char *request_name(WDFREQUEST request)
{
    return TraceName("unseen-request", request);
}

/* Names a request after its IRP: request3 comes with irp3. */
static inline const char *present(WDFREQUEST request)
{
    struct text text = {0, {0}};
    put_string(&text, "request");
    put_string(&text, TraceIrp(WdfRequestWdmGetIrp(request)) + 3);
    TraceBind(request, text.characters);
    return request_name(request);
}

/* ---- objects */

static inline void object_cleanup(WDFOBJECT object)
{
    entered("EvtCleanupCallback", "'object':'%s'", name_of(object));
}

static inline void object_destroy(WDFOBJECT object)
{
    entered("EvtDestroyCallback", "'object':'%s'", name_of(object));
    TraceForget(object);
}

static inline void attributes_of(WDF_OBJECT_ATTRIBUTES *attributes, WDFOBJECT parent)
{
    WDF_OBJECT_ATTRIBUTES_INIT(attributes);
    attributes->ParentObject = parent;
    if (driver.object_callbacks) {
        attributes->EvtCleanupCallback = object_cleanup;
        attributes->EvtDestroyCallback = object_destroy;
    }
}

/* ---- PnP and power callbacks */

static inline const char *state_name(WDF_POWER_DEVICE_STATE state)
{
    static const char *const names[] = {"Invalid", "D0", "D1", "D2", "D3", "D3Final", "PrepareForHibernation"};
    return names[state];
}

static inline NTSTATUS prepare_hardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
    return entered_returning("EvtDevicePrepareHardware", driver.returns.prepare,
        "'device':'%s','raw':%d,'translated':%d", name_of(device), WdfCmResourceListGetCount(raw),
        WdfCmResourceListGetCount(translated));
}

static inline NTSTATUS release_hardware(WDFDEVICE device, WDFCMRESLIST translated)
{
    return entered_returning("EvtDeviceReleaseHardware", driver.returns.release, "'device':'%s','translated':%d",
        name_of(device), WdfCmResourceListGetCount(translated));
}

static inline NTSTATUS d0_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    entered_returning("EvtDeviceD0Entry", driver.returns.d0_entry, "'device':'%s','previous':'%s'",
        name_of(device), state_name(previous));
    if (driver.in_d0_entry) {
        driver.in_d0_entry(device);
    }
    return driver.returns.d0_entry;
}

static inline NTSTATUS d0_entry_post(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous)
{
    return entered_returning("EvtDeviceD0EntryPostInterruptsEnabled", driver.returns.d0_entry_post,
        "'device':'%s','previous':'%s'", name_of(device), state_name(previous));
}

static inline NTSTATUS d0_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
    return entered_returning("EvtDeviceD0Exit", driver.returns.d0_exit, "'device':'%s','target':'%s'",
        name_of(device), state_name(target));
}

static inline NTSTATUS d0_exit_pre(WDFDEVICE device, WDF_POWER_DEVICE_STATE target)
{
    return entered_returning("EvtDeviceD0ExitPreInterruptsDisabled", driver.returns.d0_exit_pre,
        "'device':'%s','target':'%s'", name_of(device), state_name(target));
}

#define DEVICE_CALLBACK_RETURNING(function, name, member)                                           \
    static inline NTSTATUS function(WDFDEVICE device)                                               \
    {                                                                                               \
        return entered_returning(name, driver.returns.member, "'device':'%s'", name_of(device));   \
    }

#define DEVICE_CALLBACK(function, name)                                                             \
    static inline VOID function(WDFDEVICE device)                                                   \
    {                                                                                               \
        entered(name, "'device':'%s'", name_of(device));                                            \
    }

DEVICE_CALLBACK_RETURNING(self_managed_init, "EvtDeviceSelfManagedIoInit", self_managed_init)
DEVICE_CALLBACK_RETURNING(self_managed_restart, "EvtDeviceSelfManagedIoRestart", self_managed_restart)
DEVICE_CALLBACK_RETURNING(self_managed_suspend, "EvtDeviceSelfManagedIoSuspend", self_managed_suspend)
DEVICE_CALLBACK_RETURNING(query_stop, "EvtDeviceQueryStop", query_stop)
DEVICE_CALLBACK_RETURNING(query_remove, "EvtDeviceQueryRemove", query_remove)
DEVICE_CALLBACK(self_managed_flush, "EvtDeviceSelfManagedIoFlush")
DEVICE_CALLBACK(self_managed_cleanup, "EvtDeviceSelfManagedIoCleanup")
DEVICE_CALLBACK(surprise_removal, "EvtDeviceSurpriseRemoval")

static inline void usage_notification(WDFDEVICE device, WDF_SPECIAL_FILE_TYPE type, BOOLEAN in)
{
    entered("EvtDeviceUsageNotification", "'device':'%s','type':%d,'in':%d", name_of(device), type, in);
}

static inline void relations_query(WDFDEVICE device, DEVICE_RELATION_TYPE type)
{
    entered("EvtDeviceRelationsQuery", "'device':'%s','type':%d", name_of(device), type);
}

static inline void register_pnp_callbacks(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = prepare_hardware;
    callbacks.EvtDeviceReleaseHardware = release_hardware;
    callbacks.EvtDeviceD0Entry = d0_entry;
    callbacks.EvtDeviceD0Exit = d0_exit;
    if (driver.callbacks == ALL_CALLBACKS) {
        callbacks.EvtDeviceD0EntryPostInterruptsEnabled = d0_entry_post;
        callbacks.EvtDeviceD0ExitPreInterruptsDisabled = d0_exit_pre;
        callbacks.EvtDeviceSelfManagedIoInit = self_managed_init;
        callbacks.EvtDeviceSelfManagedIoRestart = self_managed_restart;
        callbacks.EvtDeviceSelfManagedIoSuspend = self_managed_suspend;
        callbacks.EvtDeviceSelfManagedIoFlush = self_managed_flush;
        callbacks.EvtDeviceSelfManagedIoCleanup = self_managed_cleanup;
        callbacks.EvtDeviceQueryStop = query_stop;
        callbacks.EvtDeviceQueryRemove = query_remove;
        callbacks.EvtDeviceSurpriseRemoval = surprise_removal;
        callbacks.EvtDeviceUsageNotification = usage_notification;
        callbacks.EvtDeviceRelationsQuery = relations_query;
    }
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
}

/* ---- files */

static inline void file_create(WDFDEVICE device, WDFREQUEST request, WDFFILEOBJECT file)
{
    entered("EvtDeviceFileCreate", "'device':'%s','request':'%s','file':'%s'", name_of(device), present(request),
        TraceName("file", file));
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static inline void file_cleanup(WDFFILEOBJECT file)
{
    entered("EvtFileCleanup", "'file':'%s'", TraceName("file", file));
}

static inline void file_close(WDFFILEOBJECT file)
{
    entered("EvtFileClose", "'file':'%s'", TraceName("file", file));
}

/* ---- driver and device */

static inline NTSTATUS add_returns(NTSTATUS status)
{
    line("'cb-returns':'EvtDriverDeviceAdd','returns':'0x%08X'", status);
    return status;
}

static inline NTSTATUS device_add(WDFDRIVER object, PWDFDEVICE_INIT init)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status = driver.returns.add;
    entered("EvtDriverDeviceAdd", "'driver':'%s'", name_of(object));
    if (!NT_SUCCESS(status)) {
        return add_returns(status);
    }
    if (driver.filter) {
        WdfFdoInitSetFilter(init);
    }
    if (driver.callbacks != NO_CALLBACKS) {
        register_pnp_callbacks(init);
    }
    if (driver.file_callbacks) {
        WDF_FILEOBJECT_CONFIG files;
        WDF_FILEOBJECT_CONFIG_INIT(&files, file_create, file_close, file_cleanup);
        attributes_of(&attributes, NULL);
        WdfDeviceInitSetFileObjectConfig(init, &files, &attributes);
    }
    if (driver.object_callbacks) {
        attributes_of(&attributes, NULL);
        WdfDeviceInitSetRequestAttributes(init, &attributes);
    }
    if (driver.before_device) {
        status = driver.before_device(init);
        if (!NT_SUCCESS(status)) {
            return add_returns(status);
        }
    }
    attributes_of(&attributes, NULL);
    status = WdfDeviceCreate(&init, &attributes, &the_device);
    if (NT_SUCCESS(status)) {
        TraceBind(the_device, "device");
    }
    called("WdfDeviceCreate", status, "'init_after':%s", init ? "'kept'" : "null");
    if (NT_SUCCESS(status) && driver.with_device) {
        status = driver.with_device(the_device);
    }
    return add_returns(NT_SUCCESS(status) ? driver.returns.late_add : status);
}

static inline void driver_unload(WDFDRIVER object)
{
    entered("EvtDriverUnload", "'driver':'%s'", name_of(object));
}

NTSTATUS DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING path)
{
    WDF_DRIVER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    WDF_DRIVER_CONFIG_INIT(&config, device_add);
    config.EvtDriverUnload = driver_unload;
    attributes_of(&attributes, NULL);
    status = WdfDriverCreate(object, path, &attributes, &config, &the_driver);
    if (NT_SUCCESS(status)) {
        TraceBind(the_driver, "driver");
    }
    called("WdfDriverCreate", status, "");
    if (NT_SUCCESS(status) && driver.after_driver) {
        status = driver.after_driver(object, path);
    }
    return status;
}

/* ---- what scenarios are made of */

#define IOCTL(number, method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (number), method, FILE_ANY_ACCESS)
#define IOCTL_NUMBER(code) (((code) >> 2) & 15)

static inline NTSTATUS pnp(UCHAR minor)
{
    return SendPnp(minor, 0);
}

static inline void bring_up(void)
{
    LoadDriver();
    AddDevice();
    pnp(IRP_MN_START_DEVICE);
}

static inline void stop(void)
{
    pnp(IRP_MN_QUERY_STOP_DEVICE);
    pnp(IRP_MN_STOP_DEVICE);
}

static inline void remove_and_unload(void)
{
    pnp(IRP_MN_REMOVE_DEVICE);
    UnloadDriver();
}

static inline void take_down(void)
{
    pnp(IRP_MN_QUERY_REMOVE_DEVICE);
    remove_and_unload();
}

static inline void surprise_and_unload(void)
{
    pnp(IRP_MN_SURPRISE_REMOVAL);
    remove_and_unload();
}

/* Sends a device control request from user mode. */
static inline SENT control(ULONG number, ULONG input, ULONG output)
{
    return SendIo(IRP_MJ_DEVICE_CONTROL, IOCTL(number, METHOD_BUFFERED), input, output, NULL, UserMode);
}

static inline void complete(WDFREQUEST request, NTSTATUS status, ULONG_PTR information)
{
    line("'call':'WdfRequestCompleteWithInformation','request':'%s','with':'0x%08X','information':%d",
        request_name(request), status, (int)information);
    WdfRequestCompleteWithInformation(request, status, information);
}

static inline NTSTATUS create_queue(WDFDEVICE device, WDF_IO_QUEUE_CONFIG *config, const char *name, WDFQUEUE *queue)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    BOOLEAN parallel = config->DispatchType == WdfIoQueueDispatchParallel;
    attributes_of(&attributes, NULL);
    status = WdfIoQueueCreate(device, config, &attributes, queue);
    if (NT_SUCCESS(status)) {
        TraceBind(*queue, name);
    }
    return called("WdfIoQueueCreate", status,
        "'queue':'%s','dispatch':%d,'default':%d,'power_managed':%d,'limit':%d", name, config->DispatchType,
        config->DefaultQueue, config->PowerManaged,
        parallel ? (int)config->Settings.Parallel.NumberOfPresentedRequests : -2);
}

#define SCENARIOS __declspec(dllexport) const struct scenario Scenarios[] =
#define END_OF_SCENARIOS {NULL, NULL}

#endif
