/* A plug-in that does what it is told to, right or wrong, and counts its callbacks.
 *
 * Block 50 is written (1 to 128 bytes), 51 answered by the handler, 52 published, 53 written and deferred; 51 to 53 have 8
 * bytes. The first byte of a write to block 50 says what the callback does, of block 53 whether it completes at once. What
 * the device control requests to \Device\probe do stands at the enumeration below. */
#include <initguid.h>
#include <ntddk.h>
#include <ntstatus.h>
#include <pf_backchannel_client.h>

#define CODE(number) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (number), METHOD_BUFFERED, FILE_ANY_ACCESS)

/* What a write to block 50 asks for. */
enum { WRITE_OBEDIENT, WRITE_BLOCK, WRITE_RAISED, WRITE_INFORMATIONAL, WRITE_PENDING };

/* Requests; each number is in the input's first bytes. */
enum {
    RELEASE,        /* lets blocked callbacks go */
    STATISTICS,     /* VF (USHORT), block's place (USHORT): PF_BACKCHANNEL_STATISTICS */
    CALLS,          /* how often any callback was called (LONG64) */
    REGISTER_TAKEN, /* registers block 50 once more */
    FILL_TABLE,     /* registers blocks until one is refused: how many (ULONG), with what (ULONG); unregisters them */
    CLOSE_HANDLE,   /* closes the handle and forgets the rest */
    DEREFERENCE,    /* gives the interface back and forgets the rest */
    REGISTER_WRONG, /* which mistake (ULONG) */
    QUERY_WRONG,    /* which mistake (ULONG) */
    NEXT_CALLBACK,  /* which callback (UCHAR), which routine it calls (UCHAR), for which VF (USHORT) */
    LAST_STATUS,    /* what that routine returned (ULONG) */
    COMPLETE,       /* completes the deferred write that waits */
    UNREGISTER,     /* ends the registration at a place (ULONG) */
    FORGET          /* lets the unload routine leave everything as it is */
};

static PF_BACKCHANNEL_CLIENT client;
static PF_BACKCHANNEL_REGISTRATION registrations[4];
static PDRIVER_OBJECT this_driver;
static KEVENT released;
static LONG64 calls;
static LONG64 waiting_ticket;
static volatile LONG armed = -1;
static UCHAR armed_routine;
static USHORT armed_vf;
static NTSTATUS last_status;
static BOOLEAN is_forgetful;
static UCHAR read_past;

static void describe(PF_BACKCHANNEL_REGISTRATION *registration, ULONG block);

