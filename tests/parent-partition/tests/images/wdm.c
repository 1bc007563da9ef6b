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

static NTSTATUS read_number_of_vfs(EXTENSION *extension, ULONG *answer)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"NumVFs");
    UCHAR buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    KEY_VALUE_PARTIAL_INFORMATION *value = (PVOID)buffer;
    HANDLE key;
    ULONG length;
    NTSTATUS status = IoOpenDeviceRegistryKey(extension->physical, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    if (ZwQueryValueKey(key, &name, KeyValuePartialInformation, value, 4, &length) != STATUS_BUFFER_TOO_SMALL) {
        status = STATUS_UNSUCCESSFUL;
    } else if (ZwQueryValueKey(key, &name, KeyValuePartialInformation, value, 12, &length) != STATUS_BUFFER_OVERFLOW) {
        status = STATUS_UNSUCCESSFUL;
    } else {
        status = ZwQueryValueKey(key, &name, KeyValuePartialInformation, value, sizeof(buffer), &length);
        RtlCopyMemory(answer, value->Data, sizeof(*answer));
    }
    ZwClose(key);
    return status;
}

static void count_step(PVOID context)
{
    EXTENSION *extension = context;
    __atomic_fetch_add(&extension->steps, 1, __ATOMIC_SEQ_CST);
    KeSetEvent(&extension->done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS run_thread(EXTENSION *extension)
{
    HANDLE handle;
    PVOID thread;
    NTSTATUS status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, count_step, extension);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ObReferenceObjectByHandle(handle, SYNCHRONIZE, NULL, KernelMode, &thread, NULL);
    ZwClose(handle);
    if (NT_SUCCESS(status)) {
        status = wait_for(thread);
        ObDereferenceObject(thread);
    }
    return status;
}

static void work(PDEVICE_OBJECT device, PVOID context)
{
    count_step(context);
}

static NTSTATUS run_work_item(EXTENSION *extension)
{
    PIO_WORKITEM item = IoAllocateWorkItem(extension->self);
    KeClearEvent(&extension->done);
    IoQueueWorkItem(item, work, DelayedWorkQueue, extension);
    NTSTATUS status = wait_for(&extension->done);
    IoFreeWorkItem(item);
    return status;
}

static void expired(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    if (KeGetCurrentIrql() == DISPATCH_LEVEL) {
        count_step(context);
    }
}

static NTSTATUS run_timer(EXTENSION *extension)
{
    KTIMER timer;
    KDPC dpc;
    LARGE_INTEGER soon = {.QuadPart = -20000};
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, expired, extension);
    KeClearEvent(&extension->done);
    KeSetTimer(&timer, soon, &dpc);
    NTSTATUS status = wait_for(&extension->done);
    if (status == STATUS_SUCCESS) {
        status = wait_for(&timer);
    }
    KeCancelTimer(&timer);
    KeFlushQueuedDpcs();
    return status;
}

static NTSTATUS run_locks(EXTENSION *extension)
{
    FAST_MUTEX fast;
    KMUTEX mutex;
    ExInitializeFastMutex(&fast);
    ExAcquireFastMutex(&fast);
    BOOLEAN raised = KeGetCurrentIrql() == APC_LEVEL;
    ExReleaseFastMutex(&fast);
    KeInitializeMutex(&mutex, 0);
    NTSTATUS status = wait_for(&mutex);
    BOOLEAN held = KeAreApcsDisabled();
    KeReleaseMutex(&mutex, FALSE);
    return raised && held && !KeAreApcsDisabled() ? status : STATUS_UNSUCCESSFUL;
}

static NTSTATUS ask_itself(EXTENSION *extension, ULONG *answer)
{
    KEVENT event;
    IO_STATUS_BLOCK result = {0};
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildDeviceIoControlRequest(
        STORY(1), extension->self, NULL, 0, answer, sizeof(*answer), FALSE, &event, &result);
    NTSTATUS status = IoCallDriver(extension->self, irp);
    if (status == STATUS_PENDING) {
        wait_for(&event);
    }
    return result.Information == sizeof(*answer) ? result.Status : STATUS_UNSUCCESSFUL;
}

static NTSTATUS take_back(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    count_step(context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS ask_below(EXTENSION *extension, ULONG *answer)
{
    DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 1};
    PIRP irp = IoAllocateIrp(extension->lower->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next->MajorFunction = IRP_MJ_PNP;
    next->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    next->Parameters.DeviceCapabilities.Capabilities = &capabilities;
    KeClearEvent(&extension->done);
    IoSetCompletionRoutine(irp, take_back, extension, TRUE, TRUE, TRUE);
    IoCallDriver(extension->lower, irp);
    wait_for(&extension->done);
    NTSTATUS status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    *answer = capabilities.DeviceState[PowerSystemWorking];
    return status;
}

static NTSTATUS ask_below_with_own_memory(EXTENSION *extension, ULONG *answer)
{
    DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 1};
    USHORT size = (USHORT)(sizeof(IRP) + extension->lower->StackSize * sizeof(IO_STACK_LOCATION));
    PIRP irp = ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG);
    IoInitializeIrp(irp, size, extension->lower->StackSize);
    for (int turn = 0; turn < 2; turn++) {
        PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        next->MajorFunction = IRP_MJ_PNP;
        next->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
        next->Parameters.DeviceCapabilities.Capabilities = &capabilities;
        IoSetCompletionRoutine(irp, take_back, extension, TRUE, TRUE, TRUE);
        IoCallDriver(extension->lower, irp);
        wait_for(&extension->done);
        *answer += capabilities.DeviceState[PowerSystemWorking];
        IoReuseIrp(irp, STATUS_SUCCESS);
    }
    ExFreePoolWithTag(irp, TAG);
    return STATUS_SUCCESS;
}

