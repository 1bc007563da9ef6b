/* Queues: what is presented to which callback, how many at a time, and what the states of a queue do. */
#include "held.h"

/* A call that the scenario makes, told as the recordings tell it. */
#define CALL(text, call) (announce(text), (call), Settle())

enum handlers { CONTROL = 1, INTERNAL = 2, DEFAULT = 4, READ = 8, WRITE = 16, EVERY = 31 };

/* Presented requests without a limit. */
#define UNLIMITED (-1)

static WDFQUEUE queue, second, third;
static BOOLEAN keeps_requests;

static struct {
    WDF_IO_QUEUE_DISPATCH_TYPE type;
    int limit;
    enum handlers handlers;
} shape;

static void take(const char *callback, WDFQUEUE from, WDFREQUEST request, ULONG code)
{
    WDF_REQUEST_PARAMETERS parameters;
    const char *name = present(request);
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(request, &parameters);
    entered(callback, "'queue':'%s','request':'%s','type':%d,'code':'0x%08X'", name_of(from), name, parameters.Type,
        code);
    if (keeps_requests) {
        hold(request);
    } else {
        complete(request, STATUS_SUCCESS, 0);
    }
    line("'end':'%s'", callback);
}

static void device_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    take("EvtIoDeviceControl", from, request, code);
}

static void internal_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    take("EvtIoInternalDeviceControl", from, request, code);
}

static void default_handler(WDFQUEUE from, WDFREQUEST request)
{
    take("EvtIoDefault", from, request, 0);
}

static void read(WDFQUEUE from, WDFREQUEST request, size_t length)
{
    take("EvtIoRead", from, request, (ULONG)length);
}

static void write(WDFQUEUE from, WDFREQUEST request, size_t length)
{
    take("EvtIoWrite", from, request, (ULONG)length);
}

static void canceled_on_queue(WDFQUEUE from, WDFREQUEST request)
{
    entered("EvtIoCanceledOnQueue", "'queue':'%s','request':'%s'", name_of(from), present(request));
    complete(request, STATUS_CANCELLED, 0);
}

static void queue_state(WDFQUEUE of, WDFCONTEXT context)
{
    ULONG queued = 0, with_driver = 0;
    WDF_IO_QUEUE_STATE state = WdfIoQueueGetState(of, &queued, &with_driver);
    entered("EvtIoQueueState", "'queue':'%s','context':'%s','flags':'0x%X','queued':%d,'driver':%d", name_of(of),
        (const char *)context, state, queued, with_driver);
}

static void show(WDFQUEUE of)
{
    ULONG queued = 0, with_driver = 0;
    WDF_IO_QUEUE_STATE state = WdfIoQueueGetState(of, &queued, &with_driver);
    line("'wdf':'WdfIoQueueGetState','args':{'queue':'%s'},'flags':'0x%X','queued':%d,'driver':%d", name_of(of),
        state, queued, with_driver);
}

/* A configuration of a queue that is not power managed. */
static WDF_IO_QUEUE_CONFIG *configure(WDF_IO_QUEUE_CONFIG *config, WDF_IO_QUEUE_DISPATCH_TYPE type,
    BOOLEAN is_default)
{
    if (is_default) {
        WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(config, type);
    } else {
        WDF_IO_QUEUE_CONFIG_INIT(config, type);
    }
    config->PowerManaged = WdfFalse;
    return config;
}

static NTSTATUS with_queue(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    configure(&config, shape.type, TRUE);
    config.EvtIoDeviceControl = shape.handlers & CONTROL ? device_control : NULL;
    config.EvtIoInternalDeviceControl = shape.handlers & INTERNAL ? internal_control : NULL;
    config.EvtIoDefault = shape.handlers & DEFAULT ? default_handler : NULL;
    config.EvtIoRead = shape.handlers & READ ? read : NULL;
    config.EvtIoWrite = shape.handlers & WRITE ? write : NULL;
    if (shape.type == WdfIoQueueDispatchParallel && shape.limit != UNLIMITED) {
        config.Settings.Parallel.NumberOfPresentedRequests = (ULONG)shape.limit;
    }
    return create_queue(device, &config, "queue", &queue);
}

