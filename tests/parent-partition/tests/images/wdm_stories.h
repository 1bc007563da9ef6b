/* What drivers do with the kernel, one story a function; each answers with a status and perhaps a number. */

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

static void count_and_end(PVOID context)
{
    count_step(context);
    PsTerminateSystemThread(STATUS_SUCCESS);
    ((EXTENSION *)context)->steps = 0;
}

static NTSTATUS end_thread(EXTENSION *extension, ULONG *answer)
{
    HANDLE thread;
    LONG before = extension->steps;
    NTSTATUS status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, count_and_end, extension);
    if (NT_SUCCESS(status)) {
        status = ZwWaitForSingleObject(thread, FALSE, NULL);
        ZwClose(thread);
    }
    *answer = extension->steps - before;
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

static NTSTATUS ask_below(EXTENSION *extension, ULONG *answer)
{
    DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 1};
    NTSTATUS status = query_capabilities(extension, &capabilities);
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
