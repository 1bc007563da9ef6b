/* Keeps a journal of what VFs write, by two handlers that take turns.
 *
 * Block 42 carries a number in each write: 8 bytes of number, 4 of microseconds that the handler takes over it, 4 unused. The
 * journal says which VF, in which life and in which order the numbers came, and which handler took them; each that comes into
 * the other's place has the next number, from 0. Block 43 is published: the number that was taken last; a reset makes that
 * fail. Who compares the journal with what was sent sends device control requests to \Device\recorder:
 *
 *     0x222000  take     answers the oldest entries of the journal, 24 bytes each: see ENTRY
 *     0x222004  replace  lets the other handler serve while VFs write; answers its number, how many writes the old one took,
 *                        and how many were inside it when this began (ULONGLONG each)
 *     0x222008  mistake  which mistake (UCHAR), and for how many writes or replacements (UCHAR)
 */
#include <initguid.h>
#include <ntddk.h>
#include <ntstatus.h>
#include <pf_backchannel_client.h>

#define NUMBERED_BLOCK 42
#define NUMBERED_BYTES 16
#define STAMP_BLOCK 43
#define MOST_VFS 64
/* Entries of one VF, a power of two. */
#define ENTRIES 1024

#define CODE(number) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (number), METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Mistakes to make, so that who reads the journal can be seen to notice. */
enum {
    DROP = 1, /* a write is not in the journal */
    DOUBLE,   /* a write is in it twice */
    REORDER,  /* a write of VF 0 comes after that VF's next one */
    STAY      /* a replacement is told as made, and the old handler serves on */
};

/* What an entry says of its write. */
enum {
    OVERTAKEN = 1, /* a reset came while the handler was at it */
    OVERLAPPED = 2 /* another call for the VF was inside a handler */
};

typedef struct {
    USHORT vf;
    UCHAR unused;
    UCHAR flags;
    ULONG generation;
    ULONGLONG number;
    ULONGLONG handler;
} ENTRY;

/* One VF's part of the journal. Calls for one VF never overlap, whichever handler they are for, so one call at a time adds
 * to it; a broken promise of that kind shows as an entry that says so. */
typedef struct {
    LONG inside;
    LONG written;
    LONG read;
    ENTRY entries[ENTRIES];
} RING;

/* One of the two handlers. */
typedef struct {
    LONG64 number;
    LONG64 inside;
    LONG64 taken;
} TAKER;

static RING rings[MOST_VFS];
static TAKER takers[2];
static LONG64 serving;
/* Of VF 0, what comes after its next one; nothing while the number is 0. */
static ENTRY held;
static LONG mistake;
static LONG mistakes_left;
static KMUTEX requests;
static PF_BACKCHANNEL_CLIENT client;
static PF_BACKCHANNEL_REGISTRATION registrations[2];

/* Whether the mistake is to be made now; that is then once less. */
static BOOLEAN is_made(LONG which)
{
    if (InterlockedCompareExchange(&mistake, which, which) != which) {
        return FALSE;
    }
    if (InterlockedDecrement(&mistakes_left) >= 0) {
        return TRUE;
    }
    (void)InterlockedIncrement(&mistakes_left);
    return FALSE;
}

static BOOLEAN has_room(RING *ring, LONG entries)
{
    LONG read = InterlockedCompareExchange(&ring->read, 0, 0);
    return ring->written - read + entries <= ENTRIES;
}

static void add(RING *ring, const ENTRY *entry)
{
    ring->entries[ring->written & (ENTRIES - 1)] = *entry;
    (void)InterlockedIncrement(&ring->written);
}

/* Takes the oldest entry of any VF; requests come one at a time. */
static BOOLEAN take(ENTRY *entry)
{
    for (ULONG vf = 0; vf < MOST_VFS; vf++) {
        RING *ring = &rings[vf];
        if (InterlockedCompareExchange(&ring->written, 0, 0) != ring->read) {
            *entry = ring->entries[ring->read & (ENTRIES - 1)];
            (void)InterlockedIncrement(&ring->read);
            return TRUE;
        }
    }
    return FALSE;
}

/* Puts an entry into the journal, or makes the mistake that was asked for. */
static void note(RING *ring, const ENTRY *entry)
{
    if (is_made(DROP)) {
        return;
    }
    if (is_made(DOUBLE)) {
        add(ring, entry);
    }
    if (entry->vf == 0 && held.number != 0) {
        add(ring, entry);
        add(ring, &held);
        held.number = 0;
        return;
    }
    if (entry->vf == 0 && is_made(REORDER)) {
        held = *entry;
        return;
    }
    add(ring, entry);
}

