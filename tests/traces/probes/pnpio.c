/* Rebalance, sleep, surprise removal and removal, with requests in every kind of queue. */
#include "probe.h"

/* What the default queue does with a device control request: the number in its code. */
enum course {
    COMPLETE,
    KEEP,
    KEEP_MARKED,
    TO_MANUAL,
    TO_MANUAL_POWER_MANAGED,
    TO_NOT_POWER_MANAGED,
    TO_SEQUENTIAL,
};

/* What EvtIoStop does. */
enum answer { NOTHING, ACKNOWLEDGE, ACKNOWLEDGE_AND_REQUEUE, COMPLETE_REQUEST };

#define MOST_HELD 16

static WDFQUEUE defaults, manual, manual_power_managed, not_power_managed, sequential;
static enum answer stop_answer;
static BOOLEAN without_stop_callback, without_canceled_callback;

static struct {
    ULONG count;
    WDFREQUEST requests[MOST_HELD];
    BOOLEAN marked[MOST_HELD];
} held;

static void hold(WDFREQUEST request)
{
    WdfObjectReference(request);
    held.requests[held.count++] = request;
}

static void let_go(WDFREQUEST request)
{
    for (ULONG i = 0; i < held.count; i++) {
        if (held.requests[i] == request) {
            held.requests[i] = NULL;
        }
    }
}

static void on_cancel(WDFREQUEST request)
{
    let_go(request);
    entered("EvtRequestCancel", "'request':'%s'", request_name(request));
    complete(request, STATUS_CANCELLED, 0);
    line("'end':'EvtRequestCancel'");
}

static void forward(WDFREQUEST request, WDFQUEUE to)
{
    NTSTATUS status = WdfRequestForwardToIoQueue(request, to);
    called("WdfRequestForwardToIoQueue", status, "'request':'%s','queue':'%s'", request_name(request), name_of(to));
}

static void route(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s','code':'0x%08X'", name_of(from), present(request),
        code);
    switch ((enum course)IOCTL_NUMBER(code)) {
    case COMPLETE:
        complete(request, STATUS_SUCCESS, 0);
        break;
    case KEEP:
        hold(request);
        break;
    case KEEP_MARKED:
        held.marked[held.count] = TRUE;
        hold(request);
        called("WdfRequestMarkCancelableEx", WdfRequestMarkCancelableEx(request, on_cancel), "'request':'%s'",
            request_name(request));
        break;
    case TO_MANUAL:
        forward(request, manual);
        break;
    case TO_MANUAL_POWER_MANAGED:
        forward(request, manual_power_managed);
        break;
    case TO_NOT_POWER_MANAGED:
        forward(request, not_power_managed);
        break;
    case TO_SEQUENTIAL:
        forward(request, sequential);
        break;
    }
    line("'end':'EvtIoDeviceControl'");
}

static void keep(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s','code':'0x%08X'", name_of(from), present(request),
        code);
    hold(request);
    line("'end':'EvtIoDeviceControl'");
}

/* The driver gives a request back: nothing may cancel it any more. */
static void give_up(WDFREQUEST request, ULONG flags)
{
    let_go(request);
    if (flags & WdfRequestStopRequestCancelable) {
        called("WdfRequestUnmarkCancelable", WdfRequestUnmarkCancelable(request), "'request':'%s'",
            request_name(request));
    }
}

static void acknowledge(WDFREQUEST request, BOOLEAN requeue)
{
    line("'call':'WdfRequestStopAcknowledge','request':'%s','requeue':%s", request_name(request),
        requeue ? "true" : "false");
    WdfRequestStopAcknowledge(request, requeue);
}

static void io_stop(WDFQUEUE from, WDFREQUEST request, ULONG flags)
{
    entered("EvtIoStop", "'queue':'%s','request':'%s','flags':'0x%08X'", name_of(from), request_name(request), flags);
    switch (stop_answer) {
    case NOTHING:
        break;
    case ACKNOWLEDGE:
        acknowledge(request, FALSE);
        break;
    case ACKNOWLEDGE_AND_REQUEUE:
        give_up(request, flags);
        acknowledge(request, TRUE);
        break;
    case COMPLETE_REQUEST:
        give_up(request, flags);
        complete(request, STATUS_DEVICE_POWERED_OFF, 0);
        break;
    }
    line("'end':'EvtIoStop'");
}

static void io_resume(WDFQUEUE from, WDFREQUEST request)
{
    entered("EvtIoResume", "'queue':'%s','request':'%s'", name_of(from), request_name(request));
}

