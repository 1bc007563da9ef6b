/* The way from a driver of an IHV to the PF: finds it, opens it, and keeps handlers registered while it is there.
 *
 * PfBackchannelConnect once, in DriverEntry; PfBackchannelDisconnect once, in the unload routine. Between them the handlers
 * are registered whenever a PF is there: the PF may come later than the driver, be removed and come back.
 *
 * Include <initguid.h> before it in one source file. */
#ifndef PF_BACKCHANNEL_CLIENT_H
#define PF_BACKCHANNEL_CLIENT_H

#include <wdm.h>
#include <wdmguid.h>

#include "pf_backchannel.h"
#include "pf_backchannel_operator.h"

/* How many blocks one client registers. */
#define PF_BACKCHANNEL_CLIENT_BLOCKS 8
/* The longest name of a device interface, in characters. */
#define PF_BACKCHANNEL_CLIENT_NAME 256

/* A driver's connection; zeroed before PfBackchannelConnect, in non-paged memory that stays until PfBackchannelDisconnect
 * has returned. */
typedef struct PF_BACKCHANNEL_CLIENT {
    /* The PF's interface, while Acquire says so, and inside a handler's callbacks. */
    PF_BACKCHANNEL_HANDLER_INTERFACE Interface;
    /* What stands for each registration, in the order of the list. */
    PF_BACKCHANNEL_HANDLER Handlers[PF_BACKCHANNEL_CLIENT_BLOCKS];
    /* What the last attempt to register came to. */
    NTSTATUS Status;

    /* The rest is the connection's own. */
    PDRIVER_OBJECT Driver;
    PF_BACKCHANNEL_REGISTRATION *Registrations;
    ULONG Count;
    KMUTEX Lock;
    BOOLEAN Ending;
    HANDLE Handle;
    PFILE_OBJECT File;
    PVOID ArrivalEntry;
    PVOID TargetEntry;
    UNICODE_STRING Name;
    WCHAR Characters[PF_BACKCHANNEL_CLIENT_NAME];
} PF_BACKCHANNEL_CLIENT;

static inline void PfBackchannelLock(PF_BACKCHANNEL_CLIENT *Client)
{
    (void)KeWaitForSingleObject(&Client->Lock, Executive, KernelMode, FALSE, NULL);
}

static inline void PfBackchannelUnlock(PF_BACKCHANNEL_CLIENT *Client)
{
    (void)KeReleaseMutex(&Client->Lock, FALSE);
}

/* Asks the PF's stack for the interface. */
static inline NTSTATUS PfBackchannelQuery(PFILE_OBJECT File, PF_BACKCHANNEL_HANDLER_INTERFACE *Interface)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(File);
    IO_STATUS_BLOCK answer;
    KEVENT event;
    PIRP irp;
    PIO_STACK_LOCATION next;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, device, NULL, 0, NULL, &event, &answer);
    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = IRP_MN_QUERY_INTERFACE;
    next->Parameters.QueryInterface.InterfaceType = &GUID_PF_BACKCHANNEL_HANDLER_INTERFACE;
    next->Parameters.QueryInterface.Size = sizeof(*Interface);
    next->Parameters.QueryInterface.Version = PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION;
    next->Parameters.QueryInterface.Interface = (PINTERFACE)Interface;
    next->Parameters.QueryInterface.InterfaceSpecificData = NULL;
    if (IoCallDriver(device, irp) == STATUS_PENDING) {
        (void)KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    }
    return answer.Status;
}

/* Ends the registrations and gives interface and handle back; the lock is held. */
static inline void PfBackchannelClose(PF_BACKCHANNEL_CLIENT *Client)
{
    ULONG index;
    for (index = 0; index < Client->Count; index++) {
        if (Client->Handlers[index] == 0) {
            continue;
        }
        /* A callback that does not end keeps its memory in use: nothing of this driver may go before it. */
        while (Client->Interface.Unregister(Client->Interface.Context, Client->Handlers[index])
            == PF_BACKCHANNEL_STATUS_STILL_IN_USE) {
        }
        Client->Handlers[index] = 0;
    }
    if (Client->Interface.Context != NULL) {
        Client->Interface.InterfaceDereference(Client->Interface.Context);
        Client->Interface.Context = NULL;
    }
    if (Client->File != NULL) {
        ObDereferenceObject(Client->File);
        Client->File = NULL;
    }
    if (Client->Handle != NULL) {
        (void)ZwClose(Client->Handle);
        Client->Handle = NULL;
    }
}

static inline NTSTATUS PfBackchannelTargetChanged(PVOID Notification, PVOID Context);

/* Opens the PF and registers every handler, or none; the lock is held. */
static inline NTSTATUS PfBackchannelOpen(PF_BACKCHANNEL_CLIENT *Client)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK answer;
    ULONG index;
    NTSTATUS status;
    InitializeObjectAttributes(&attributes, &Client->Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    /* Not IoGetDeviceObjectPointer: its handle is closed when it returns, and registrations end with the handle. */
    status = ZwCreateFile(&Client->Handle, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &attributes, &answer, NULL, 0,
        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, FILE_NON_DIRECTORY_FILE, NULL, 0);
    if (!NT_SUCCESS(status)) {
        Client->Handle = NULL;
        return status;
    }
    /* Kernel mode may leave the type out; this handle is of a file. */
    status = ObReferenceObjectByHandle(Client->Handle, 0, NULL, KernelMode, (PVOID *)&Client->File, NULL);
    if (!NT_SUCCESS(status)) {
        Client->File = NULL;
    }
    if (NT_SUCCESS(status)) {
        status = IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, Client->File, Client->Driver,
            PfBackchannelTargetChanged, Client, &Client->TargetEntry);
    }
    if (NT_SUCCESS(status)) {
        status = PfBackchannelQuery(Client->File, &Client->Interface);
        if (!NT_SUCCESS(status)) {
            Client->Interface.Context = NULL;
        }
    }
    for (index = 0; NT_SUCCESS(status) && index < Client->Count; index++) {
        PF_BACKCHANNEL_REGISTRATION *registration = &Client->Registrations[index];
        registration->Size = sizeof(*registration);
        registration->Version = PF_BACKCHANNEL_REGISTRATION_VERSION;
        registration->FileObject = Client->File;
        registration->DriverObject = Client->Driver;
        status = Client->Interface.Register(Client->Interface.Context, registration, &Client->Handlers[index]);
        if (!NT_SUCCESS(status)) {
            Client->Handlers[index] = 0;
        }
    }
    if (!NT_SUCCESS(status)) {
        PfBackchannelClose(Client);
    }
    return status;
}

