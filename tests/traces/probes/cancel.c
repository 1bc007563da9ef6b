/* Cancellation: marked and unmarked requests, requests in queues, requests that come cancelled. */
#include "probe.h"

/* What the driver does with a device control request: the number in its code. */
enum action {
    MARK_EX,
    MARK,
    KEEP,
    MARK_AND_UNMARK,
    UNMARK_ONLY,
    MARK_TWICE,
    FORWARD,
    MARK_UNMARK_COMPLETE,
    UNMARK_TWICE,
    FORWARD_MARKED,
    MARK_OR_COMPLETE,
};

static WDFQUEUE queue, manual;
static WDFREQUEST kept;
static BOOLEAN with_canceled_callback;
static BOOLEAN cancel_leaves_request;

static void on_cancel(WDFREQUEST request)
{
    entered("EvtRequestCancel", "'request':'%s','is_canceled':%d", request_name(request),
        WdfRequestIsCanceled(request));
    if (!cancel_leaves_request) {
        complete(request, STATUS_CANCELLED, 0);
        kept = NULL;
    }
    line("'end':'EvtRequestCancel'");
}

static void canceled_on_queue(WDFQUEUE from, WDFREQUEST request)
{
    entered("EvtIoCanceledOnQueue", "'queue':'%s','request':'%s','known_before':%d", name_of(from), present(request),
        request == kept);
    complete(request, STATUS_CANCELLED, 0);
    line("'end':'EvtIoCanceledOnQueue'");
}

static NTSTATUS mark_ex(WDFREQUEST request)
{
    NTSTATUS status = WdfRequestMarkCancelableEx(request, on_cancel);
    return called("WdfRequestMarkCancelableEx", status, "'request':'%s'", request_name(request));
}

static void mark(WDFREQUEST request)
{
    line("'call':'WdfRequestMarkCancelable','request':'%s'", request_name(request));
    WdfRequestMarkCancelable(request, on_cancel);
    line("'call-returned':'WdfRequestMarkCancelable'");
}

static NTSTATUS unmark(WDFREQUEST request)
{
    NTSTATUS status = WdfRequestUnmarkCancelable(request);
    return called("WdfRequestUnmarkCancelable", status, "'request':'%s'", request_name(request));
}

static void device_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    const char *name = present(request);
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s','is_canceled':%d", name_of(from), name,
        WdfRequestIsCanceled(request));
    kept = request;
    switch ((enum action)IOCTL_NUMBER(code)) {
    case MARK_EX:
        mark_ex(request);
        break;
    case MARK:
        mark(request);
        break;
    case KEEP:
        break;
    case MARK_AND_UNMARK:
        mark_ex(request);
        unmark(request);
        break;
    case UNMARK_ONLY:
        unmark(request);
        break;
    case MARK_TWICE:
        mark_ex(request);
        mark_ex(request);
        break;
    case FORWARD:
        called("WdfRequestForwardToIoQueue", WdfRequestForwardToIoQueue(request, manual), "'to':'manual'");
        break;
    case MARK_UNMARK_COMPLETE:
        mark_ex(request);
        unmark(request);
        complete(request, STATUS_SUCCESS, 0);
        kept = NULL;
        break;
    case UNMARK_TWICE:
        mark_ex(request);
        unmark(request);
        unmark(request);
        break;
    case FORWARD_MARKED:
        mark_ex(request);
        called("WdfRequestForwardToIoQueue", WdfRequestForwardToIoQueue(request, manual),
            "'to':'manual','marked':true");
        break;
    case MARK_OR_COMPLETE:
        if (mark_ex(request) == STATUS_CANCELLED) {
            complete(request, STATUS_CANCELLED, 0);
            kept = NULL;
        }
        break;
    }
    line("'end':'EvtIoDeviceControl'");
}

static NTSTATUS with_queues(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.PowerManaged = WdfFalse;
    config.EvtIoDeviceControl = device_control;
    config.EvtIoCanceledOnQueue = with_canceled_callback ? canceled_on_queue : NULL;
    create_queue(device, &config, "queue", &queue);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.PowerManaged = WdfFalse;
    config.EvtIoCanceledOnQueue = with_canceled_callback ? canceled_on_queue : NULL;
    return create_queue(device, &config, "manual", &manual);
}

static void up(void)
{
    driver.callbacks = NO_CALLBACKS;
    driver.with_device = with_queues;
    bring_up();
}

static SENT send(enum action action)
{
    return control(action, 0, 0);
}

/* Completes the request that the driver has, outside of any callback. */
static void complete_kept(NTSTATUS status)
{
    WDFREQUEST request = kept;
    if (request) {
        line("'do':'call','what':'complete %s'", request_name(request));
        kept = NULL;
        complete(request, status, 0);
        Settle();
    }
}

static void cancel_marked(void)
{
    up();
    Cancel(send(MARK_EX));
    Cancel(send(MARK));
    take_down();
}

static void cancel_unmarked(void)
{
    SENT sent;
    up();
    sent = send(KEEP);
    Cancel(sent);
    line("'wdf':'WdfRequestIsCanceled','args':{},'value':%d", WdfRequestIsCanceled(kept));
    note("mark after the cancel");
    mark_ex(kept);
    unmark(kept);
    complete_kept(STATUS_CANCELLED);
    take_down();
}

