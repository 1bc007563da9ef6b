/* The MAC address and VLAN of each VF: set by the operator, read by the VF, a change announced by an invalidation.
 *
 * Block 40 holds what the operator set, block 41 what the VF says that it uses. Both are 8 bytes: the address, and the VLAN
 * as a little-endian number (0 for none). The operator's program sends device control requests to \Device\mac_vlan_c:
 *
 *     0x222000  set     VF (USHORT), address, VLAN
 *     0x222004  query   VF (USHORT); answers what the VF uses (8 bytes), and how often it said so (ULONGLONG)
 *     0x222008  stop    stops serving
 *     0x22200C  start   serves again
 *     0x222010  renew   puts fresh state into the place of the old one while VFs write, and keeps what they said
 */
#include <initguid.h>
#include <ntddk.h>
#include <ntstatus.h>
#include <pf_backchannel_client.h>

#define LINK_BLOCK 40
#define USED_BLOCK 41
#define LINK_BYTES 8
#define MOST_VFS 256
#define TAG 'naVM'

#define CODE(number) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (number), METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct {
    LONG64 used[MOST_VFS];
    LONG64 times[MOST_VFS];
} STATE;

static PF_BACKCHANNEL_CLIENT client;
static PF_BACKCHANNEL_REGISTRATION registrations[2];
static PDRIVER_OBJECT this_driver;
static BOOLEAN is_serving;

static NTSTATUS write_used(void *context, const PF_BACKCHANNEL_CALL *call, const UCHAR *block, ULONG length)
{
    STATE *state = context;
    LONG64 used;
    if (call->BlockId != USED_BLOCK || call->VfIndex >= MOST_VFS || length != LINK_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    RtlCopyMemory(&used, block, sizeof(used));
    (void)InterlockedExchange64(&state->used[call->VfIndex], used);
    (void)InterlockedIncrement64(&state->times[call->VfIndex]);
    return STATUS_SUCCESS;
}

static NTSTATUS read_nothing(void *context, const PF_BACKCHANNEL_CALL *call, UCHAR *output, ULONG length)
{
    return STATUS_NOT_SUPPORTED;
}

static void vf_event(void *context, const PF_BACKCHANNEL_CALL *call, ULONG event)
{
    STATE *state = context;
    if (event == PF_BACKCHANNEL_VF_RESET && call->VfIndex < MOST_VFS) {
        (void)InterlockedExchange64(&state->used[call->VfIndex], 0);
        (void)InterlockedExchange64(&state->times[call->VfIndex], 0);
    }
}

static void describe(PF_BACKCHANNEL_REGISTRATION *registration, ULONG block, STATE *state)
{
    registration->Schema.BlockId = block;
    registration->Schema.Minimum = LINK_BYTES;
    registration->Schema.Maximum = LINK_BYTES;
    registration->Schema.Step = 1;
    registration->HandlerContext = state;
    registration->Write = write_used;
    registration->Read = read_nothing;
    registration->VfEvent = vf_event;
}

static STATE *new_state(void)
{
    return ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(STATE), TAG);
}

static NTSTATUS start_serving(void)
{
    NTSTATUS status;
    STATE *state = new_state();
    if (state == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(registrations, sizeof(registrations));
    describe(&registrations[0], LINK_BLOCK, state);
    registrations[0].Schema.Flags = PF_BACKCHANNEL_KEEP_ON_RESET | PF_BACKCHANNEL_INVALIDATABLE;
    registrations[0].Schema.Direction = PF_BACKCHANNEL_VF_READS;
    registrations[0].Schema.Source = PF_BACKCHANNEL_SOURCE_PUBLISHED;
    registrations[0].Schema.Owner = PF_BACKCHANNEL_OWNER_PF;
    describe(&registrations[1], USED_BLOCK, state);
    registrations[1].Schema.Direction = PF_BACKCHANNEL_VF_WRITES;
    registrations[1].Schema.Rate = PF_BACKCHANNEL_RATE_UNLIMITED;
    RtlZeroMemory(&client, sizeof(client));
    status = PfBackchannelConnect(&client, this_driver, registrations, 2);
    is_serving = NT_SUCCESS(status);
    if (!is_serving) {
        ExFreePoolWithTag(state, TAG);
    }
    return status;
}

static void stop_serving(void)
{
    if (is_serving) {
        is_serving = FALSE;
        PfBackchannelDisconnect(&client);
        ExFreePoolWithTag(registrations[0].HandlerContext, TAG);
    }
}

static NTSTATUS set_link(const UCHAR *input, ULONG length)
{
    USHORT vf, vlan;
    NTSTATUS status;
    if (length != sizeof(vf) + LINK_BYTES) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    RtlCopyMemory(&vf, input, sizeof(vf));
    RtlCopyMemory(&vlan, input + 8, sizeof(vlan));
    /* A VF's own address is of one station; VLAN 4095 is reserved. */
    if ((input[2] & 1) != 0 || vlan > 4094) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!PfBackchannelAcquire(&client)) {
        return STATUS_DEVICE_NOT_READY;
    }
    status = client.Interface.Publish(client.Interface.Context, client.Handlers[0], vf, input + 2, LINK_BYTES);
    if (NT_SUCCESS(status)) {
        status = client.Interface.Invalidate(client.Interface.Context, vf, 1ULL << LINK_BLOCK);
    }
    PfBackchannelRelease(&client);
    return status;
}