static void up_with(NTSTATUS (*with_device)(WDFDEVICE))
{
    driver.callbacks = NO_CALLBACKS;
    driver.with_device = with_device;
    bring_up();
}

static void up(WDF_IO_QUEUE_DISPATCH_TYPE type, int limit, enum handlers handlers)
{
    shape.type = type;
    shape.limit = limit;
    shape.handlers = handlers;
    up_with(with_queue);
}

static SENT send(void)
{
    return control(0, 0, 0);
}

/* A request of any major function, with 8 bytes each way. */
static void send_major(UCHAR major)
{
    SendIo(major, IOCTL(0, METHOD_BUFFERED), 8, 8, NULL, UserMode);
}

static void retrieve_next(WDFQUEUE from)
{
    WDFREQUEST request = NULL;
    NTSTATUS status = WdfIoQueueRetrieveNextRequest(from, &request);
    called("WdfIoQueueRetrieveNextRequest", status, "'queue':'%s','request':'%s'", name_of(from),
        NT_SUCCESS(status) ? present(request) : "null");
    if (NT_SUCCESS(status)) {
        hold(request);
    }
}

static void find_and_retrieve(WDFQUEUE from)
{
    WDFREQUEST found = NULL, request = NULL;
    NTSTATUS status = WdfIoQueueFindRequest(from, NULL, NULL, NULL, &found);
    called("WdfIoQueueFindRequest", status, "'queue':'%s','found':'%s'", name_of(from),
        NT_SUCCESS(status) ? present(found) : "null");
    if (!NT_SUCCESS(status)) {
        return;
    }
    status = WdfIoQueueRetrieveFoundRequest(from, found, &request);
    called("WdfIoQueueRetrieveFoundRequest", status, "'queue':'%s','request':'%s'", name_of(from),
        NT_SUCCESS(status) ? present(request) : "null");
    WdfObjectDereference(found);
    if (NT_SUCCESS(status)) {
        hold(request);
    }
}

/* ---- how many at a time */

static void parallel(int limit)
{
    keeps_requests = TRUE;
    up(WdfIoQueueDispatchParallel, limit, CONTROL);
    if (queue) {
        send();
        send();
        send();
        show(queue);
        complete_first();
        show(queue);
        complete_all();
        show(queue);
    }
    take_down();
}

static void queue_parallel(void)
{
    parallel(UNLIMITED);
}

static void queue_parallel_0(void)
{
    parallel(0);
}

static void queue_parallel_1(void)
{
    parallel(1);
}

static void queue_parallel_2(void)
{
    parallel(2);
}

static void queue_sequential(void)
{
    keeps_requests = TRUE;
    up(WdfIoQueueDispatchSequential, 0, CONTROL);
    send();
    send();
    send();
    show(queue);
    complete_first();
    show(queue);
    complete_all();
    take_down();
}

static void queue_sequential_now(void)
{
    up(WdfIoQueueDispatchSequential, 0, CONTROL);
    send();
    send();
    take_down();
}

static void queue_nested(void)
{
    up(WdfIoQueueDispatchSequential, 0, CONTROL);
    CALL("WdfIoQueueStopSynchronously(Q)", WdfIoQueueStopSynchronously(queue));
    send();
    send();
    send();
    CALL("WdfIoQueueStart(Q)", WdfIoQueueStart(queue));
    take_down();
}

/* ---- which callback */

static void types(enum handlers handlers)
{
    up(WdfIoQueueDispatchParallel, UNLIMITED, handlers);
    send_major(IRP_MJ_DEVICE_CONTROL);
    send_major(IRP_MJ_INTERNAL_DEVICE_CONTROL);
    send_major(IRP_MJ_READ);
    send_major(IRP_MJ_WRITE);
    SendIo(IRP_MJ_READ, 0, 0, 0, NULL, UserMode);
    SendIo(IRP_MJ_WRITE, 0, 0, 0, NULL, UserMode);
    send_major(IRP_MJ_CREATE);
    send_major(IRP_MJ_FLUSH_BUFFERS);
    send_major(IRP_MJ_QUERY_INFORMATION);
    send_major(IRP_MJ_SHUTDOWN);
    send_major(IRP_MJ_SYSTEM_CONTROL);
    take_down();
}

