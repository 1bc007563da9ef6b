/* Work items, DPCs, timers and interrupts; execution levels and synchronization scopes. */
#include "probe.h"

/* What the driver does with a device control request: the number in its code. */
enum action { ONLY_COMPLETE, START_EVERYTHING, FLUSH_WORK_ITEM };

static WDFTIMER timer;
static WDFWORKITEM work_item;
static WDFDPC dpc;
static WDFQUEUE queue;
static WDFINTERRUPT interrupt;
static int expirations;

/* How the objects are made. */
static struct {
    BOOLEAN passive_queue;
    BOOLEAN passive_timer;
    BOOLEAN without_serialization;
    ULONG period;
} make;

static void timer_expired(WDFTIMER object)
{
    entered("EvtTimerFunc", "'timer':'%s','parent':'%s'", name_of(object), name_of(WdfTimerGetParentObject(object)));
    if (++expirations == 3 && make.period) {
        line("'wdf':'WdfTimerStop','args':{'wait':false},'value':%d", WdfTimerStop(object, FALSE));
    }
    line("'end':'EvtTimerFunc'");
}

static void work(WDFWORKITEM object)
{
    entered("EvtWorkItem", "'workitem':'%s','parent':'%s'", name_of(object),
        name_of(WdfWorkItemGetParentObject(object)));
    line("'end':'EvtWorkItem'");
}

static void deferred(WDFDPC object)
{
    entered("EvtDpcFunc", "'dpc':'%s','parent':'%s'", name_of(object), name_of(WdfDpcGetParentObject(object)));
    line("'end':'EvtDpcFunc'");
}

static void enqueue_dpc(void)
{
    line("'wdf':'WdfDpcEnqueue','value':%d", WdfDpcEnqueue(dpc));
}

static BOOLEAN start_timer(ULONG milliseconds)
{
    return WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(milliseconds));
}

static void device_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s'", name_of(from), present(request));
    switch ((enum action)IOCTL_NUMBER(code)) {
    case ONLY_COMPLETE:
        break;
    case START_EVERYTHING:
        line("'call':'WdfWorkItemEnqueue x2, WdfDpcEnqueue x2, WdfTimerStart(1 ms)'");
        WdfWorkItemEnqueue(work_item);
        WdfWorkItemEnqueue(work_item);
        enqueue_dpc();
        enqueue_dpc();
        line("'wdf':'WdfTimerStart','value':%d", start_timer(1));
        line("'wdf':'WdfTimerStart','args':{'again':true},'value':%d", start_timer(2));
        break;
    case FLUSH_WORK_ITEM:
        line("'call':'WdfWorkItemFlush'");
        WdfWorkItemEnqueue(work_item);
        WdfWorkItemFlush(work_item);
        line("'call-returned':'WdfWorkItemFlush'");
        break;
    }
    complete(request, STATUS_SUCCESS, 0);
    line("'end':'EvtIoDeviceControl'");
}

/* Made without automatic serialization only where the scenario says so. */
static NTSTATUS create_timer(WDFOBJECT parent, WDF_TIMER_CONFIG *config, WDF_OBJECT_ATTRIBUTES *attributes)
{
    NTSTATUS status;
    WDF_TIMER_CONFIG_INIT(config, timer_expired);
    config->Period = make.period;
    config->AutomaticSerialization = !make.without_serialization;
    attributes_of(attributes, parent);
    if (make.passive_timer) {
        attributes->ExecutionLevel = WdfExecutionLevelPassive;
    }
    status = WdfTimerCreate(config, attributes, &timer);
    if (NT_SUCCESS(status)) {
        TraceBind(timer, "timer");
    }
    return status;
}

static NTSTATUS create_work_item(WDFOBJECT parent)
{
    WDF_WORKITEM_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    WDF_WORKITEM_CONFIG_INIT(&config, work);
    config.AutomaticSerialization = !make.without_serialization;
    attributes_of(&attributes, parent);
    status = WdfWorkItemCreate(&config, &attributes, &work_item);
    if (NT_SUCCESS(status)) {
        TraceBind(work_item, "workitem");
    } else {
        work_item = NULL;
    }
    return status;
}

