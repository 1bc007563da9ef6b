/* Power: the driver owns the policy of its stack. A system IRP that the drivers below have passed asks for the device IRP
   that the table of capabilities gives it, and is completed when that has come back. Each IRP that arrives is noted. */

#define NOTED_SET 0x20
#define NOTED_SYSTEM 0x10

static NTSTATUS query_capabilities(EXTENSION *extension, DEVICE_CAPABILITIES *capabilities)
{
    PIRP irp = IoAllocateIrp(extension->lower->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next->MajorFunction = IRP_MJ_PNP;
    next->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    next->Parameters.DeviceCapabilities.Capabilities = capabilities;
    KeClearEvent(&extension->done);
    IoSetCompletionRoutine(irp, take_back, extension, TRUE, TRUE, TRUE);
    IoCallDriver(extension->lower, irp);
    wait_for(&extension->done);
    NTSTATUS status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    return status;
}

static NTSTATUS learn_power_states(EXTENSION *extension)
{
    DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 1};
    NTSTATUS status = query_capabilities(extension, &capabilities);
    RtlCopyMemory(extension->power.states, capabilities.DeviceState, sizeof(extension->power.states));
    POWER_STATE on = {.DeviceState = PowerDeviceD0};
    PoSetPowerState(extension->self, DevicePowerState, on);
    return status;
}

static void note_power(EXTENSION *extension, ULONG what)
{
    if (extension->power.noted < sizeof(extension->power.notes)) {
        extension->power.notes[extension->power.noted++] = (UCHAR)what;
    }
}

/* Lets the next power IRP come, then gives the remove lock back. */
static void release_power(EXTENSION *extension, PIRP irp)
{
    PoStartNextPowerIrp(irp);
    IoReleaseRemoveLock(&extension->remove_lock, irp);
}

static void device_followed(
    PDEVICE_OBJECT physical, UCHAR minor, POWER_STATE state, PVOID context, PIO_STATUS_BLOCK result)
{
    PIRP irp = context;
    EXTENSION *extension = extension_of(IoGetCurrentIrpStackLocation(irp)->DeviceObject);
    irp->IoStatus.Status = result->Status;
    release_power(extension, irp);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static NTSTATUS system_passed(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    EXTENSION *extension = context;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    SYSTEM_POWER_STATE system = location->Parameters.Power.State.SystemState;
    POWER_STATE wanted = {.DeviceState = extension->power.states[system]};
    NTSTATUS status = irp->IoStatus.Status;
    if (NT_SUCCESS(status)) {
        status = PoRequestPowerIrp(
            extension->physical, location->MinorFunction, wanted, device_followed, irp, NULL);
    }
    if (status == STATUS_PENDING) {
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    irp->IoStatus.Status = status;
    release_power(extension, irp);
    return STATUS_SUCCESS;
}

static void enter_state(EXTENSION *extension, POWER_STATE state)
{
    POWER_STATE before = PoSetPowerState(extension->self, DevicePowerState, state);
    extension->power.before = before.DeviceState;
}

static NTSTATUS device_is_on(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    EXTENSION *extension = context;
    enter_state(extension, IoGetCurrentIrpStackLocation(irp)->Parameters.Power.State);
    release_power(extension, irp);
    return STATUS_SUCCESS;
}

static NTSTATUS power_of_system(EXTENSION *extension, PIRP irp)
{
    if (!extension->power.forgets_the_mark) {
        IoMarkIrpPending(irp);
    }
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, system_passed, extension, TRUE, TRUE, TRUE);
    PoCallDriver(extension->lower, irp);
    return STATUS_PENDING;
}

static NTSTATUS power_of_device(EXTENSION *extension, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN sets = location->MinorFunction == IRP_MN_SET_POWER;
    if (!sets && extension->power.refuses) {
        release_power(extension, irp);
        return complete(irp, STATUS_DEVICE_BUSY, 0);
    }
    if (sets && location->Parameters.Power.State.DeviceState == PowerDeviceD0) {
        IoMarkIrpPending(irp);
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, device_is_on, extension, TRUE, TRUE, TRUE);
        PoCallDriver(extension->lower, irp);
        return STATUS_PENDING;
    }
    if (sets) {
        enter_state(extension, location->Parameters.Power.State);
    }
    PoStartNextPowerIrp(irp);
    IoSkipCurrentIrpStackLocation(irp);
    NTSTATUS status = PoCallDriver(extension->lower, irp);
    IoReleaseRemoveLock(&extension->remove_lock, irp);
    return status;
}

static NTSTATUS power(PDEVICE_OBJECT device, PIRP irp)
{
    EXTENSION *extension = extension_of(device);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status = IoAcquireRemoveLock(&extension->remove_lock, irp);
    if (!NT_SUCCESS(status)) {
        PoStartNextPowerIrp(irp);
        return complete(irp, status, 0);
    }
    if (location->MinorFunction != IRP_MN_SET_POWER && location->MinorFunction != IRP_MN_QUERY_POWER) {
        PoStartNextPowerIrp(irp);
        IoSkipCurrentIrpStackLocation(irp);
        status = PoCallDriver(extension->lower, irp);
        IoReleaseRemoveLock(&extension->remove_lock, irp);
        return status;
    }
    BOOLEAN is_system = location->Parameters.Power.Type == SystemPowerState;
    note_power(extension, (location->MinorFunction == IRP_MN_SET_POWER ? NOTED_SET : 0) |
        (is_system ? NOTED_SYSTEM : 0) | (ULONG)location->Parameters.Power.State.DeviceState);
    return is_system ? power_of_system(extension, irp) : power_of_device(extension, irp);
}

/* Answers with what was noted, and forgets it. */
static NTSTATUS answer_notes(EXTENSION *extension, PIRP irp)
{
    ULONG room = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG count = extension->power.noted < room ? extension->power.noted : room;
    RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, extension->power.notes, count);
    extension->power.noted = 0;
    return complete(irp, STATUS_SUCCESS, count);
}