static void queue_types_ioctl(void)
{
    types(CONTROL);
}

static void queue_types_internal(void)
{
    types(INTERNAL);
}

static void queue_types_default(void)
{
    types(DEFAULT);
}

static void queue_types_all(void)
{
    types(EVERY);
}

static NTSTATUS without_queue(WDFDEVICE device)
{
    return STATUS_SUCCESS;
}

static void queue_none(void)
{
    up_with(without_queue);
    send_major(IRP_MJ_DEVICE_CONTROL);
    send_major(IRP_MJ_INTERNAL_DEVICE_CONTROL);
    send_major(IRP_MJ_READ);
    send_major(IRP_MJ_CREATE);
    send_major(IRP_MJ_FLUSH_BUFFERS);
    take_down();
}

/* ---- retrieving */

static void queue_manual(void)
{
    up(WdfIoQueueDispatchManual, 0, 0);
    retrieve_next(queue);
    find_and_retrieve(queue);
    send();
    send();
    show(queue);
    retrieve_next(queue);
    find_and_retrieve(queue);
    retrieve_next(queue);
    show(queue);
    complete_all();
    take_down();
}

static void ready(WDFQUEUE of, WDFCONTEXT context)
{
    queue_state(of, context);
    retrieve_next(of);
    retrieve_next(of);
}

static void queue_ready_notify(void)
{
    const char *routine = "WdfIoQueueReadyNotify";
    up(WdfIoQueueDispatchManual, 0, 0);
    called(routine, WdfIoQueueReadyNotify(queue, ready, (PVOID) "ready"), "'queue':'queue'");
    called(routine, WdfIoQueueReadyNotify(queue, ready, (PVOID) "ready2"), "'queue':'queue','again':true");
    send();
    send();
    complete_all();
    called(routine, WdfIoQueueReadyNotify(queue, NULL, NULL), "'queue':'queue','callback':'null'");
    WdfIoQueueStopSynchronously(queue);
    called(routine, WdfIoQueueReadyNotify(queue, NULL, NULL), "'queue':'queue','callback':'null','stopped':true");
    send();
    WdfIoQueueStart(queue);
    retrieve_next(queue);
    complete_all();
    take_down();
}

static void queue_retrieve_parallel(void)
{
    keeps_requests = TRUE;
    up(WdfIoQueueDispatchParallel, 1, CONTROL);
    retrieve_next(queue);
    send();
    send();
    retrieve_next(queue);
    find_and_retrieve(queue);
    show(queue);
    complete_all();
    take_down();
}

static void queue_retrieve_sequential(void)
{
    keeps_requests = TRUE;
    up(WdfIoQueueDispatchSequential, 1, CONTROL);
    retrieve_next(queue);
    send();
    send();
    send();
    retrieve_next(queue);
    show(queue);
    complete_first();
    show(queue);
    complete_all();
    take_down();
}

/* ---- several queues */

static void dispatch_to(WDFDEVICE device, WDFQUEUE to, WDF_REQUEST_TYPE type)
{
    NTSTATUS status = WdfDeviceConfigureRequestDispatching(device, to, type);
    called("WdfDeviceConfigureRequestDispatching", status, "'queue':'%s','type':%d", name_of(to), type);
}