static NTSTATUS create_dpc(WDFOBJECT parent)
{
    WDF_DPC_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    WDF_DPC_CONFIG_INIT(&config, deferred);
    config.AutomaticSerialization = !make.without_serialization;
    attributes_of(&attributes, parent);
    status = WdfDpcCreate(&config, &attributes, &dpc);
    if (NT_SUCCESS(status)) {
        TraceBind(dpc, "dpc");
    } else {
        dpc = NULL;
    }
    return status;
}

static NTSTATUS create_default_queue(WDFDEVICE device, PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL handler,
    WDF_OBJECT_ATTRIBUTES *attributes)
{
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.PowerManaged = WdfFalse;
    config.EvtIoDeviceControl = handler;
    if (make.passive_queue) {
        attributes->ExecutionLevel = WdfExecutionLevelPassive;
    }
    status = WdfIoQueueCreate(device, &config, attributes, &queue);
    TraceBind(queue, "queue");
    return status;
}

static NTSTATUS with_everything(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG timer_config;
    const int serialization = !make.without_serialization;
    NTSTATUS status;
    attributes_of(&attributes, NULL);
    status = create_default_queue(device, device_control, &attributes);
    called("WdfIoQueueCreate", status, "'execution_level':%d", attributes.ExecutionLevel);
    status = create_timer(device, &timer_config, &attributes);
    called("WdfTimerCreate", status, "'period':%d,'serialization':%d,'execution_level':%d", timer_config.Period,
        timer_config.AutomaticSerialization, attributes.ExecutionLevel);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = called("WdfWorkItemCreate", create_work_item(device), "'serialization':%d", serialization);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    return called("WdfDpcCreate", create_dpc(device), "'serialization':%d", serialization);
}

static void up(void)
{
    driver.object_callbacks = TRUE;
    driver.with_device = with_everything;
    bring_up();
}

static void send(enum action action)
{
    control(action, 0, 0);
}

static void async_plain(void)
{
    up();
    send(START_EVERYTHING);
    PassTime(20);
    send(FLUSH_WORK_ITEM);
    announce("WdfTimerStart, then WdfTimerStop");
    line("'wdf':'WdfTimerStart','value':%d", start_timer(5));
    line("'wdf':'WdfTimerStop','value':%d", WdfTimerStop(timer, TRUE));
    line("'wdf':'WdfTimerStop','value':%d", WdfTimerStop(timer, TRUE));
    line("'wdf':'WdfDpcCancel','value':%d", WdfDpcCancel(dpc, TRUE));
    take_down();
}

static void async_passive_timer(void)
{
    make.passive_queue = make.passive_timer = make.without_serialization = TRUE;
    up();
    send(START_EVERYTHING);
    PassTime(20);
    take_down();
}

static void async_passive_periodic(void)
{
    make.passive_queue = make.passive_timer = TRUE;
    make.period = 10;
    up();
}

static void async_periodic(void)
{
    make.period = 5;
    up();
    line("'wdf':'WdfTimerStart','value':%d", start_timer(5));
    PassTime(60);
    take_down();
}

static void async_removal(void)
{
    up();
    announce("WdfTimerStart(1 s), WdfWorkItemEnqueue");
    start_timer(1000);
    WdfWorkItemEnqueue(work_item);
    surprise_and_unload();
    PassTime(2000);
}

static void async_timer_stopped(void)
{
    up();
    announce("WdfTimerStart(5 ms) in D0, then STOP, then the timer expires");
    start_timer(5);
    stop();
    PassTime(20);
    pnp(IRP_MN_START_DEVICE);
    take_down();
}

static void async_passive_level(void)
{
    make.passive_queue = make.without_serialization = TRUE;
    up();
    send(ONLY_COMPLETE);
    SendAt(DISPATCH_LEVEL);
    send(ONLY_COMPLETE);
    send(ONLY_COMPLETE);
    SendAt(PASSIVE_LEVEL);
    take_down();
}

static void async_default_level(void)
{
    make.without_serialization = TRUE;
    up();
    SendAt(DISPATCH_LEVEL);
    send(ONLY_COMPLETE);
    SendAt(PASSIVE_LEVEL);
    take_down();
}