static void cancel_unmarked_mark(void)
{
    up();
    Cancel(send(KEEP));
    note("WdfRequestMarkCancelable after the cancel");
    mark(kept);
    complete_kept(STATUS_CANCELLED);
    take_down();
}

static void cancel_unmark(void)
{
    up();
    Cancel(send(MARK_AND_UNMARK));
    complete_kept(STATUS_SUCCESS);
    send(UNMARK_TWICE);
    complete_kept(STATUS_SUCCESS);
    send(MARK_UNMARK_COMPLETE);
    take_down();
}

static void cancel_never_marked(void)
{
    up();
    send(UNMARK_ONLY);
    complete_kept(STATUS_SUCCESS);
    take_down();
}

/* Without a removal: the framework's list of cancelable requests is corrupt by then. */
static void cancel_marked_twice(void)
{
    up();
    send(MARK_TWICE);
    unmark(kept);
    complete_kept(STATUS_SUCCESS);
}

static void cancel_late_complete(void)
{
    cancel_leaves_request = TRUE;
    up();
    Cancel(send(MARK_EX));
    note("the cancel callback did not complete the request");
    unmark(kept);
    complete_kept(STATUS_CANCELLED);
    take_down();
}

static void cancel_manual(void)
{
    SENT first, second;
    WDFREQUEST request = NULL;
    NTSTATUS status;
    up();
    first = send(FORWARD);
    second = send(FORWARD);
    Cancel(first);
    status = WdfIoQueueRetrieveNextRequest(manual, &request);
    called("WdfIoQueueRetrieveNextRequest", status, "'request':'%s'",
        NT_SUCCESS(status) ? present(request) : "null");
    if (NT_SUCCESS(status)) {
        kept = request;
        Cancel(second);
        complete_kept(STATUS_CANCELLED);
    }
    take_down();
}

static void cancel_manual_callback(void)
{
    with_canceled_callback = TRUE;
    cancel_manual();
}

static void cancel_undelivered(void)
{
    up();
    send(KEEP);
    Cancel(send(KEEP));
    complete_kept(STATUS_SUCCESS);
    complete_kept(STATUS_SUCCESS);
    take_down();
}

static void cancel_undelivered_callback(void)
{
    with_canceled_callback = TRUE;
    cancel_undelivered();
}

static void cancel_before_send(void)
{
    up();
    SendCancelledIo(IRP_MJ_DEVICE_CONTROL, IOCTL(MARK_OR_COMPLETE, METHOD_BUFFERED));
    complete_kept(STATUS_CANCELLED);
    note("and with a request before it in the queue");
    send(KEEP);
    SendCancelledIo(IRP_MJ_DEVICE_CONTROL, IOCTL(KEEP, METHOD_BUFFERED));
    complete_kept(STATUS_SUCCESS);
    complete_kept(STATUS_SUCCESS);
    take_down();
}

static void cancel_before_send_callback(void)
{
    with_canceled_callback = TRUE;
    cancel_before_send();
}

static void cancel_requeued(void)
{
    SENT sent;
    WDFREQUEST request = NULL;
    with_canceled_callback = TRUE;
    up();
    sent = send(FORWARD);
    WdfIoQueueRetrieveNextRequest(manual, &request);
    present(request);
    called("WdfRequestRequeue", WdfRequestRequeue(request), "'request':'%s'", request_name(request));
    Cancel(sent);
    take_down();
}

static void cancel_forward_marked(void)
{
    SENT sent;
    up();
    sent = send(FORWARD_MARKED);
    note("state after");
    Cancel(sent);
    complete_kept(STATUS_SUCCESS);
    take_down();
}

static void cancel_complete_marked(void)
{
    WDFREQUEST request;
    up();
    send(MARK_EX);
    note("completed while still marked cancelable");
    request = kept;
    kept = NULL;
    complete(request, STATUS_SUCCESS, 0);
    Settle();
    take_down();
}

static void cancel_at_dispatch(void)
{
    with_canceled_callback = TRUE;
    up();
    SendAt(DISPATCH_LEVEL);
    Cancel(send(MARK_EX));
    Cancel(send(MARK));
    Cancel(send(FORWARD));
    send(KEEP);
    Cancel(send(KEEP));
    SendAt(PASSIVE_LEVEL);
    complete_kept(STATUS_SUCCESS);
    take_down();
}

SCENARIOS {
    {"cancel-at-dispatch", cancel_at_dispatch},
    {"cancel-before-send", cancel_before_send},
    {"cancel-before-send-callback", cancel_before_send_callback},
    {"cancel-complete-marked", cancel_complete_marked},
    {"cancel-forward-marked", cancel_forward_marked},
    {"cancel-late-complete", cancel_late_complete},
    {"cancel-manual", cancel_manual},
    {"cancel-manual-callback", cancel_manual_callback},
    {"cancel-marked", cancel_marked},
    {"cancel-marked-twice", cancel_marked_twice},
    {"cancel-never-marked", cancel_never_marked},
    {"cancel-requeued", cancel_requeued},
    {"cancel-undelivered", cancel_undelivered},
    {"cancel-undelivered-callback", cancel_undelivered_callback},
    {"cancel-unmark", cancel_unmark},
    {"cancel-unmarked", cancel_unmarked},
    {"cancel-unmarked-mark", cancel_unmarked_mark},
    END_OF_SCENARIOS,
};