static void power_done(
    PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context, PIO_STATUS_BLOCK result)
{
    if (result->Status == STATUS_SUCCESS && state.DeviceState == PowerDeviceD3) {
        count_step(context);
    }
}

static NTSTATUS ask_for_power(EXTENSION *extension)
{
    POWER_STATE off = {.DeviceState = PowerDeviceD3};
    KIRQL level;
    KeClearEvent(&extension->done);
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    NTSTATUS status = PoRequestPowerIrp(
        extension->physical, IRP_MN_SET_POWER, off, power_done, extension, NULL);
    KeLowerIrql(level);
    return status == STATUS_PENDING ? wait_for(&extension->done) : STATUS_UNSUCCESSFUL;
}

static EX_RUNDOWN_REF uses;

static void give_use_back(PVOID context)
{
    LARGE_INTEGER soon = {.QuadPart = -10000};
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
    __atomic_fetch_add((ULONG *)context, 1, __ATOMIC_SEQ_CST);
    ExReleaseRundownProtection(&uses);
}

static NTSTATUS run_down(ULONG *answer)
{
    HANDLE thread;
    ExInitializeRundownProtection(&uses);
    if (!ExAcquireRundownProtection(&uses)) {
        return STATUS_UNSUCCESSFUL;
    }
    NTSTATUS status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, give_use_back, answer);
    ExWaitForRundownProtectionRelease(&uses);
    ZwWaitForSingleObject(thread, FALSE, NULL);
    ZwClose(thread);
    return ExAcquireRundownProtection(&uses) ? STATUS_UNSUCCESSFUL : status;
}

static NTSTATUS convert_strings(ULONG *answer)
{
    WCHAR digits[16];
    UNICODE_STRING text, number = {0, sizeof(digits), digits};
    GUID back;
    NTSTATUS status = RtlStringFromGUID(&interface_class, &text);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = RtlGUIDFromString(&text, &back);
    RtlFreeUnicodeString(&text);
    if (!NT_SUCCESS(status) || RtlCompareMemory(&back, &interface_class, sizeof(back)) != sizeof(back)) {
        return STATUS_UNSUCCESSFUL;
    }
    RtlIntegerToUnicodeString(4711, 16, &number);
    return RtlUnicodeStringToInteger(&number, 16, answer);
}

static NTSTATUS keep_registry(ULONG *answer)
{
    UNICODE_STRING path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\Wdm");
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Value");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    ULONG how, length, value = 7;
    UCHAR buffer[64];
    KEY_VALUE_PARTIAL_INFORMATION *found = (PVOID)buffer;
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    NTSTATUS status = ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, &how);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ZwSetValueKey(key, &name, 0, REG_DWORD, &value, sizeof(value));
    status |= ZwQueryValueKey(key, &name, KeyValuePartialInformation, found, sizeof(buffer), &length);
    *answer = found->Data[0] + how;
    status |= ZwDeleteValueKey(key, &name);
    if (ZwQueryValueKey(key, &name, KeyValuePartialInformation, found, sizeof(buffer), &length) !=
        STATUS_OBJECT_NAME_NOT_FOUND) {
        status = STATUS_UNSUCCESSFUL;
    }
    status |= ZwDeleteKey(key);
    ZwClose(key);
    return status;
}

static NTSTATUS find_itself(EXTENSION *extension)
{
    PWSTR names;
    UNICODE_STRING name;
    PFILE_OBJECT file;
    PDEVICE_OBJECT top;
    NTSTATUS status = IoGetDeviceInterfaces(&interface_class, extension->physical, 0, &names);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    RtlInitUnicodeString(&name, names);
    status = IoGetDeviceObjectPointer(&name, FILE_READ_ACCESS, &file, &top);
    ExFreePool(names);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = top == extension->self && IoGetRelatedDeviceObject(file) == top ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    ObDereferenceObject(file);
    return status;
}

static NTSTATUS fill_direct(PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG length = location->Parameters.DeviceIoControl.OutputBufferLength;
    PUCHAR output = MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
    PUCHAR input = irp->AssociatedIrp.SystemBuffer;
    for (ULONG at = 0; at < length; at++) {
        output[at] = (UCHAR)(input[0] + at);
    }
    return complete(irp, STATUS_SUCCESS, length);
}

static NTSTATUS copy_neither(PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG length = location->Parameters.DeviceIoControl.InputBufferLength;
    ProbeForRead(location->Parameters.DeviceIoControl.Type3InputBuffer, length, 1);
    ProbeForWrite(irp->UserBuffer, length, 1);
    RtlCopyMemory(irp->UserBuffer, location->Parameters.DeviceIoControl.Type3InputBuffer, length);
    return complete(irp, STATUS_SUCCESS, length);
}

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
    if (NT_SUCCESS(status) && list->List[0].PartialResourceList.Count != 2) {
        status = STATUS_INVALID_PARAMETER;
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
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}
