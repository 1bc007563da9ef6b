/* One mistake a control code: what a rule of the kernel is about, done wrong once. */

static NTSTATUS free_in_flight(EXTENSION *extension, PIRP irp)
{
    PIRP own = IoAllocateIrp((CCHAR)(extension->self->StackSize + 1), FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(own);
    next->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    next->Parameters.DeviceIoControl.IoControlCode = STORY(2);
    IoSetCompletionRoutine(own, take_back, extension, TRUE, TRUE, TRUE);
    IoCallDriver(extension->self, own);
    IoFreeIrp(own);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS return_another_status(EXTENSION *extension, PIRP irp)
{
    complete(irp, STATUS_UNSUCCESSFUL, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS pass_down_with_cancel_routine(EXTENSION *extension, PIRP irp)
{
    IoSetCancelRoutine(irp, cancel_parked);
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(extension->lower, irp);
}

static NTSTATUS never_taken_back(EXTENSION *extension, PIRP irp)
{
    PIRP own = IoAllocateIrp(extension->lower->StackSize, FALSE);
    IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_PNP;
    IoGetNextIrpStackLocation(own)->MinorFunction = IRP_MN_QUERY_PNP_DEVICE_STATE;
    IoCallDriver(extension->lower, own);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS move_event(EXTENSION *extension, PIRP irp)
{
    KEVENT *event = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(KEVENT), TAG);
    KEVENT first;
    KeInitializeEvent(&first, NotificationEvent, FALSE);
    RtlCopyMemory(event, &first, sizeof(first));
    KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    ExFreePoolWithTag(event, TAG);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS enable_and_forget(EXTENSION *extension, PIRP irp)
{
    UNICODE_STRING reference = RTL_CONSTANT_STRING(L"second"), name;
    IoRegisterDeviceInterface(extension->physical, &interface_class, &reference, &name);
    IoSetDeviceInterfaceState(&name, TRUE);
    RtlFreeUnicodeString(&name);
    return complete(irp, STATUS_SUCCESS, 0);
}

static void keep_cancel_lock(PDEVICE_OBJECT device, PIRP irp)
{
}

static NTSTATUS park_with_wrong_routine(EXTENSION *extension, PIRP irp)
{
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, keep_cancel_lock);
    return STATUS_PENDING;
}

static NTSTATUS free_item_twice(EXTENSION *extension, PIRP irp)
{
    PIO_WORKITEM item = IoAllocateWorkItem(extension->self);
    IoFreeWorkItem(item);
    IoFreeWorkItem(item);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS release_lock_twice(EXTENSION *extension, PIRP irp)
{
    IoReleaseRemoveLock(&extension->remove_lock, irp);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS keep_file_object(EXTENSION *extension, PIRP irp)
{
    ObReferenceObject(IoGetCurrentIrpStackLocation(irp)->FileObject);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS drop_file_object(EXTENSION *extension, PIRP irp)
{
    ObDereferenceObject(IoGetCurrentIrpStackLocation(irp)->FileObject);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS detach_twice(EXTENSION *extension, PIRP irp)
{
    IoDetachDevice(extension->lower);
    IoDetachDevice(extension->lower);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS print_wide_at_dispatch(EXTENSION *extension, PIRP irp)
{
    KIRQL level;
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    DbgPrint("%ws\n", L"wide");
    KeLowerIrql(level);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS write_past_extension(EXTENSION *extension, PIRP irp)
{
    ((volatile UCHAR *)(extension + 1))[16] = 1;
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS write_past_system_buffer(EXTENSION *extension, PIRP irp)
{
    ((volatile UCHAR *)irp->AssociatedIrp.SystemBuffer)[16] = 1;
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS complete_while_lower_has_it(EXTENSION *extension, PIRP irp)
{
    KEVENT event;
    IO_STATUS_BLOCK result;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP own = IoBuildDeviceIoControlRequest(
        STORY(0), extension->self, NULL, 0, NULL, 0, FALSE, &event, &result);
    IoCompleteRequest(own, IO_NO_INCREMENT);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS keep_remove_lock(EXTENSION *extension, PIRP irp)
{
    IoAcquireRemoveLock(&extension->remove_lock, extension);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS complete_twice(EXTENSION *extension, PIRP irp)
{
    complete(irp, STATUS_SUCCESS, 0);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS send_without_a_location(EXTENSION *extension, PIRP irp)
{
    PIRP own = IoAllocateIrp(1, FALSE);
    IoGetNextIrpStackLocation(own)->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    IoSetNextIrpStackLocation(own);
    IoCallDriver(extension->lower, own);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS ask_for_a_power_sequence(EXTENSION *extension, PIRP irp)
{
    POWER_STATE off = {.DeviceState = PowerDeviceD3};
    PoRequestPowerIrp(extension->physical, IRP_MN_POWER_SEQUENCE, off, NULL, NULL, NULL);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS misuse(EXTENSION *extension, PIRP irp, ULONG code)
{
    switch (code) {
    case STORY(0x20): return free_in_flight(extension, irp);
    case STORY(0x21): return return_another_status(extension, irp);
    case STORY(0x22): return pass_down_with_cancel_routine(extension, irp);
    case STORY(0x23): return never_taken_back(extension, irp);
    case STORY(0x24): return move_event(extension, irp);
    case STORY(0x25): return enable_and_forget(extension, irp);
    case STORY(0x26): return park_with_wrong_routine(extension, irp);
    case STORY(0x27): return free_item_twice(extension, irp);
    case STORY(0x28): return release_lock_twice(extension, irp);
    case STORY(0x29): return keep_file_object(extension, irp);
    case STORY(0x2A): return drop_file_object(extension, irp);
    case STORY(0x2B): return detach_twice(extension, irp);
    case STORY(0x2C): return print_wide_at_dispatch(extension, irp);
    case STORY(0x2D): return write_past_extension(extension, irp);
    case STORY(0x2E): return write_past_system_buffer(extension, irp);
    case STORY(0x2F): return complete_while_lower_has_it(extension, irp);
    case STORY(0x30): return keep_remove_lock(extension, irp);
    case STORY(0x31): return complete_twice(extension, irp);
    case STORY(0x32): return send_without_a_location(extension, irp);
    case STORY(0x33): return ask_for_a_power_sequence(extension, irp);
    default: return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}