static void canceled_on_queue(WDFQUEUE from, WDFREQUEST request)
{
    entered("EvtIoCanceledOnQueue", "'queue':'%s','request':'%s'", name_of(from), present(request));
    complete(request, STATUS_CANCELLED, 0);
    line("'end':'EvtIoCanceledOnQueue'");
}

static void add_callbacks(WDF_IO_QUEUE_CONFIG *config, PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL device_control)
{
    config->EvtIoDeviceControl = device_control;
    if (device_control && !without_stop_callback) {
        config->EvtIoStop = io_stop;
        config->EvtIoResume = io_resume;
    }
    if (!without_canceled_callback) {
        config->EvtIoCanceledOnQueue = canceled_on_queue;
    }
}

static NTSTATUS with_queues(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    add_callbacks(&config, route);
    create_queue(device, &config, "default", &defaults);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    add_callbacks(&config, NULL);
    config.PowerManaged = WdfFalse;
    create_queue(device, &config, "manual", &manual);
    config.PowerManaged = WdfTrue;
    create_queue(device, &config, "manual-pm", &manual_power_managed);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    add_callbacks(&config, keep);
    config.PowerManaged = WdfFalse;
    create_queue(device, &config, "not-pm", &not_power_managed);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchSequential);
    add_callbacks(&config, keep);
    create_queue(device, &config, "sequential", &sequential);
    return STATUS_SUCCESS;
}

static void up(void)
{
    driver.with_device = with_queues;
    bring_up();
}

static SENT send(enum course course)
{
    return control(course, 0, 0);
}

static void send_to_every_queue(void)
{
    send(KEEP);
    send(KEEP_MARKED);
    send(TO_MANUAL);
    send(TO_MANUAL_POWER_MANAGED);
    send(TO_NOT_POWER_MANAGED);
    send(TO_SEQUENTIAL);
    send(TO_SEQUENTIAL);
}

/* Completes what the driver has; what is being cancelled is the cancel callback's to complete. */
static void complete_held(void)
{
    for (ULONG i = 0; i < held.count; i++) {
        WDFREQUEST request = held.requests[i];
        if (!request) {
            continue;
        }
        if (held.marked[i]) {
            NTSTATUS status = WdfRequestUnmarkCancelable(request);
            called("WdfRequestUnmarkCancelable", status, "'request':'%s'", request_name(request));
            if (status == STATUS_CANCELLED) {
                continue;
            }
            held.marked[i] = FALSE;
        }
        line("'do':'call','what':'complete held %s'", request_name(request));
        complete(request, STATUS_SUCCESS, 0);
        held.requests[i] = NULL;
        Settle();
    }
}

/* Sends a PnP IRP that may wait for requests, and completes those. */
static void begin_and_complete_held(UCHAR minor, const char *remark)
{
    if (!HasEnded(BeginPnp(minor))) {
        note(remark);
        complete_held();
    }
}

static void rebalance(void)
{
    up();
    stop();
    pnp(IRP_MN_START_DEVICE);
    take_down();
}

static void rebalance_cancel(void)
{
    up();
    pnp(IRP_MN_QUERY_STOP_DEVICE);
    send(COMPLETE);
    pnp(IRP_MN_CANCEL_STOP_DEVICE);
    send(COMPLETE);
    note("CANCEL_STOP without a QUERY_STOP");
    pnp(IRP_MN_CANCEL_STOP_DEVICE);
    take_down();
}

static void rebalance_refused(void)
{
    up();
    driver.returns.query_stop = STATUS_DEVICE_BUSY;
    pnp(IRP_MN_QUERY_STOP_DEVICE);
    send(COMPLETE);
    pnp(IRP_MN_CANCEL_STOP_DEVICE);
    driver.returns.query_stop = STATUS_SUCCESS;
    stop();
    pnp(IRP_MN_START_DEVICE);
    take_down();
}

static void rebalance_held(void)
{
    up();
    send_to_every_queue();
    pnp(IRP_MN_QUERY_STOP_DEVICE);
    note("between QUERY_STOP and STOP");
    send(COMPLETE);
    begin_and_complete_held(IRP_MN_STOP_DEVICE, "STOP waits for the requests: complete them");
    note("while stopped");
    send(COMPLETE);
    send(TO_MANUAL);
    send(TO_NOT_POWER_MANAGED);
    pnp(IRP_MN_START_DEVICE);
    complete_held();
    WdfIoQueuePurgeSynchronously(manual);
    WdfIoQueuePurgeSynchronously(manual_power_managed);
    note("queues manual, manual-pm purged");
    complete_held();
    take_down();
}