static NTSTATUS with_several_queues(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE refused;
    configure(&config, WdfIoQueueDispatchParallel, TRUE)->EvtIoDefault = default_handler;
    create_queue(device, &config, "default", &queue);
    configure(&config, WdfIoQueueDispatchSequential, FALSE)->EvtIoDeviceControl = device_control;
    create_queue(device, &config, "controls", &second);
    configure(&config, WdfIoQueueDispatchManual, FALSE);
    create_queue(device, &config, "reads", &third);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDefault = default_handler;
    create_queue(device, &config, "second-default", &refused);
    dispatch_to(device, second, WdfRequestTypeDeviceControl);
    dispatch_to(device, second, WdfRequestTypeDeviceControl);
    dispatch_to(device, queue, WdfRequestTypeDeviceControl);
    dispatch_to(device, third, WdfRequestTypeRead);
    dispatch_to(device, second, WdfRequestTypeWrite);
    dispatch_to(device, queue, WdfRequestTypeCreate);
    dispatch_to(device, second, WdfRequestTypeDeviceControlInternal);
    dispatch_to(device, second, WdfRequestTypePnp);
    dispatch_to(device, second, WdfRequestTypeOther);
    dispatch_to(device, second, WdfRequestTypeCleanup);
    dispatch_to(device, second, WdfRequestTypeFlushBuffers);
    line("'wdf':'WdfDeviceGetDefaultQueue','args':{},'queue':'%s'", name_of(WdfDeviceGetDefaultQueue(device)));
    return STATUS_SUCCESS;
}

static void queue_many(void)
{
    up_with(with_several_queues);
    send_major(IRP_MJ_DEVICE_CONTROL);
    send_major(IRP_MJ_READ);
    send_major(IRP_MJ_WRITE);
    send_major(IRP_MJ_INTERNAL_DEVICE_CONTROL);
    send_major(IRP_MJ_CREATE);
    send_major(IRP_MJ_FLUSH_BUFFERS);
    retrieve_next(third);
    complete_all();
    take_down();
}

static NTSTATUS with_bad_queues(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE refused;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    create_queue(device, &config, "parallel-no-handler", &refused);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchSequential);
    create_queue(device, &config, "sequential-no-handler", &refused);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.EvtIoDefault = default_handler;
    create_queue(device, &config, "manual-with-handler", &refused);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchMax);
    create_queue(device, &config, "bad-type", &refused);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.Size--;
    create_queue(device, &config, "bad-size", &refused);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchInvalid);
    create_queue(device, &config, "type0", &refused);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDefault = default_handler;
    config.Settings.Parallel.NumberOfPresentedRequests = 0;
    create_queue(device, &config, "limit0", &refused);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    called("WdfIoQueueCreate", WdfIoQueueCreate(device, &config, NULL, NULL),
        "'queue':'manual, no attributes, null handle'");
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    called("WdfIoQueueCreate", WdfIoQueueCreate(device, &config, NULL, NULL),
        "'queue':'default, no handlers, null handle'");
    return STATUS_SUCCESS;
}

static void queue_bad_config(void)
{
    up_with(with_bad_queues);
    send_major(IRP_MJ_DEVICE_CONTROL);
    take_down();
}

#include "queue_states.h"

SCENARIOS {
    {"queue-parallel", queue_parallel},
    {"queue-parallel-0", queue_parallel_0},
    {"queue-parallel-1", queue_parallel_1},
    {"queue-parallel-2", queue_parallel_2},
    {"queue-sequential", queue_sequential},
    {"queue-sequential-now", queue_sequential_now},
    {"queue-nested", queue_nested},
    {"queue-types-ioctl", queue_types_ioctl},
    {"queue-types-internal", queue_types_internal},
    {"queue-types-default", queue_types_default},
    {"queue-types-all", queue_types_all},
    {"queue-none", queue_none},
    {"queue-manual", queue_manual},
    {"queue-ready-notify", queue_ready_notify},
    {"queue-retrieve-parallel", queue_retrieve_parallel},
    {"queue-retrieve-sequential", queue_retrieve_sequential},
    {"queue-many", queue_many},
    {"queue-bad-config", queue_bad_config},
    {"queue-forward", queue_forward},
    {"queue-stop-start", queue_stop_start},
    {"queue-drain", queue_drain},
    {"queue-purge", queue_purge},
    {"queue-purge-canceled", queue_purge_canceled},
    {"queue-sync", queue_sync},
    {"queue-power", queue_power},
    END_OF_SCENARIOS,
};
