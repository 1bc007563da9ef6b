/* Observes what documented behaviours of the kernel, of PnP, power and the PCI bus come to, and prints each with its name.
 * The table beside it has the page and what the page promises; this probe shares no code with what it is run on.
 */
#define AFTER_ADD observe_after_add
#define AFTER_START observe_after_start
#define INTERNAL_CONTROL observe_control
#define UNLOAD print_story
#define INITGUID
#include "../wrong-drivers/right_wdm.h"
#include <wdmguid.h>

#include "nt.h"

static ULONG starts;

static void observe_work(PDEVICE_OBJECT device, PVOID context)
{
    observe("work-item-level", KeGetCurrentIrql());
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
}

static void observe_work_item(PDEVICE_OBJECT device)
{
    KEVENT done;
    PIO_WORKITEM item = IoAllocateWorkItem(device);
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoQueueWorkItem(item, observe_work, DelayedWorkQueue, &done);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(item);
}

static ULONG cancel_level;

static void cancelled(PDEVICE_OBJECT device, PIRP irp)
{
    cancel_level = KeGetCurrentIrql();
    IoReleaseCancelSpinLock(irp->CancelIrql);
}

static void observe_cancellation(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    observe("cancel-without-routine", IoCancelIrp(irp));
    observe("cancelled-irp-is-marked", irp->Cancel);
    IoFreeIrp(irp);
    irp = IoAllocateIrp(1, FALSE);
    /* The routine is told the device of the current location. */
    IoSetNextIrpStackLocation(irp);
    observe("set-cancel-routine", IoSetCancelRoutine(irp, cancelled) != NULL);
    observe("cancel-with-routine", IoCancelIrp(irp));
    observe("cancel-routine-level", cancel_level);
    observe("cancel-takes-the-routine", IoSetCancelRoutine(irp, NULL) != NULL);
    IoFreeIrp(irp);
}

static void observe_irp(void)
{
    PIRP irp = IoAllocateIrp(3, FALSE);
    observe("new-irp-stack-count", irp->StackCount);
    observe("new-irp-current-location", irp->CurrentLocation);
    observe("new-irp-cancel-routine", irp->CancelRoutine != NULL);
    IoFreeIrp(irp);
}

static void observe_stack(PDEVICE_OBJECT device)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(lower_device(device));
    observe("top-of-the-stack-is-the-device-attached-last", top == device);
    observe("stack-size-is-one-more-than-below", (ULONG)(device->StackSize - lower_device(device)->StackSize));
    ObDereferenceObject(top);
}

static void observe_interface(PDEVICE_OBJECT device)
{
    static const GUID class = {0x0d7bd3a5, 0x4b0f, 0x4a66, {0x91, 0x0f, 0x5e, 0x21, 0x33, 0x5a, 0x62, 0x11}};
    UNICODE_STRING link;
    NTSTATUS status = IoRegisterDeviceInterface(lower_device(device), &class, NULL, &link);
    observe("register-interface", status);
    if (NT_SUCCESS(status)) {
        observe("enable-interface", IoSetDeviceInterfaceState(&link, TRUE));
        observe("enable-enabled-interface", IoSetDeviceInterfaceState(&link, TRUE));
        observe("disable-interface", IoSetDeviceInterfaceState(&link, FALSE));
        observe("disable-disabled-interface", IoSetDeviceInterfaceState(&link, FALSE));
        RtlFreeUnicodeString(&link);
    }
}

static NTSTATUS woken(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Sends IRP_MN_QUERY_INTERFACE to the bus. */
static NTSTATUS ask_bus(PDEVICE_OBJECT device, const GUID *guid, USHORT size, BUS_INTERFACE_STANDARD *bus)
{
    KEVENT done;
    NTSTATUS status;
    PIRP irp = IoAllocateIrp(lower_device(device)->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next->MajorFunction = IRP_MJ_PNP;
    next->MinorFunction = IRP_MN_QUERY_INTERFACE;
    next->Parameters.QueryInterface.InterfaceType = guid;
    next->Parameters.QueryInterface.Size = size;
    next->Parameters.QueryInterface.Version = 1;
    next->Parameters.QueryInterface.Interface = (PINTERFACE)bus;
    IoSetCompletionRoutine(irp, woken, &done, TRUE, TRUE, TRUE);
    IoCallDriver(lower_device(device), irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    return status;
}

static void observe_bus(PDEVICE_OBJECT device)
{
    static const GUID unknown = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
    BUS_INTERFACE_STANDARD bus = {0};
    USHORT identifiers[2] = {0, 0};
    UCHAR capability = 0;
    observe("unknown-interface-keeps-its-status", ask_bus(device, &unknown, sizeof(bus), &bus));
    observe("bus-interface", ask_bus(device, &GUID_BUS_INTERFACE_STANDARD, sizeof(bus), &bus));
    if (bus.GetBusData == NULL) {
        return;
    }
    observe("configuration-space-bytes", bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, identifiers, 0, 4));
    observe("configuration-space-identifiers", identifiers[0] | (ULONG)identifiers[1] << 16);
    bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &capability, 6, 1);
    observe("configuration-space-has-a-capability-list", (capability & 0x10) != 0);
    identifiers[0] = 0;
    bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, identifiers, 0, 2);
    bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, identifiers, 0, 2);
    observe("identifiers-are-read-only", identifiers[0]);
    bus.InterfaceDereference(bus.Context);
}

static void observe_power(PDEVICE_OBJECT device)
{
    POWER_STATE d0, before;
    d0.DeviceState = PowerDeviceD0;
    PoSetPowerState(device, DevicePowerState, d0);
    before = PoSetPowerState(device, DevicePowerState, d0);
    observe("set-power-state-gives-the-state-before", before.DeviceState);
}

static void observe_after_add(PDEVICE_OBJECT device)
{
    observe("add-device-level", KeGetCurrentIrql());
    observe_stack(device);
}

static NTSTATUS observe_after_start(PDEVICE_OBJECT device)
{
    starts++;
    if (starts > 1) {
        return STATUS_SUCCESS;
    }
    observe("start-level", KeGetCurrentIrql());
    observe_events();
    observe_semaphore();
    observe_levels();
    observe_mutexes();
    observe_remove_lock();
    observe_deferred();
    observe_pool();
    observe_strings();
    observe_work_item(device);
    observe_irp();
    observe_cancellation();
    observe_interface(device);
    observe_bus(device);
    observe_power(device);
    return STATUS_SUCCESS;
}

static NTSTATUS observe_control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    observe("buffered-request-has-a-system-buffer", irp->AssociatedIrp.SystemBuffer != NULL);
    observe("kernel-requestor-mode", irp->RequestorMode);
    observe("request-has-its-file", location->FileObject != NULL);
    observe("request-is-for-the-device-of-its-location", location->DeviceObject == device);
    return complete(irp, STATUS_SUCCESS);
}

static void print_story(PDRIVER_OBJECT driver)
{
    observe("starts", starts);
    observe("devices-at-unload", driver->DeviceObject != NULL);
    observe("unload-level", KeGetCurrentIrql());
}