static void rebalance_held_ack(void)
{
    stop_answer = ACKNOWLEDGE;
    rebalance_held();
}

static void rebalance_held_requeue(void)
{
    stop_answer = ACKNOWLEDGE_AND_REQUEUE;
    rebalance_held();
}

static void rebalance_held_complete(void)
{
    stop_answer = COMPLETE_REQUEST;
    rebalance_held();
}

static void rebalance_held_nostop(void)
{
    without_stop_callback = TRUE;
    rebalance_held();
}

static void surprise_held(void)
{
    up();
    send_to_every_queue();
    begin_and_complete_held(IRP_MN_SURPRISE_REMOVAL, "SURPRISE_REMOVAL waits: complete the held requests");
    note("a request after the surprise removal");
    send(COMPLETE);
    begin_and_complete_held(IRP_MN_REMOVE_DEVICE, "REMOVE_DEVICE waits: complete the held requests");
    UnloadDriver();
}

static void surprise_held_ack(void)
{
    stop_answer = ACKNOWLEDGE;
    surprise_held();
}

static void surprise_held_requeue(void)
{
    stop_answer = ACKNOWLEDGE_AND_REQUEUE;
    surprise_held();
}

static void surprise_held_complete(void)
{
    stop_answer = COMPLETE_REQUEST;
    surprise_held();
}

static void surprise_held_nostop(void)
{
    without_stop_callback = TRUE;
    surprise_held();
}

static void surprise_held_nocanceled(void)
{
    without_canceled_callback = TRUE;
    surprise_held();
}

static void surprise_stopped(void)
{
    up();
    stop();
    send(COMPLETE);
    send(TO_MANUAL);
    surprise_and_unload();
}

static void remove_held(void)
{
    stop_answer = ACKNOWLEDGE;
    up();
    send_to_every_queue();
    pnp(IRP_MN_QUERY_REMOVE_DEVICE);
    begin_and_complete_held(IRP_MN_REMOVE_DEVICE, "REMOVE_DEVICE waits: complete the held requests");
    UnloadDriver();
}

static void restart_d0_fails(void)
{
    up();
    stop();
    send(COMPLETE);
    driver.returns.d0_entry = STATUS_DEVICE_NOT_READY;
    pnp(IRP_MN_START_DEVICE);
    remove_and_unload();
}

static void restart_prepare_fails(void)
{
    up();
    stop();
    driver.returns.prepare = STATUS_DEVICE_CONFIGURATION_ERROR;
    pnp(IRP_MN_START_DEVICE);
    remove_and_unload();
}

static void sleep_held(void)
{
    stop_answer = ACKNOWLEDGE;
    up();
    send_to_every_queue();
    SendPower(IRP_MN_QUERY_POWER, SystemPowerState, PowerSystemSleeping3);
    SendPower(IRP_MN_SET_POWER, SystemPowerState, PowerSystemSleeping3);
    note("asleep");
    send(COMPLETE);
    send(COMPLETE);
    SendPower(IRP_MN_SET_POWER, SystemPowerState, PowerSystemWorking);
    PassTime(10);
    complete_held();
    WdfIoQueuePurgeSynchronously(manual);
    WdfIoQueuePurgeSynchronously(manual_power_managed);
    complete_held();
    take_down();
}

SCENARIOS {
    {"rebalance", rebalance},
    {"rebalance-cancel", rebalance_cancel},
    {"rebalance-refused", rebalance_refused},
    {"rebalance-held", rebalance_held},
    {"rebalance-held-ack", rebalance_held_ack},
    {"rebalance-held-complete", rebalance_held_complete},
    {"rebalance-held-nostop", rebalance_held_nostop},
    {"rebalance-held-requeue", rebalance_held_requeue},
    {"remove-held", remove_held},
    {"restart-d0-fails", restart_d0_fails},
    {"restart-prepare-fails", restart_prepare_fails},
    {"sleep-held", sleep_held},
    {"surprise-held", surprise_held},
    {"surprise-held-ack", surprise_held_ack},
    {"surprise-held-complete", surprise_held_complete},
    {"surprise-held-nocanceled", surprise_held_nocanceled},
    {"surprise-held-nostop", surprise_held_nostop},
    {"surprise-held-requeue", surprise_held_requeue},
    {"surprise-stopped", surprise_stopped},
    END_OF_SCENARIOS,
};