/* ---- synchronization scope */

static void scoped_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s'", name_of(from), present(request));
    line("'call':'WdfWorkItemEnqueue, WdfDpcEnqueue'");
    if (dpc) {
        enqueue_dpc();
    }
    if (work_item) {
        WdfWorkItemEnqueue(work_item);
    }
    complete(request, STATUS_SUCCESS, 0);
    line("'end':'EvtIoDeviceControl'");
}

static NTSTATUS with_queue_scope(WDFDEVICE device)
{
    static const char arguments[] = "'serialization':1,'parent':'queue'";
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG timer_config;
    NTSTATUS status;
    attributes_of(&attributes, NULL);
    attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
    status = create_default_queue(device, scoped_control, &attributes);
    called("WdfIoQueueCreate", status, "'scope':'queue','execution_level':%d", attributes.ExecutionLevel);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    called("WdfDpcCreate", create_dpc(queue), arguments);
    called("WdfWorkItemCreate", create_work_item(queue), arguments);
    called("WdfTimerCreate", create_timer(queue, &timer_config, &attributes), arguments);
    return STATUS_SUCCESS;
}

static void async_queue_scope(void)
{
    driver.with_device = with_queue_scope;
    bring_up();
    send(ONLY_COMPLETE);
    take_down();
}

static void async_queue_scope_passive(void)
{
    make.passive_queue = TRUE;
    async_queue_scope();
}

/* ---- interrupts */

static void queue_interrupt_dpc(WDFINTERRUPT object)
{
    line("'wdf':'WdfInterruptQueueDpcForIsr','value':%d", WdfInterruptQueueDpcForIsr(object));
}

static BOOLEAN interrupt_service(WDFINTERRUPT object, ULONG message)
{
    entered("EvtInterruptIsr", "'interrupt':'%s','message':%d", name_of(object), message);
    queue_interrupt_dpc(object);
    queue_interrupt_dpc(object);
    return TRUE;
}

static void interrupt_dpc(WDFINTERRUPT object, WDFOBJECT device)
{
    entered("EvtInterruptDpc", "'interrupt':'%s'", name_of(object));
    WdfInterruptAcquireLock(object);
    line("'wdf':'WdfInterruptAcquireLock','irql':%d", KeGetCurrentIrql());
    WdfInterruptReleaseLock(object);
}

static NTSTATUS interrupt_enable(WDFINTERRUPT object, WDFDEVICE device)
{
    entered("EvtInterruptEnable", "'interrupt':'%s'", name_of(object));
    return STATUS_SUCCESS;
}

static NTSTATUS interrupt_disable(WDFINTERRUPT object, WDFDEVICE device)
{
    entered("EvtInterruptDisable", "'interrupt':'%s'", name_of(object));
    return STATUS_SUCCESS;
}

static NTSTATUS with_interrupt(WDFDEVICE device)
{
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;
    WDF_INTERRUPT_CONFIG_INIT(&config, interrupt_service, interrupt_dpc);
    config.EvtInterruptEnable = interrupt_enable;
    config.EvtInterruptDisable = interrupt_disable;
    attributes_of(&attributes, NULL);
    status = WdfInterruptCreate(device, &config, &attributes, &interrupt);
    TraceBind(interrupt, "interrupt");
    return called("WdfInterruptCreate", status, "");
}

static void async_interrupt(void)
{
    driver.object_callbacks = TRUE;
    driver.with_device = with_interrupt;
    bring_up();
    RaiseInterrupt();
    stop();
    pnp(IRP_MN_START_DEVICE);
    surprise_and_unload();
}

SCENARIOS {
    {"async-default-level", async_default_level},
    {"async-interrupt", async_interrupt},
    {"async-passive-level", async_passive_level},
    {"async-passive-periodic", async_passive_periodic},
    {"async-passive-timer", async_passive_timer},
    {"async-periodic", async_periodic},
    {"async-plain", async_plain},
    {"async-queue-scope", async_queue_scope},
    {"async-queue-scope-passive", async_queue_scope_passive},
    {"async-removal", async_removal},
    {"async-timer-stopped", async_timer_stopped},
    END_OF_SCENARIOS,
};