/* Hears what becomes of the PF that is open: it may go only when its handle is closed. */
static inline NTSTATUS PfBackchannelTargetChanged(PVOID Notification, PVOID Context)
{
    const TARGET_DEVICE_REMOVAL_NOTIFICATION *change = (const TARGET_DEVICE_REMOVAL_NOTIFICATION *)Notification;
    PF_BACKCHANNEL_CLIENT *client = (PF_BACKCHANNEL_CLIENT *)Context;
    PVOID ended = NULL;
    PfBackchannelLock(client);
    PfBackchannelClose(client);
    if (!RtlEqualMemory(&change->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE, sizeof(GUID)) && !client->Ending) {
        ended = client->TargetEntry;
        client->TargetEntry = NULL;
        if (RtlEqualMemory(&change->Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED, sizeof(GUID))) {
            client->Status = PfBackchannelOpen(client);
        }
    }
    PfBackchannelUnlock(client);
    if (ended != NULL) {
        (void)IoUnregisterPlugPlayNotificationEx(ended);
    }
    return STATUS_SUCCESS;
}

/* Hears of PFs that come; one that comes while another is open is left alone. */
static inline NTSTATUS PfBackchannelInterfaceChanged(PVOID Notification, PVOID Context)
{
    const DEVICE_INTERFACE_CHANGE_NOTIFICATION *change = (const DEVICE_INTERFACE_CHANGE_NOTIFICATION *)Notification;
    PF_BACKCHANNEL_CLIENT *client = (PF_BACKCHANNEL_CLIENT *)Context;
    if (!RtlEqualMemory(&change->Event, &GUID_DEVICE_INTERFACE_ARRIVAL, sizeof(GUID))) {
        return STATUS_SUCCESS;
    }
    PfBackchannelLock(client);
    if (client->Handle == NULL && client->TargetEntry == NULL && !client->Ending) {
        RtlCopyUnicodeString(&client->Name, change->SymbolicLinkName);
        client->Status = PfBackchannelOpen(client);
    }
    PfBackchannelUnlock(client);
    return STATUS_SUCCESS;
}

/* Keeps these handlers registered with the PF whenever it is there: at once if it is. IRQL: PASSIVE_LEVEL.
 *
 * Registrations is a list of Count (at most PF_BACKCHANNEL_CLIENT_BLOCKS) in memory that stays; Schema, HandlerContext and
 * the three callbacks are filled in. Client->Status says what the last attempt to register came to. */
static inline NTSTATUS PfBackchannelConnect(PF_BACKCHANNEL_CLIENT *Client, PDRIVER_OBJECT Driver,
    PF_BACKCHANNEL_REGISTRATION *Registrations, ULONG Count)
{
    if (Count > PF_BACKCHANNEL_CLIENT_BLOCKS) {
        return STATUS_INVALID_PARAMETER;
    }
    Client->Driver = Driver;
    Client->Registrations = Registrations;
    Client->Count = Count;
    Client->Name.Buffer = Client->Characters;
    Client->Name.MaximumLength = sizeof(Client->Characters);
    Client->Status = STATUS_NO_SUCH_DEVICE;
    KeInitializeMutex(&Client->Lock, 0);
    return IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange,
        PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, (PVOID)&GUID_DEVINTERFACE_PF_BACKCHANNEL, Driver,
        PfBackchannelInterfaceChanged, Client, &Client->ArrivalEntry);
}

/* Unregisters the handlers: when it returns, no callback of them runs or will run. IRQL: PASSIVE_LEVEL. */
static inline void PfBackchannelDisconnect(PF_BACKCHANNEL_CLIENT *Client)
{
    PVOID target;
    (void)IoUnregisterPlugPlayNotificationEx(Client->ArrivalEntry);
    PfBackchannelLock(Client);
    Client->Ending = TRUE;
    target = Client->TargetEntry;
    Client->TargetEntry = NULL;
    PfBackchannelClose(Client);
    PfBackchannelUnlock(Client);
    if (target != NULL) {
        (void)IoUnregisterPlugPlayNotificationEx(target);
    }
}

/* Holds the PF for calls from outside a callback: TRUE if it is there, and then until PfBackchannelRelease. IRQL:
 * PASSIVE_LEVEL; not from a callback, which Disconnect waits for. */
static inline BOOLEAN PfBackchannelAcquire(PF_BACKCHANNEL_CLIENT *Client)
{
    PfBackchannelLock(Client);
    if (Client->Interface.Context != NULL) {
        return TRUE;
    }
    PfBackchannelUnlock(Client);
    return FALSE;
}

/* Gives back what PfBackchannelAcquire held. */
static inline void PfBackchannelRelease(PF_BACKCHANNEL_CLIENT *Client)
{
    PfBackchannelUnlock(Client);
}

#endif
