/* A WDM function driver that does with the kernel what drivers do; each control code is one story. */
#include <ntifs.h>
#include <ntstatus.h>

#define TAG 'mdwT'
#define STORY(number) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (number), METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct {
    PDEVICE_OBJECT self;
    PDEVICE_OBJECT physical;
    PDEVICE_OBJECT lower;
    UNICODE_STRING interface;
    IO_REMOVE_LOCK remove_lock;
    KSPIN_LOCK lock;
    PIRP parked;
    KEVENT done;
    LONG steps;
    struct {
        DEVICE_POWER_STATE states[PowerSystemMaximum];
        DEVICE_POWER_STATE before;
        BOOLEAN refuses;
        BOOLEAN forgets_the_mark;
        ULONG noted;
        UCHAR notes[16];
    } power;
} EXTENSION;

static const GUID interface_class = {0x5a1f0c3e, 0x0b1d, 0x4c55, {0x9e, 0x21, 1, 2, 3, 4, 5, 6}};

static EXTENSION *extension_of(PDEVICE_OBJECT device)
{
    return device->DeviceExtension;
}

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS wait_for(PVOID object)
{
    LARGE_INTEGER limit = {.QuadPart = -50000000};
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &limit);
}

/* Parks the request until another story releases it, or it is cancelled. */
static void cancel_parked(PDEVICE_OBJECT device, PIRP irp)
{
    EXTENSION *extension = extension_of(device);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    KIRQL level;
    KeAcquireSpinLock(&extension->lock, &level);
    if (extension->parked == irp) {
        extension->parked = NULL;
    }
    KeReleaseSpinLock(&extension->lock, level);
    complete(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS park(PDEVICE_OBJECT device, PIRP irp)
{
    EXTENSION *extension = extension_of(device);
    KIRQL level;
    KeAcquireSpinLock(&extension->lock, &level);
    IoMarkIrpPending(irp);
    extension->parked = irp;
    IoSetCancelRoutine(irp, cancel_parked);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) {
        extension->parked = NULL;
        KeReleaseSpinLock(&extension->lock, level);
        complete(irp, STATUS_CANCELLED, 0);
        return STATUS_PENDING;
    }
    KeReleaseSpinLock(&extension->lock, level);
    return STATUS_PENDING;
}

static NTSTATUS release_parked(PDEVICE_OBJECT device)
{
    EXTENSION *extension = extension_of(device);
    KIRQL level;
    KeAcquireSpinLock(&extension->lock, &level);
    PIRP irp = extension->parked;
    extension->parked = NULL;
    if (irp != NULL && IoSetCancelRoutine(irp, NULL) == NULL) {
        irp = NULL;
    }
    KeReleaseSpinLock(&extension->lock, level);
    if (irp == NULL) {
        return STATUS_NOT_FOUND;
    }
    complete(irp, STATUS_SUCCESS, 0);
    return STATUS_SUCCESS;
}

static void count_step(PVOID context)
{
    EXTENSION *extension = context;
    __atomic_fetch_add(&extension->steps, 1, __ATOMIC_SEQ_CST);
    KeSetEvent(&extension->done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS take_back(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    count_step(context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

#include "wdm_power.h"
#include "wdm_stories.h"
#include "wdm_misuse.h"

static NTSTATUS control(PDEVICE_OBJECT device, PIRP irp)
{
    EXTENSION *extension = extension_of(device);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG *buffer = irp->AssociatedIrp.SystemBuffer;
    ULONG answer = 0;
    NTSTATUS status;
    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case STORY(0): /* answers with its input, byte by byte, one more */
        for (ULONG at = 0; at < location->Parameters.DeviceIoControl.InputBufferLength; at++) {
            ((PUCHAR)buffer)[at]++;
        }
        return complete(irp, STATUS_SUCCESS, location->Parameters.DeviceIoControl.InputBufferLength);
    case STORY(1):
        status = read_number_of_vfs(extension, &answer);
        break;
    case STORY(2):
        return park(device, irp);
    case STORY(3):
        status = release_parked(device);
        break;
    case STORY(4):
        status = run_thread(extension);
        break;
    case STORY(5):
        status = run_work_item(extension);
        break;
    case STORY(6):
        status = run_timer(extension);
        break;
    case STORY(7):
        status = run_locks(extension);
        break;
    case STORY(8):
        status = ask_itself(extension, &answer);
        break;
    case STORY(9):
        status = ask_below(extension, &answer);
        break;
    case STORY(10):
        status = ask_below_with_own_memory(extension, &answer);
        break;
    case STORY(11):
        status = ask_for_power(extension);
        break;
    case STORY(12):
        status = run_down(&answer);
        break;
    case STORY(13):
        status = convert_strings(&answer);
        break;
    case STORY(14):
        status = keep_registry(&answer);
        break;
    case STORY(15):
        status = find_itself(extension);
        break;
    case STORY(18):
        return answer_notes(extension, irp);
    case STORY(19):
        extension->power.refuses = TRUE;
        status = STATUS_SUCCESS;
        break;
    case STORY(20):
        extension->power.forgets_the_mark = TRUE;
        status = STATUS_SUCCESS;
        break;
    case STORY(21):
        answer = extension->power.before;
        status = STATUS_SUCCESS;
        break;
    case STORY(22):
        status = end_thread(extension, &answer);
        break;
    case STORY(16) | METHOD_OUT_DIRECT:
        return fill_direct(irp);
    case STORY(17) | METHOD_NEITHER:
        return copy_neither(irp);
    default:
        return misuse(extension, irp, location->Parameters.DeviceIoControl.IoControlCode);
    }
    if (location->Parameters.DeviceIoControl.OutputBufferLength < sizeof(answer)) {
        return complete(irp, status, 0);
    }
    *buffer = answer;
    return complete(irp, status, sizeof(answer));
}

static NTSTATUS open_or_close(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS pass_down(PDEVICE_OBJECT device, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(extension_of(device)->lower, irp);
}

static NTSTATUS started(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS start(PDEVICE_OBJECT device, PIRP irp)
{
    EXTENSION *extension = extension_of(device);
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, started, &event, TRUE, TRUE, TRUE);
    NTSTATUS status = IoCallDriver(extension->lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    }
    status = irp->IoStatus.Status;
    PCM_RESOURCE_LIST list = IoGetCurrentIrpStackLocation(irp)->Parameters.StartDevice.AllocatedResourcesTranslated;
    if (NT_SUCCESS(status) && list->List[0].PartialResourceList.Count != 5) {
        status = STATUS_INVALID_PARAMETER;
    }
    if (NT_SUCCESS(status)) {
        status = learn_power_states(extension);
    }
    if (NT_SUCCESS(status)) {
        status = IoSetDeviceInterfaceState(&extension->interface, TRUE);
    }
    return complete(irp, status, 0);
}

static NTSTATUS remove_device(PDEVICE_OBJECT device, PIRP irp)
{
    EXTENSION *extension = extension_of(device);
    PDEVICE_OBJECT lower = extension->lower;
    IoSetDeviceInterfaceState(&extension->interface, FALSE);
    RtlFreeUnicodeString(&extension->interface);
    IoReleaseRemoveLockAndWait(&extension->remove_lock, irp);
    irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass_down(device, irp);
    IoDetachDevice(lower);
    IoDeleteDevice(device);
    return status;
}

static NTSTATUS plug_and_play(PDEVICE_OBJECT device, PIRP irp)
{
    EXTENSION *extension = extension_of(device);
    NTSTATUS status = IoAcquireRemoveLock(&extension->remove_lock, irp);
    if (!NT_SUCCESS(status)) {
        return complete(irp, status, 0);
    }
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        status = start(device, irp);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return remove_device(device, irp);
    case IRP_MN_QUERY_INTERFACE:
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        status = pass_down(device, irp);
        break;
    default:
        irp->IoStatus.Status = STATUS_SUCCESS;
        status = pass_down(device, irp);
    }
    IoReleaseRemoveLock(&extension->remove_lock, irp);
    return status;
}

static NTSTATUS add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(
        driver, sizeof(EXTENSION), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    EXTENSION *extension = extension_of(device);
    extension->self = device;
    extension->physical = physical;
    KeInitializeSpinLock(&extension->lock);
    KeInitializeEvent(&extension->done, SynchronizationEvent, FALSE);
    IoInitializeRemoveLock(&extension->remove_lock, TAG, 0, 0);
    status = IoRegisterDeviceInterface(physical, &interface_class, NULL, &extension->interface);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    extension->lower = IoAttachDeviceToDeviceStack(device, physical);
    device->Flags |= DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static void unload(PDRIVER_OBJECT driver)
{
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    for (int major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++) {
        driver->MajorFunction[major] = pass_down;
    }
    driver->MajorFunction[IRP_MJ_CREATE] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLEANUP] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = open_or_close;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    driver->MajorFunction[IRP_MJ_PNP] = plug_and_play;
    driver->MajorFunction[IRP_MJ_POWER] = power;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}
