/* Preprocess callbacks of IRPs, and filters. */
#include "probe.h"

/* What the preprocess callback does with an IRP. */
enum preprocessing { SKIP_AND_DISPATCH, REFUSE, COPY_AND_DISPATCH };

static UCHAR every_minor[] = {
    IRP_MN_START_DEVICE,
    IRP_MN_CANCEL_STOP_DEVICE,
    IRP_MN_QUERY_STOP_DEVICE,
    IRP_MN_STOP_DEVICE,
    IRP_MN_SURPRISE_REMOVAL,
    IRP_MN_QUERY_REMOVE_DEVICE,
    IRP_MN_REMOVE_DEVICE,
};
static UCHAR three_minors[] = {IRP_MN_CANCEL_STOP_DEVICE, IRP_MN_QUERY_STOP_DEVICE, IRP_MN_SURPRISE_REMOVAL};

static enum preprocessing preprocessing;
static BOOLEAN with_every_minor;

static NTSTATUS preprocess(WDFDEVICE device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status;
    entered("EvtDeviceWdmIrpPreprocess", "'device':'%s','irp':'%s','major':%d,'minor':%d,'status_in':'0x%08X'",
        name_of(device), TraceIrp(irp), location->MajorFunction, location->MinorFunction, irp->IoStatus.Status);
    if (preprocessing == REFUSE) {
        irp->IoStatus.Status = STATUS_ACCESS_DENIED;
        line("'call':'IoCompleteRequest','with':'0x%08X'", STATUS_ACCESS_DENIED);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        return STATUS_ACCESS_DENIED;
    }
    if (preprocessing == COPY_AND_DISPATCH) {
        IoCopyCurrentIrpStackLocationToNext(irp);
    } else {
        IoSkipCurrentIrpStackLocation(irp);
    }
    status = WdfDeviceWdmDispatchPreprocessedIrp(device, irp);
    return called("WdfDeviceWdmDispatchPreprocessedIrp", status, "");
}

static NTSTATUS preprocess_pnp_irps(PWDFDEVICE_INIT init)
{
    UCHAR *minors = with_every_minor ? every_minor : three_minors;
    ULONG count = with_every_minor ? sizeof(every_minor) : sizeof(three_minors);
    NTSTATUS status = WdfDeviceInitAssignWdmIrpPreprocessCallback(init, preprocess, IRP_MJ_PNP, minors, count);
    return called("WdfDeviceInitAssignWdmIrpPreprocessCallback", status, "'major':'PNP','minors':%d", count);
}

static NTSTATUS preprocess_device_control(PWDFDEVICE_INIT init)
{
    NTSTATUS status =
        WdfDeviceInitAssignWdmIrpPreprocessCallback(init, preprocess, IRP_MJ_DEVICE_CONTROL, NULL, 0);
    return called("WdfDeviceInitAssignWdmIrpPreprocessCallback", status, "'major':'DEVICE_CONTROL','minors':0");
}

static void device_control(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s'", name_of(queue), present(request));
    complete(request, STATUS_SUCCESS, 0);
    line("'end':'EvtIoDeviceControl'");
}

static NTSTATUS queue_with(WDFDEVICE device, PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL handler)
{
    WDFQUEUE queue;
    WDF_IO_QUEUE_CONFIG config;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = handler;
    return create_queue(device, &config, "queue", &queue);
}

static NTSTATUS with_queue(WDFDEVICE device)
{
    return queue_with(device, device_control);
}

/* ---- preprocessing */

static void preprocess_pnp(void)
{
    driver.before_device = preprocess_pnp_irps;
    bring_up();
    pnp(IRP_MN_QUERY_STOP_DEVICE);
    pnp(IRP_MN_CANCEL_STOP_DEVICE);
    stop();
    pnp(IRP_MN_START_DEVICE);
    surprise_and_unload();
}

static void preprocess_pnp_all(void)
{
    with_every_minor = TRUE;
    preprocess_pnp();
}

static void preprocess_pnp_copy(void)
{
    preprocessing = COPY_AND_DISPATCH;
    preprocess_pnp();
}

static void preprocess_refuse(void)
{
    driver.before_device = preprocess_pnp_irps;
    bring_up();
    preprocessing = REFUSE;
    pnp(IRP_MN_QUERY_STOP_DEVICE);
    preprocessing = SKIP_AND_DISPATCH;
    pnp(IRP_MN_CANCEL_STOP_DEVICE);
    take_down();
}

static void preprocess_ioctl(void)
{
    driver.callbacks = NO_CALLBACKS;
    driver.before_device = preprocess_device_control;
    driver.with_device = with_queue;
    bring_up();
    control(0, 8, 8);
    preprocessing = REFUSE;
    control(0, 8, 8);
    stop();
    note("while stopped");
    preprocessing = SKIP_AND_DISPATCH;
    control(0, 8, 8);
    pnp(IRP_MN_START_DEVICE);
    take_down();
}

/* ---- filters */