static NTSTATUS query_used(UCHAR *buffer, ULONG input_length, ULONG output_length, ULONG_PTR *information)
{
    const STATE *state = registrations[0].HandlerContext;
    USHORT vf;
    if (input_length != sizeof(vf) || output_length < 2 * sizeof(LONG64)) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    RtlCopyMemory(&vf, buffer, sizeof(vf));
    if (vf >= MOST_VFS || !is_serving) {
        return STATUS_INVALID_PARAMETER;
    }
    RtlCopyMemory(buffer, &state->used[vf], sizeof(LONG64));
    RtlCopyMemory(buffer + sizeof(LONG64), &state->times[vf], sizeof(LONG64));
    *information = 2 * sizeof(LONG64);
    return STATUS_SUCCESS;
}

static NTSTATUS renew_state(void)
{
    STATE *old = registrations[0].HandlerContext;
    STATE *fresh = new_state();
    NTSTATUS status = STATUS_SUCCESS;
    if (fresh == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!is_serving || !PfBackchannelAcquire(&client)) {
        ExFreePoolWithTag(fresh, TAG);
        return STATUS_DEVICE_NOT_READY;
    }
    for (ULONG index = 0; index < 2 && NT_SUCCESS(status); index++) {
        registrations[index].HandlerContext = fresh;
        status = client.Interface.Replace(client.Interface.Context, client.Handlers[index], &registrations[index]);
    }
    PfBackchannelRelease(&client);
    if (!NT_SUCCESS(status)) {
        /* Both states may be in use: neither can go before the driver does. */
        return status;
    }
    /* No callback has the old state any more. */
    for (ULONG vf = 0; vf < MOST_VFS; vf++) {
        (void)InterlockedExchangeAdd(&fresh->times[vf], old->times[vf]);
        (void)InterlockedCompareExchange64(&fresh->used[vf], old->used[vf], 0);
    }
    ExFreePoolWithTag(old, TAG);
    return status;
}

static NTSTATUS control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG input = location->Parameters.DeviceIoControl.InputBufferLength;
    ULONG output = location->Parameters.DeviceIoControl.OutputBufferLength;
    UCHAR *buffer = irp->AssociatedIrp.SystemBuffer;
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_SUCCESS;
    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case CODE(0):
        status = set_link(buffer, input);
        break;
    case CODE(1):
        status = query_used(buffer, input, output, &information);
        break;
    case CODE(2):
        stop_serving();
        break;
    case CODE(3):
        status = is_serving ? STATUS_SUCCESS : start_serving();
        break;
    case CODE(4):
        status = renew_state();
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
    }
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS open_or_close(PDEVICE_OBJECT device, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static void unload(PDRIVER_OBJECT driver)
{
    stop_serving();
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    UNICODE_STRING name;
    PDEVICE_OBJECT device;
    NTSTATUS status;
    this_driver = driver;
    driver->DriverUnload = unload;
    driver->MajorFunction[IRP_MJ_CREATE] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLEANUP] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = open_or_close;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    RtlInitUnicodeString(&name, L"\\Device\\mac_vlan_c");
    status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = start_serving();
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}