/* Calls one routine of the interface from a callback. */
static NTSTATUS call_back(const PF_BACKCHANNEL_CALL *call)
{
    const PF_BACKCHANNEL_HANDLER_INTERFACE *pf = &client.Interface;
    PF_BACKCHANNEL_REGISTRATION registration;
    PF_BACKCHANNEL_HANDLER handler = 0;
    PF_BACKCHANNEL_VF_STATUS status;
    PF_BACKCHANNEL_STATISTICS statistics;
    UCHAR content[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    NTSTATUS first;
    RtlZeroMemory(&registration, sizeof(registration));
    RtlZeroMemory(&status, sizeof(status));
    RtlZeroMemory(&statistics, sizeof(statistics));
    status.Size = sizeof(status);
    statistics.Size = sizeof(statistics);
    switch (armed_routine) {
    case 0:
        describe(&registration, 60);
        registration.Schema.Direction = PF_BACKCHANNEL_VF_WRITES;
        first = pf->Register(pf->Context, &registration, &handler);
        return NT_SUCCESS(first) ? pf->Unregister(pf->Context, handler) : first;
    case 1:
        return pf->Replace(pf->Context, call->Handler, &registrations[0]);
    case 2:
        return pf->Unregister(pf->Context, call->Handler);
    case 3:
        return pf->Publish(pf->Context, client.Handlers[2], armed_vf, content, sizeof(content));
    case 4:
        first = pf->QueryVf(pf->Context, armed_vf, &status);
        return NT_SUCCESS(first)
            ? pf->PublishInLife(pf->Context, client.Handlers[2], armed_vf, status.Generation, content, sizeof(content))
            : first;
    case 5:
        return pf->Invalidate(pf->Context, armed_vf, 1ULL << 52);
    case 6:
        return pf->QueryVfCount(pf->Context) == 0 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
    case 7:
        return pf->QueryVf(pf->Context, armed_vf, &status);
    case 8:
        return pf->QueryStatistics(pf->Context, client.Handlers[0], armed_vf, &statistics);
    default:
        return pf->Complete(pf->Context, 0xFFFFFFFFFFFFULL, STATUS_SUCCESS);
    }
}

static void arrive(LONG kind, const PF_BACKCHANNEL_CALL *call)
{
    (void)InterlockedIncrement64(&calls);
    if (InterlockedCompareExchange(&armed, -1, kind) == kind) {
        last_status = call_back(call);
    }
}

static NTSTATUS write(void *context, const PF_BACKCHANNEL_CALL *call, const UCHAR *block, ULONG length)
{
    KIRQL level;
    arrive(0, call);
    if (call->BlockId == 53) {
        if (block[0] == 0) {
            (void)client.Interface.Complete(client.Interface.Context, call->Ticket, STATUS_SUCCESS);
        } else {
            (void)InterlockedExchange64(&waiting_ticket, (LONG64)call->Ticket);
        }
        return STATUS_PENDING;
    }
    switch (block[0]) {
    case WRITE_BLOCK:
        (void)KeWaitForSingleObject(&released, Executive, KernelMode, FALSE, NULL);
        return STATUS_SUCCESS;
    case WRITE_RAISED:
        KeRaiseIrql(DISPATCH_LEVEL, &level);
        return STATUS_SUCCESS;
    case WRITE_INFORMATIONAL:
        return STATUS_TIMEOUT;
    case WRITE_PENDING:
        return STATUS_PENDING;
    default:
        return STATUS_SUCCESS;
    }
}

static NTSTATUS read(void *context, const PF_BACKCHANNEL_CALL *call, UCHAR *output, ULONG length)
{
    arrive(1, call);
    for (ULONG index = 0; index < length + read_past; index++) {
        output[index] = 0xEE;
    }
    return STATUS_SUCCESS;
}

static void vf_event(void *context, const PF_BACKCHANNEL_CALL *call, ULONG event)
{
    arrive(2, call);
}

static void describe(PF_BACKCHANNEL_REGISTRATION *registration, ULONG block)
{
    registration->Size = sizeof(*registration);
    registration->Version = PF_BACKCHANNEL_REGISTRATION_VERSION;
    registration->Schema.BlockId = block;
    registration->Schema.Rate = PF_BACKCHANNEL_RATE_UNLIMITED;
    registration->Schema.Minimum = 8;
    registration->Schema.Maximum = 8;
    registration->Schema.Step = 1;
    registration->Write = write;
    registration->Read = read;
    registration->VfEvent = vf_event;
    registration->FileObject = client.File;
    registration->DriverObject = this_driver;
}

static NTSTATUS start_serving(void)
{
    describe(&registrations[0], 50);
    registrations[0].Schema.Direction = PF_BACKCHANNEL_VF_WRITES;
    registrations[0].Schema.Minimum = 1;
    registrations[0].Schema.Maximum = 128;
    describe(&registrations[1], 51);
    registrations[1].Schema.Direction = PF_BACKCHANNEL_VF_READS;
    registrations[1].Schema.Source = PF_BACKCHANNEL_SOURCE_HANDLER;
    registrations[1].Schema.Owner = PF_BACKCHANNEL_OWNER_PF;
    describe(&registrations[2], 52);
    registrations[2].Schema.Direction = PF_BACKCHANNEL_VF_READS;
    registrations[2].Schema.Owner = PF_BACKCHANNEL_OWNER_PF;
    registrations[2].Schema.Flags = PF_BACKCHANNEL_INVALIDATABLE;
    describe(&registrations[3], 53);
    registrations[3].Schema.Direction = PF_BACKCHANNEL_VF_WRITES;
    registrations[3].Schema.Flags = PF_BACKCHANNEL_DEFERRED;
    return PfBackchannelConnect(&client, this_driver, registrations, 4);
}

static NTSTATUS register_wrong(ULONG mistake)
{
    PF_BACKCHANNEL_REGISTRATION registration;
    PF_BACKCHANNEL_HANDLER handler;
    RtlZeroMemory(&registration, sizeof(registration));
    describe(&registration, 61);
    registration.Schema.Direction = PF_BACKCHANNEL_VF_WRITES;
    switch (mistake) {
    case 0:
        registration.Size += 8;
        break;
    case 1:
        registration.Size -= 8;
        break;
    case 2:
        registration.Version += 1;
        break;
    case 3:
        registration.Reserved = 1;
        break;
    case 4:
        registration.Write = NULL;
        break;
    case 5:
        registration.Read = NULL;
        break;
    case 6:
        registration.VfEvent = NULL;
        break;
    case 7:
        registration.DriverObject = NULL;
        break;
    case 8:
        /* A driver object that does not own the callbacks' code: the PF's. */
        registration.DriverObject = IoGetRelatedDeviceObject(client.File)->DriverObject;
        break;
    case 9:
        registration.FileObject = NULL;
        break;
    case 10:
        registration.Schema.Direction = 4;
        break;
    default:
        registration.Schema.Maximum = 129;
        break;
    }
    return client.Interface.Register(client.Interface.Context, &registration, &handler);
}

static NTSTATUS query_wrong(ULONG mistake)
{
    static UCHAR answer[2 * sizeof(PF_BACKCHANNEL_HANDLER_INTERFACE)];
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(client.File);
    IO_STATUS_BLOCK block;
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, device, NULL, 0, NULL, &event, &block);
    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = IRP_MN_QUERY_INTERFACE;
    next->Parameters.QueryInterface.InterfaceType = &GUID_PF_BACKCHANNEL_HANDLER_INTERFACE;
    next->Parameters.QueryInterface.Size = sizeof(PF_BACKCHANNEL_HANDLER_INTERFACE) + (mistake == 0 ? 8 : 0)
        - (mistake == 1 ? 8 : 0);
    next->Parameters.QueryInterface.Version = PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION + (mistake == 2);
    next->Parameters.QueryInterface.Interface = (PINTERFACE)answer;
    next->Parameters.QueryInterface.InterfaceSpecificData = NULL;
    if (IoCallDriver(device, irp) == STATUS_PENDING) {
        (void)KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    }
    return block.Status;
}