/* The bus takes every request but PnP and power, and refuses one control code. */
static int bus_takes_requests(PIRP irp, PIO_STACK_LOCATION location, NTSTATUS *answer)
{
    if (location->MajorFunction == IRP_MJ_PNP || location->MajorFunction == IRP_MJ_POWER) {
        return 0;
    }
    *answer = STATUS_SUCCESS;
    irp->IoStatus.Information = 3;
    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL &&
        location->Parameters.DeviceIoControl.IoControlCode == IOCTL(5, METHOD_BUFFERED)) {
        *answer = STATUS_DEVICE_BUSY;
        irp->IoStatus.Information = 0;
    }
    return 1;
}

static void up(BOOLEAN filter, NTSTATUS (*with_device)(WDFDEVICE))
{
    driver.filter = filter;
    driver.with_device = with_device;
    AnswerAtBus(bus_takes_requests);
    bring_up();
}

static void send_for(PFILE_OBJECT file, UCHAR major, ULONG code, ULONG input, ULONG output)
{
    SendIo(major, code, input, output, file, UserMode);
}

static void send_every_kind(void)
{
    PFILE_OBJECT file = SendCreate();
    send_for(file, IRP_MJ_DEVICE_CONTROL, IOCTL(0, METHOD_BUFFERED), 8, 8);
    send_for(file, IRP_MJ_DEVICE_CONTROL, IOCTL(5, METHOD_BUFFERED), 8, 8);
    send_for(NULL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IOCTL(0, METHOD_BUFFERED), 8, 8);
    send_for(file, IRP_MJ_READ, 0, 0, 8);
    send_for(file, IRP_MJ_WRITE, 0, 8, 0);
    send_for(file, IRP_MJ_FLUSH_BUFFERS, 0, 0, 0);
    send_for(NULL, IRP_MJ_SHUTDOWN, 0, 0, 0);
    send_for(NULL, IRP_MJ_SYSTEM_CONTROL, 0, 0, 0);
    SendCleanup(file);
    SendClose(file);
    pnp(IRP_MN_QUERY_CAPABILITIES);
    pnp(IRP_MN_QUERY_PNP_DEVICE_STATE);
    SendPnp(IRP_MN_QUERY_DEVICE_RELATIONS, BusRelations);
    SendPnp(IRP_MN_DEVICE_USAGE_NOTIFICATION, DeviceUsageTypePaging);
}

static void filter_plain(void)
{
    up(TRUE, NULL);
    send_every_kind();
    take_down();
}

static void filter_not(void)
{
    up(FALSE, NULL);
    send_every_kind();
    take_down();
}

static void filter_queue(void)
{
    up(TRUE, with_queue);
    send_every_kind();
    take_down();
}

static void filter_file(void)
{
    PFILE_OBJECT file;
    driver.file_callbacks = TRUE;
    up(TRUE, with_queue);
    file = SendCreate();
    SendCleanup(file);
    SendClose(file);
    take_down();
}

static void filter_stop(void)
{
    up(TRUE, with_queue);
    stop();
    control(0, 8, 8);
    pnp(IRP_MN_START_DEVICE);
    SendPower(IRP_MN_QUERY_POWER, SystemPowerState, PowerSystemSleeping3);
    SendPower(IRP_MN_SET_POWER, SystemPowerState, PowerSystemSleeping3);
    SendPower(IRP_MN_SET_POWER, DevicePowerState, PowerDeviceD3);
    SendPower(IRP_MN_SET_POWER, SystemPowerState, PowerSystemWorking);
    SendPower(IRP_MN_SET_POWER, DevicePowerState, PowerDeviceD0);
    surprise_and_unload();
}

static void send_on(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    WDF_REQUEST_SEND_OPTIONS options;
    WDFIOTARGET target = WdfDeviceGetIoTarget(WdfIoQueueGetDevice(queue));
    BOOLEAN sent;
    NTSTATUS status;
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s'", name_of(queue), present(request));
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    sent = WdfRequestSend(request, target, &options);
    status = sent ? STATUS_SUCCESS : WdfRequestGetStatus(request);
    line("'wdf':'WdfRequestSend','args':{'options':'send and forget'},'value':%d,'request_status':'0x%08X'", sent,
        status);
    if (!sent) {
        complete(request, status, 0);
    }
    line("'end':'EvtIoDeviceControl'");
}

static NTSTATUS with_sending_queue(WDFDEVICE device)
{
    return queue_with(device, send_on);
}

static void filter_send(void)
{
    up(TRUE, with_sending_queue);
    control(0, 8, 8);
    control(5, 8, 8);
    take_down();
}

SCENARIOS {
    {"preprocess-pnp", preprocess_pnp},
    {"preprocess-pnp-all", preprocess_pnp_all},
    {"preprocess-pnp-copy", preprocess_pnp_copy},
    {"preprocess-refuse", preprocess_refuse},
    {"preprocess-ioctl", preprocess_ioctl},
    {"filter-plain", filter_plain},
    {"filter-not", filter_not},
    {"filter-queue", filter_queue},
    {"filter-file", filter_file},
    {"filter-stop", filter_stop},
    {"filter-send", filter_send},
    END_OF_SCENARIOS,
};
