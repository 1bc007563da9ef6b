/* Failures: of the driver's callbacks, of the bus, of DriverEntry. */
#include "probe.h"

static NTSTATUS create_driver_again(PDRIVER_OBJECT object, PUNICODE_STRING path)
{
    WDF_DRIVER_CONFIG config;
    WDFDRIVER again;
    WDF_DRIVER_CONFIG_INIT(&config, device_add);
    line("'call':'WdfDriverCreate','again':true");
    called("WdfDriverCreate", WdfDriverCreate(object, path, NULL, &config, &again), "'again':true");
    return STATUS_SUCCESS;
}

static NTSTATUS fail_entry(PDRIVER_OBJECT object, PUNICODE_STRING path)
{
    line("'cb-returns':'DriverEntry','returns':'0x%08X'", STATUS_UNSUCCESSFUL);
    return STATUS_UNSUCCESSFUL;
}

static NTSTATUS fail_with_child(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT child;
    attributes_of(&attributes, device);
    WdfObjectCreate(&attributes, &child);
    TraceBind(child, "child");
    return STATUS_INSUFFICIENT_RESOURCES;
}

static int bus_refuses(PIO_STACK_LOCATION location, UCHAR minor, NTSTATUS status, NTSTATUS *answer)
{
    if (location->MajorFunction != IRP_MJ_PNP || location->MinorFunction != minor) {
        return 0;
    }
    *answer = status;
    return 1;
}

static int bus_refuses_start(PIRP irp, PIO_STACK_LOCATION location, NTSTATUS *answer)
{
    return bus_refuses(location, IRP_MN_START_DEVICE, STATUS_DEVICE_POWER_FAILURE, answer);
}

static int bus_refuses_query_stop(PIRP irp, PIO_STACK_LOCATION location, NTSTATUS *answer)
{
    return bus_refuses(location, IRP_MN_QUERY_STOP_DEVICE, STATUS_UNSUCCESSFUL, answer);
}

static void add_and_unload(void)
{
    driver.object_callbacks = TRUE;
    LoadDriver();
    AddDevice();
    UnloadDriver();
}

static void fail_to_start(void)
{
    driver.object_callbacks = TRUE;
    bring_up();
    note("the PnP manager removes a device that failed to start");
    remove_and_unload();
}

static void up(void)
{
    driver.object_callbacks = TRUE;
    bring_up();
}

static void life(void)
{
    up();
    take_down();
}

static void fail_add_before(void)
{
    driver.returns.add = STATUS_DEVICE_CONFIGURATION_ERROR;
    add_and_unload();
}

static void fail_add_after(void)
{
    driver.with_device = fail_with_child;
    add_and_unload();
}

static void fail_prepare(void)
{
    driver.returns.prepare = STATUS_DEVICE_CONFIGURATION_ERROR;
    fail_to_start();
}

static void fail_prepare_notsupported(void)
{
    driver.returns.prepare = STATUS_NOT_SUPPORTED;
    fail_to_start();
}

static void fail_d0entry(void)
{
    driver.returns.d0_entry = STATUS_DEVICE_NOT_READY;
    fail_to_start();
}

static void fail_d0entry_post(void)
{
    driver.returns.d0_entry_post = STATUS_DEVICE_NOT_READY;
    fail_to_start();
}

static void fail_selfmanaged_init(void)
{
    driver.returns.self_managed_init = STATUS_DEVICE_NOT_READY;
    fail_to_start();
}

static void fail_release(void)
{
    driver.returns.release = STATUS_UNSUCCESSFUL;
    life();
}

static void fail_d0exit(void)
{
    driver.returns.d0_exit = STATUS_UNSUCCESSFUL;
    life();
}

static void fail_d0exit_pre(void)
{
    driver.returns.d0_exit_pre = STATUS_UNSUCCESSFUL;
    life();
}

static void fail_selfmanaged_suspend(void)
{
    driver.returns.self_managed_suspend = STATUS_UNSUCCESSFUL;
    life();
}

static void fail_d0exit_stop(void)
{
    driver.returns.d0_exit = STATUS_UNSUCCESSFUL;
    up();
    stop();
    pnp(IRP_MN_START_DEVICE);
    surprise_and_unload();
}

static void fail_selfmanaged_restart(void)
{
    driver.returns.self_managed_restart = STATUS_UNSUCCESSFUL;
    up();
    stop();
    pnp(IRP_MN_START_DEVICE);
    remove_and_unload();
}

static void fail_queryremove(void)
{
    driver.returns.query_remove = STATUS_DEVICE_BUSY;
    up();
    pnp(IRP_MN_QUERY_REMOVE_DEVICE);
    pnp(IRP_MN_CANCEL_REMOVE_DEVICE);
    driver.returns.query_remove = STATUS_SUCCESS;
    take_down();
}

static void fail_bus_start(void)
{
    AnswerAtBus(bus_refuses_start);
    fail_to_start();
}

static void fail_bus_querystop(void)
{
    AnswerAtBus(bus_refuses_query_stop);
    up();
    pnp(IRP_MN_QUERY_STOP_DEVICE);
    pnp(IRP_MN_CANCEL_STOP_DEVICE);
    take_down();
}

static void fail_driver_twice(void)
{
    driver.object_callbacks = TRUE;
    driver.after_driver = create_driver_again;
    LoadDriver();
    UnloadDriver();
}

static void fail_driverentry(void)
{
    driver.object_callbacks = TRUE;
    driver.after_driver = fail_entry;
    LoadDriver();
}

static void fail_setfailed(void)
{
    up();
    announce("WdfDeviceSetFailed(WdfDeviceFailedNoRestart)");
    WdfDeviceSetFailed(the_device, WdfDeviceFailedNoRestart);
    Settle();
    pnp(IRP_MN_QUERY_PNP_DEVICE_STATE);
    surprise_and_unload();
}

SCENARIOS {
    {"fail-add-after", fail_add_after},
    {"fail-add-before", fail_add_before},
    {"fail-bus-querystop", fail_bus_querystop},
    {"fail-bus-start", fail_bus_start},
    {"fail-d0entry", fail_d0entry},
    {"fail-d0entry-post", fail_d0entry_post},
    {"fail-d0exit", fail_d0exit},
    {"fail-d0exit-pre", fail_d0exit_pre},
    {"fail-d0exit-stop", fail_d0exit_stop},
    {"fail-driver-twice", fail_driver_twice},
    {"fail-driverentry", fail_driverentry},
    {"fail-prepare", fail_prepare},
    {"fail-prepare-notsupported", fail_prepare_notsupported},
    {"fail-queryremove", fail_queryremove},
    {"fail-release", fail_release},
    {"fail-selfmanaged-init", fail_selfmanaged_init},
    {"fail-selfmanaged-restart", fail_selfmanaged_restart},
    {"fail-selfmanaged-suspend", fail_selfmanaged_suspend},
    {"fail-setfailed", fail_setfailed},
    END_OF_SCENARIOS,
};
