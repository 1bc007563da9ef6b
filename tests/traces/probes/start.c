/* The whole life of a device, with every callback registered. */
#include "probe.h"

static WDFQUEUE queue;

static void device_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s','out':%d,'in':%d,'code':'0x%08X'", name_of(from),
        present(request), (int)output, (int)input, code);
    complete(request, STATUS_SUCCESS, 0);
    line("'end':'EvtIoDeviceControl'");
}

static WDFOBJECT child_of(WDFOBJECT parent, const char *parent_name, const char *name)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object = NULL;
    NTSTATUS status;
    attributes_of(&attributes, parent);
    status = WdfObjectCreate(&attributes, &object);
    TraceBind(object, name);
    called("WdfObjectCreate", status, "'parent':'%s','object':'%s'", parent_name, name);
    return object;
}

static NTSTATUS with_queue_and_objects(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDFOBJECT child;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = device_control;
    create_queue(device, &config, "queue", &queue);
    child = child_of(device, "device", "child");
    child_of(child, "child", "grandchild");
    child_of(queue, "queue", "queuechild");
    child_of(device, "device", "child2");
    child_of(NULL, "null", "driverchild");
    return STATUS_SUCCESS;
}

static void with_everything(void)
{
    driver.file_callbacks = driver.object_callbacks = TRUE;
    driver.with_device = with_queue_and_objects;
}

static void request_for(PFILE_OBJECT file)
{
    SendIo(IRP_MJ_DEVICE_CONTROL, IOCTL(0, METHOD_BUFFERED), 8, 8, file, UserMode);
}

static void close(PFILE_OBJECT file)
{
    SendCleanup(file);
    SendClose(file);
}

static void use(void)
{
    PFILE_OBJECT file;
    with_everything();
    bring_up();
    pnp(IRP_MN_QUERY_CAPABILITIES);
    pnp(IRP_MN_QUERY_PNP_DEVICE_STATE);
    SendPnp(IRP_MN_QUERY_DEVICE_RELATIONS, BusRelations);
    SendPnp(IRP_MN_QUERY_DEVICE_RELATIONS, RemovalRelations);
    file = SendCreate();
    request_for(file);
    close(file);
    SendPnp(IRP_MN_DEVICE_USAGE_NOTIFICATION, DeviceUsageTypeDumpFile);
}

static void start(void)
{
    use();
    take_down();
}

static void start_surprise(void)
{
    use();
    surprise_and_unload();
}

static void start_cancel_remove(void)
{
    with_everything();
    bring_up();
    pnp(IRP_MN_QUERY_REMOVE_DEVICE);
    pnp(IRP_MN_CANCEL_REMOVE_DEVICE);
    driver.returns.query_remove = STATUS_DEVICE_BUSY;
    pnp(IRP_MN_QUERY_REMOVE_DEVICE);
    pnp(IRP_MN_CANCEL_REMOVE_DEVICE);
    driver.returns.query_remove = STATUS_SUCCESS;
    take_down();
}

static void start_never(void)
{
    with_everything();
    LoadDriver();
    AddDevice();
    remove_and_unload();
}

static void start_nocallbacks(void)
{
    driver.callbacks = NO_CALLBACKS;
    bring_up();
    take_down();
}

static void start_few(void)
{
    driver.callbacks = HARDWARE_AND_D0;
    bring_up();
    stop();
    pnp(IRP_MN_START_DEVICE);
    take_down();
}

static void start_noadd(void)
{
    LoadDriver();
    UnloadDriver();
}

static void start_noresources(void)
{
    StartWithoutResources();
    bring_up();
    take_down();
}

static void start_open_surprise(void)
{
    PFILE_OBJECT file;
    with_everything();
    bring_up();
    file = SendCreate();
    pnp(IRP_MN_SURPRISE_REMOVAL);
    request_for(file);
    SendCreate();
    close(file);
    remove_and_unload();
}

static void start_early_io(void)
{
    PFILE_OBJECT file;
    with_everything();
    LoadDriver();
    AddDevice();
    note("before START_DEVICE");
    file = SendCreate();
    request_for(file);
    pnp(IRP_MN_START_DEVICE);
    close(file);
    take_down();
}

static void resume(void)
{
    SendPower(IRP_MN_SET_POWER, SystemPowerState, PowerSystemWorking);
    PassTime(10);
}

static void power_sleep(void)
{
    with_everything();
    bring_up();
    SendPower(IRP_MN_QUERY_POWER, SystemPowerState, PowerSystemSleeping3);
    SendPower(IRP_MN_SET_POWER, SystemPowerState, PowerSystemSleeping3);
    resume();
    take_down();
}

static void power_sleep_surprise(void)
{
    with_everything();
    bring_up();
    SendPower(IRP_MN_SET_POWER, SystemPowerState, PowerSystemSleeping3);
    resume();
    surprise_and_unload();
}

SCENARIOS {
    {"start", start},
    {"start-surprise", start_surprise},
    {"start-cancel-remove", start_cancel_remove},
    {"start-never", start_never},
    {"start-nocallbacks", start_nocallbacks},
    {"start-few", start_few},
    {"start-noadd", start_noadd},
    {"start-noresources", start_noresources},
    {"start-open-surprise", start_open_surprise},
    {"start-early-io", start_early_io},
    {"power-sleep", power_sleep},
    {"power-sleep-surprise", power_sleep_surprise},
    END_OF_SCENARIOS,
};