static NTSTATUS take_number(TAKER *taker, const PF_BACKCHANNEL_CALL *call, const UCHAR *block)
{
    const PF_BACKCHANNEL_HANDLER_INTERFACE *pf = &client.Interface;
    RING *ring = &rings[call->VfIndex];
    BOOLEAN overlapped = InterlockedExchange(&ring->inside, TRUE) != FALSE;
    ENTRY entry = {call->VfIndex, 0, overlapped ? OVERLAPPED : 0, call->Generation, 0, 0};
    NTSTATUS status = STATUS_SUCCESS;
    LARGE_INTEGER time;
    ULONG microseconds;
    /* Which handler it is when the call begins is which it is. */
    entry.handler = (ULONGLONG)InterlockedCompareExchange64(&taker->number, 0, 0);
    RtlCopyMemory(&entry.number, block, sizeof(entry.number));
    RtlCopyMemory(&microseconds, block + 8, sizeof(microseconds));
    if (microseconds != 0) {
        time.QuadPart = -10LL * microseconds;
        (void)KeDelayExecutionThread(KernelMode, FALSE, &time);
    }
    if (pf->PublishInLife(pf->Context, client.Handlers[1], call->VfIndex, call->Generation, block, sizeof(entry.number))
        == PF_BACKCHANNEL_STATUS_STALE) {
        entry.flags |= OVERTAKEN;
    }
    /* With room for what a mistake adds. */
    if (has_room(ring, 2)) {
        note(ring, &entry);
    } else {
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    (void)InterlockedExchange(&ring->inside, FALSE);
    return status;
}

static NTSTATUS write(void *context, const PF_BACKCHANNEL_CALL *call, const UCHAR *block, ULONG length)
{
    TAKER *taker = context;
    NTSTATUS status;
    if (call->VfIndex >= MOST_VFS || length != NUMBERED_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    (void)InterlockedIncrement64(&taker->inside);
    status = take_number(taker, call, block);
    (void)InterlockedIncrement64(&taker->taken);
    (void)InterlockedDecrement64(&taker->inside);
    return status;
}

static NTSTATUS read_nothing(void *context, const PF_BACKCHANNEL_CALL *call, UCHAR *output, ULONG length)
{
    return STATUS_NOT_SUPPORTED;
}

static void vf_event(void *context, const PF_BACKCHANNEL_CALL *call, ULONG event)
{
}

static void describe(void)
{
    for (ULONG place = 0; place < 2; place++) {
        registrations[place].Schema.Step = 1;
        registrations[place].HandlerContext = &takers[0];
        registrations[place].Write = write;
        registrations[place].Read = read_nothing;
        registrations[place].VfEvent = vf_event;
    }
    registrations[0].Schema.BlockId = NUMBERED_BLOCK;
    registrations[0].Schema.Direction = PF_BACKCHANNEL_VF_WRITES;
    registrations[0].Schema.Rate = PF_BACKCHANNEL_RATE_UNLIMITED;
    registrations[0].Schema.Minimum = NUMBERED_BYTES;
    registrations[0].Schema.Maximum = NUMBERED_BYTES;
    registrations[1].Schema.BlockId = STAMP_BLOCK;
    registrations[1].Schema.Direction = PF_BACKCHANNEL_VF_READS;
    registrations[1].Schema.Source = PF_BACKCHANNEL_SOURCE_PUBLISHED;
    registrations[1].Schema.Owner = PF_BACKCHANNEL_OWNER_PF;
    registrations[1].Schema.Minimum = sizeof(ULONGLONG);
    registrations[1].Schema.Maximum = sizeof(ULONGLONG);
}

/* Puts the other handler into the place of the one that serves. */
static NTSTATUS replace(LONG64 *answer)
{
    TAKER *old = &takers[serving & 1];
    TAKER *other = &takers[(serving + 1) & 1];
    NTSTATUS status = STATUS_SUCCESS;
    if (!PfBackchannelAcquire(&client)) {
        return STATUS_DEVICE_NOT_READY;
    }
    (void)InterlockedExchange64(&other->number, serving + 1);
    (void)InterlockedExchange64(&other->taken, 0);
    answer[0] = serving + 1;
    answer[2] = InterlockedCompareExchange64(&old->inside, 0, 0);
    if (!is_made(STAY)) {
        registrations[0].HandlerContext = other;
        status = client.Interface.Replace(client.Interface.Context, client.Handlers[0], &registrations[0]);
    }
    if (NT_SUCCESS(status)) {
        serving++;
        answer[1] = InterlockedCompareExchange64(&old->taken, 0, 0);
    }
    PfBackchannelRelease(&client);
    return status;
}

static NTSTATUS answer(ULONG code, UCHAR *buffer, ULONG input, ULONG output, ULONG_PTR *information)
{
    LONG64 replaced[3];
    ENTRY entry;
    NTSTATUS status;
    switch (code) {
    case CODE(0):
        while (*information + sizeof(entry) <= output && take(&entry)) {
            RtlCopyMemory(buffer + *information, &entry, sizeof(entry));
            *information += sizeof(entry);
        }
        return STATUS_SUCCESS;
    case CODE(1):
        if (output < sizeof(replaced)) {
            return STATUS_INVALID_BUFFER_SIZE;
        }
        status = replace(replaced);
        if (NT_SUCCESS(status)) {
            RtlCopyMemory(buffer, replaced, sizeof(replaced));
            *information = sizeof(replaced);
        }
        return status;
    case CODE(2):
        if (input != 2 || buffer[0] < DROP || buffer[0] > STAY) {
            return STATUS_INVALID_PARAMETER;
        }
        (void)InterlockedExchange(&mistakes_left, buffer[1]);
        (void)InterlockedExchange(&mistake, buffer[0]);
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG_PTR information = 0;
    NTSTATUS status;
    (void)KeWaitForSingleObject(&requests, Executive, KernelMode, FALSE, NULL);
    status = answer(location->Parameters.DeviceIoControl.IoControlCode, irp->AssociatedIrp.SystemBuffer,
        location->Parameters.DeviceIoControl.InputBufferLength,
        location->Parameters.DeviceIoControl.OutputBufferLength, &information);
    (void)KeReleaseMutex(&requests, FALSE);
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
    PfBackchannelDisconnect(&client);
    IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    UNICODE_STRING name;
    PDEVICE_OBJECT device;
    NTSTATUS status;
    driver->DriverUnload = unload;
    driver->MajorFunction[IRP_MJ_CREATE] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLEANUP] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = open_or_close;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    KeInitializeMutex(&requests, 0);
    describe();
    RtlInitUnicodeString(&name, L"\\Device\\recorder");
    status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = PfBackchannelConnect(&client, driver, registrations, 2);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}