static void fill_table(ULONG *answer)
{
    static PF_BACKCHANNEL_HANDLER handlers[128];
    ULONG count = 0;
    NTSTATUS status = STATUS_SUCCESS;
    while (count < 128 && NT_SUCCESS(status)) {
        PF_BACKCHANNEL_REGISTRATION registration;
        RtlZeroMemory(&registration, sizeof(registration));
        describe(&registration, 1000 + count);
        /* Answered blocks need no place in the store. */
        registration.Schema.Direction = PF_BACKCHANNEL_VF_READS;
        registration.Schema.Source = PF_BACKCHANNEL_SOURCE_HANDLER;
        registration.Schema.Owner = PF_BACKCHANNEL_OWNER_PF;
        status = client.Interface.Register(client.Interface.Context, &registration, &handlers[count]);
        if (NT_SUCCESS(status)) {
            count++;
        }
    }
    answer[0] = count;
    answer[1] = (ULONG)status;
    while (count > 0) {
        count--;
        (void)client.Interface.Unregister(client.Interface.Context, handlers[count]);
    }
}

/* Closes the handle and forgets what was registered with it. */
static void close_handle(void)
{
    HANDLE handle = client.Handle;
    client.Handle = NULL;
    RtlZeroMemory(client.Handlers, sizeof(client.Handlers));
    (void)ZwClose(handle);
}

