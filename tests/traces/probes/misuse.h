/* A driver that does one thing wrong: with a request, with its device, on its way to D0, or in DriverEntry. */
#ifndef MISUSE_H
#define MISUSE_H

#include "probe.h"

static WDFQUEUE queue;
static WDFSPINLOCK spin_lock;
static WDFWAITLOCK wait_lock;
static WDFTIMER timer;
static WDFOBJECT object;

/* What is done wrong. */
static struct {
    void (*in_request)(WDFREQUEST request);
    void (*in_device)(WDFDEVICE device);
} misuse;

static void never_expires(WDFTIMER never)
{
}

static void never_runs(WDFWORKITEM never)
{
}

static void device_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s'", name_of(from), present(request));
    if (misuse.in_request) {
        misuse.in_request(request);
    } else {
        complete(request, STATUS_SUCCESS, 0);
    }
    line("'end':'EvtIoDeviceControl','irql':%d", KeGetCurrentIrql());
}

static NTSTATUS with_objects(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG timer_config;
    NTSTATUS status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = device_control;
    status = create_queue(device, &config, "queue", &queue);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    WdfSpinLockCreate(&attributes, &spin_lock);
    WdfWaitLockCreate(&attributes, &wait_lock);
    WdfObjectCreate(&attributes, &object);
    WDF_TIMER_CONFIG_INIT(&timer_config, never_expires);
    WdfTimerCreate(&timer_config, &attributes, &timer);
    TraceBind(object, "object");
    TraceBind(spin_lock, "spinlock");
    TraceBind(wait_lock, "waitlock");
    if (misuse.in_device) {
        misuse.in_device(device);
    }
    return status;
}

static void up(enum callbacks callbacks)
{
    driver.callbacks = callbacks;
    driver.with_device = with_objects;
    bring_up();
}

static void play_in_request(void (*in_request)(WDFREQUEST))
{
    misuse.in_request = in_request;
    up(NO_CALLBACKS);
    control(0, 8, 8);
    take_down();
}

static void play_in_device(void (*in_device)(WDFDEVICE))
{
    misuse.in_device = in_device;
    up(NO_CALLBACKS);
    take_down();
}

static void play_in_d0_entry(void (*in_d0_entry)(WDFDEVICE))
{
    driver.in_d0_entry = in_d0_entry;
    up(HARDWARE_AND_D0);
    control(0, 8, 8);
    take_down();
}

static void play_in_entry(NTSTATUS (*after_driver)(PDRIVER_OBJECT, PUNICODE_STRING))
{
    driver.callbacks = NO_CALLBACKS;
    driver.after_driver = after_driver;
    LoadDriver();
    UnloadDriver();
}

/* Each begins the definition of a misuse and of the scenario that plays it. */
#define MISUSE(place, result, name, ...)                                                        \
    static result name(__VA_ARGS__);                                                            \
    static void play_##name(void)                                                               \
    {                                                                                           \
        play_##place(name);                                                                     \
    }                                                                                           \
    static result name(__VA_ARGS__)
#define IN_REQUEST(name) MISUSE(in_request, void, name, WDFREQUEST request)
#define IN_DEVICE(name) MISUSE(in_device, void, name, WDFDEVICE device)
#define IN_D0_ENTRY(name) MISUSE(in_d0_entry, void, name, WDFDEVICE device)
#define IN_ENTRY(name) MISUSE(in_entry, NTSTATUS, name, PDRIVER_OBJECT driver_object, PUNICODE_STRING path)
#define PLAYED(scenario, name) {"misuse-" scenario, play_##name}

/* The wrong call, told before it is made and after it has returned. */
#define CALL(text, call)                                                                        \
    do {                                                                                        \
        announce(text);                                                                         \
        call;                                                                                   \
        line("'call-returned':'%s','irql':%d", text, KeGetCurrentIrql());                       \
    } while (0)

/* The same for a call that returns a status. */
#define CALL_FOR_STATUS(text, call)                                                             \
    do {                                                                                        \
        NTSTATUS returned;                                                                      \
        announce(text);                                                                         \
        returned = (call);                                                                      \
        line("'wdf':'%s','status':'0x%08X'", text, returned);                                   \
    } while (0)

#define AT_DISPATCH(call)                                                                       \
    do {                                                                                        \
        KIRQL before;                                                                           \
        KeRaiseIrql(DISPATCH_LEVEL, &before);                                                   \
        call;                                                                                   \
        KeLowerIrql(before);                                                                    \
    } while (0)

#endif
