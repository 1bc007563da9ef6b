/* The second part of queues.c: forwarding, and the states of a queue. */
#ifndef QUEUE_STATES_H
#define QUEUE_STATES_H

#define CONTEXT(name) ((PVOID) #name)

/* ---- forwarding */

enum forwarding { TO_MANUAL, TO_ITSELF, REQUEUE };

/* A request that comes back this often is completed. */
#define MOST_PRESENTATIONS 8

static enum forwarding forwarding;
static int presented;

static void forward_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    NTSTATUS status;
    WDFQUEUE to = forwarding == TO_MANUAL ? second : queue;
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s'", name_of(from), present(request));
    if (presented++ == MOST_PRESENTATIONS) {
        line("'note':'presented again and again: stopped here'");
        complete(request, STATUS_SUCCESS, 0);
        return;
    }
    if (forwarding == REQUEUE) {
        status = called("WdfRequestRequeue", WdfRequestRequeue(request), "'request':'%s'", request_name(request));
    } else {
        status = WdfRequestForwardToIoQueue(request, to);
        called("WdfRequestForwardToIoQueue", status, "'request':'%s','to':'%s'", request_name(request), name_of(to));
    }
    if (!NT_SUCCESS(status)) {
        complete(request, status, 0);
    }
    line("'end':'EvtIoDeviceControl'");
}

static NTSTATUS with_forwarding_queue(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    configure(&config, WdfIoQueueDispatchSequential, TRUE)->EvtIoDeviceControl = forward_control;
    create_queue(device, &config, "queue", &queue);
    configure(&config, WdfIoQueueDispatchManual, FALSE);
    create_queue(device, &config, "manual", &second);
    return STATUS_SUCCESS;
}

/* Sends one request whose presentations are counted from `from` on. */
static void send_forwarded(enum forwarding how, int from)
{
    forwarding = how;
    presented = from;
    send();
}

static void queue_forward(void)
{
    up_with(with_forwarding_queue);
    send_forwarded(TO_MANUAL, 0);
    send();
    show(queue);
    show(second);
    send_forwarded(TO_ITSELF, 6);
    send_forwarded(REQUEUE, 6);
    WdfIoQueuePurge(second, queue_state, CONTEXT(purge));
    Settle();
    note("manual is purged");
    send_forwarded(TO_MANUAL, MOST_PRESENTATIONS + 1);
    WdfIoQueueStart(second);
    send();
    retrieve_next(second);
    note("requeue from manual");
    if (held.count) {
        WDFREQUEST request = held.requests[0];
        called("WdfRequestRequeue", WdfRequestRequeue(request), "'request':'%s'", request_name(request));
        held.count = 0;
        show(second);
        retrieve_next(second);
        complete_all();
    }
    take_down();
}

/* ---- states */

/* Names a state's context in the words of the recordings, where callback and queue are State and Q. */
#define CALL_WITH_STATE(routine, context)                                                       \
    CALL(#routine "(Q, State, CTX(" #context "))", routine(queue, queue_state, CONTEXT(context)))

#define CALL_ON_QUEUE(routine) CALL(#routine "(Q)", routine(queue))

static void up_keeping(void)
{
    keeps_requests = TRUE;
    up(WdfIoQueueDispatchSequential, 0, CONTROL);
}

static void queue_stop_start(void)
{
    up_keeping();
    show(queue);
    send();
    send();
    CALL_WITH_STATE(WdfIoQueueStop, stop);
    show(queue);
    send();
    complete_first();
    show(queue);
    CALL_WITH_STATE(WdfIoQueueStop, stop2);
    CALL_ON_QUEUE(WdfIoQueueStart);
    show(queue);
    complete_first();
    complete_first();
    complete_all();
    CALL_WITH_STATE(WdfIoQueueStop, stop3);
    CALL_ON_QUEUE(WdfIoQueueStart);
    show(queue);
    take_down();
}

static void queue_drain(void)
{
    up_keeping();
    send();
    send();
    CALL_WITH_STATE(WdfIoQueueDrain, drain);
    show(queue);
    send();
    complete_first();
    show(queue);
    complete_first();
    show(queue);
    send();
    CALL_ON_QUEUE(WdfIoQueueStart);
    send();
    complete_all();
    take_down();
}

static void queue_purge(void)
{
    up_keeping();
    send();
    send();
    send();
    CALL_WITH_STATE(WdfIoQueuePurge, purge);
    show(queue);
    send();
    complete_first();
    show(queue);
    send();
    CALL_ON_QUEUE(WdfIoQueueStart);
    show(queue);
    send();
    complete_all();
    take_down();
}

static NTSTATUS with_canceled_callback(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    configure(&config, WdfIoQueueDispatchSequential, TRUE);
    config.EvtIoDeviceControl = device_control;
    config.EvtIoCanceledOnQueue = canceled_on_queue;
    return create_queue(device, &config, "queue", &queue);
}

static void queue_purge_canceled(void)
{
    keeps_requests = TRUE;
    up_with(with_canceled_callback);
    send();
    send();
    CALL_WITH_STATE(WdfIoQueuePurge, purge);
    show(queue);
    complete_all();
    show(queue);
    take_down();
}

static void queue_sync(void)
{
    up(WdfIoQueueDispatchParallel, UNLIMITED, CONTROL);
    CALL_ON_QUEUE(WdfIoQueueStopSynchronously);
    show(queue);
    send();
    CALL_ON_QUEUE(WdfIoQueueStart);
    CALL_ON_QUEUE(WdfIoQueueDrainSynchronously);
    show(queue);
    send();
    CALL_ON_QUEUE(WdfIoQueueStart);
    CALL_ON_QUEUE(WdfIoQueuePurgeSynchronously);
    show(queue);
    send();
    CALL_ON_QUEUE(WdfIoQueueStart);
    send();
    CALL_WITH_STATE(WdfIoQueueStopAndPurge, stopandpurge);
    show(queue);
    send();
    show(queue);
    CALL_ON_QUEUE(WdfIoQueueStart);
    take_down();
}

static NTSTATUS with_power_managed_queues(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = device_control;
    create_queue(device, &config, "queue", &queue);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    create_queue(device, &config, "manual-pm", &second);
    return STATUS_SUCCESS;
}

static void queue_power(void)
{
    driver.callbacks = NO_CALLBACKS;
    driver.with_device = with_power_managed_queues;
    LoadDriver();
    AddDevice();
    note("before START_DEVICE");
    show(queue);
    send();
    show(queue);
    pnp(IRP_MN_START_DEVICE);
    show(queue);
    stop();
    show(queue);
    show(second);
    send();
    Cancel(send());
    retrieve_next(second);
    pnp(IRP_MN_START_DEVICE);
    show(queue);
    take_down();
}

#endif