static void dereference(void)
{
    client.Interface.InterfaceDereference(client.Interface.Context);
    client.Interface.Context = NULL;
    RtlZeroMemory(client.Handlers, sizeof(client.Handlers));
}

static NTSTATUS statistics_of(UCHAR *buffer, USHORT vf, USHORT place, ULONG_PTR *information)
{
    PF_BACKCHANNEL_STATISTICS *statistics = (PF_BACKCHANNEL_STATISTICS *)buffer;
    statistics->Size = sizeof(*statistics);
    *information = sizeof(*statistics);
    return client.Interface.QueryStatistics(client.Interface.Context, client.Handlers[place], vf, statistics);
}

/* The buffer has room for 64 bytes, and its first 8 are the input, or zeros. */
static NTSTATUS obey(ULONG code, UCHAR *buffer, ULONG_PTR *information)
{
    const PF_BACKCHANNEL_HANDLER_INTERFACE *pf = &client.Interface;
    ULONG number = buffer[0];
    PF_BACKCHANNEL_REGISTRATION taken = registrations[0];
    PF_BACKCHANNEL_HANDLER handler;
    NTSTATUS status;
    switch ((code - CODE(0)) / 4) {
    case RELEASE:
        (void)KeSetEvent(&released, IO_NO_INCREMENT, FALSE);
        return STATUS_SUCCESS;
    case STATISTICS:
        return statistics_of(buffer, buffer[0], buffer[2], information);
    case CALLS:
        *(LONG64 *)buffer = calls;
        *information = sizeof(calls);
        return STATUS_SUCCESS;
    case REGISTER_TAKEN:
        return pf->Register(pf->Context, &taken, &handler);
    case FILL_TABLE:
        fill_table((ULONG *)buffer);
        *information = 2 * sizeof(ULONG);
        return STATUS_SUCCESS;
    case CLOSE_HANDLE:
        close_handle();
        return STATUS_SUCCESS;
    case DEREFERENCE:
        dereference();
        return STATUS_SUCCESS;
    case REGISTER_WRONG:
        return register_wrong(number);
    case QUERY_WRONG:
        return query_wrong(number);
    case NEXT_CALLBACK:
        armed_routine = buffer[1];
        armed_vf = (USHORT)(buffer[2] | buffer[3] << 8);
        last_status = STATUS_NOT_FOUND;
        /* A routine of 255 is none: the next read writes so many bytes too many. */
        read_past = armed_routine == 255 ? buffer[2] : 0;
        (void)InterlockedExchange(&armed, armed_routine == 255 ? -1 : (LONG)number);
        return STATUS_SUCCESS;
    case LAST_STATUS:
        return last_status;
    case COMPLETE:
        return pf->Complete(pf->Context, (ULONGLONG)waiting_ticket, STATUS_SUCCESS);
    case UNREGISTER:
        status = pf->Unregister(pf->Context, client.Handlers[number]);
        client.Handlers[number] = NT_SUCCESS(status) ? 0 : client.Handlers[number];
        return status;
    case FORGET:
        is_forgetful = TRUE;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_INVALID_BUFFER_SIZE;
    if (location->Parameters.DeviceIoControl.InputBufferLength == 8
        && location->Parameters.DeviceIoControl.OutputBufferLength == 64) {
        status = obey(location->Parameters.DeviceIoControl.IoControlCode, irp->AssociatedIrp.SystemBuffer, &information);
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
    (void)KeSetEvent(&released, IO_NO_INCREMENT, FALSE);
    if (is_forgetful) {
        /* Handle and registrations stay. The PnP manager alone is told: it would call code that is gone. */
        ObDereferenceObject(client.File);
        (void)IoUnregisterPlugPlayNotificationEx(client.ArrivalEntry);
        (void)IoUnregisterPlugPlayNotificationEx(client.TargetEntry);
    } else {
        PfBackchannelDisconnect(&client);
    }
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
    KeInitializeEvent(&released, NotificationEvent, FALSE);
    RtlInitUnicodeString(&name, L"\\Device\\probe");
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
