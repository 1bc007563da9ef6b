/* Lists, timers, callback objects and interrupts of the kernel: each function answers 0, or the line that was wrong. */
#include "executive.h"

#define TAG 'cexE'

static void unload(PDRIVER_OBJECT driver)
{
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

/* ---- lists */

EXPORTED ULONG UsesASequencedList(void)
{
    static SLIST_HEADER list;
    static SLIST_ENTRY entries[3];
    EXPECT(ExpInterlockedPopEntrySList(&list) == NULL);
    EXPECT(ExpInterlockedPushEntrySList(&list, &entries[0]) == NULL);
    EXPECT(ExpInterlockedPushEntrySList(&list, &entries[1]) == &entries[0]);
    EXPECT(ExpInterlockedPushEntrySList(&list, &entries[2]) == &entries[1]);
    EXPECT(ExQueryDepthSList(&list) == 3);
    EXPECT((SLIST_ENTRY *)(list.next & ~15ull) == &entries[2]);
    for (int at = 2; at >= 0; at--) {
        EXPECT(ExpInterlockedPopEntrySList(&list) == &entries[at]);
    }
    EXPECT(ExQueryDepthSList(&list) == 0);
    return 0;
}

EXPORTED ULONG PushesAnEntryThatIsNotAligned(void)
{
    static SLIST_HEADER list;
    static SLIST_ENTRY entries[2];
    ExpInterlockedPushEntrySList(&list, (SLIST_ENTRY *)((PUCHAR)entries + 8));
    return 0;
}

/* As the inline routines of wdm.h do it. */
static PVOID take(LOOKASIDE_LIST *list)
{
    list->total_allocates++;
    PVOID block = ExpInterlockedPopEntrySList(&list->list);
    if (block == NULL) {
        list->allocate_misses++;
        block = list->allocate(list->type, list->size, list->tag);
    }
    return block;
}

static void give(LOOKASIDE_LIST *list, PVOID block)
{
    list->total_frees++;
    if (ExQueryDepthSList(&list->list) >= list->depth) {
        list->free_misses++;
        list->free(block);
    } else {
        ExpInterlockedPushEntrySList(&list->list, block);
    }
}

static LOOKASIDE_LIST lookaside;

EXPORTED ULONG UsesALookasideList(void)
{
    PVOID blocks[8];
    ExInitializeNPagedLookasideList(&lookaside, NULL, NULL, 0x200, 100, TAG, 0);
    EXPECT(lookaside.size == 100 && lookaside.tag == TAG && lookaside.depth > 0 && lookaside.depth < 8);
    for (int at = 0; at < 8; at++) {
        blocks[at] = take(&lookaside);
        EXPECT(blocks[at] != NULL);
        RtlFillMemory(blocks[at], 100, 0x55);
    }
    for (int at = 0; at < 8; at++) {
        give(&lookaside, blocks[at]);
    }
    EXPECT(take(&lookaside) == blocks[lookaside.depth - 1]);
    give(&lookaside, blocks[lookaside.depth - 1]);
    EXPECT(lookaside.allocate_misses == 8 && lookaside.free_misses == 8u - lookaside.depth);
    ExDeleteNPagedLookasideList(&lookaside);
    return 0;
}

static ULONG allocated, freed;

static PVOID counted_allocate(ULONG type, SIZE_T size, ULONG tag)
{
    allocated++;
    return ExAllocatePool2(POOL_FLAG_NON_PAGED, size, tag);
}

static void counted_free(PVOID block)
{
    freed++;
    ExFreePool(block);
}

EXPORTED ULONG GivesALookasideListItsOwnRoutines(void)
{
    ExInitializeNPagedLookasideList(&lookaside, counted_allocate, counted_free, 0, 64, TAG, 0);
    PVOID block = take(&lookaside);
    give(&lookaside, block);
    EXPECT(allocated == 1 && freed == 0);
    ExDeleteNPagedLookasideList(&lookaside);
    EXPECT(freed == 1);
    return 0;
}

EXPORTED ULONG DeletesALookasideListTwice(void)
{
    ExInitializeNPagedLookasideList(&lookaside, NULL, NULL, 0, 64, TAG, 0);
    ExDeleteNPagedLookasideList(&lookaside);
    ExDeleteNPagedLookasideList(&lookaside);
    return 0;
}

EXPORTED ULONG LeavesALookasideList(void)
{
    ExInitializeNPagedLookasideList(&lookaside, NULL, NULL, 0, 64, TAG, 0);
    return 0;
}

/* ---- timers */

static KEVENT expired_often;
static volatile LONG expirations;
static KIRQL expired_at;

static void expired(PVOID timer, PVOID context)
{
    expired_at = KeGetCurrentIrql();
    if (__atomic_add_fetch(&expirations, 1, __ATOMIC_SEQ_CST) == *(LONG *)context) {
        KeSetEvent(&expired_often, IO_NO_INCREMENT, FALSE);
    }
}

static NTSTATUS wait_for(PVOID object)
{
    LARGE_INTEGER limit = {.QuadPart = -100000000};
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &limit);
}

EXPORTED ULONG UsesAnAllocatedTimer(void)
{
    LONG wanted = 3;
    KeInitializeEvent(&expired_often, NotificationEvent, FALSE);
    EXPECT(ExAllocateTimer(expired, &wanted, 4 | 8) == NULL);
    PVOID timer = ExAllocateTimer(expired, &wanted, 8);
    EXPECT(timer != NULL);
    EXPECT(!ExSetTimer(timer, -100000000, 0, NULL));
    EXPECT(ExSetTimer(timer, -10000, 10000, NULL));
    EXPECT(wait_for(&expired_often) == STATUS_SUCCESS);
    EXPECT(expired_at == DISPATCH_LEVEL);
    EXPECT(ExCancelTimer(timer, NULL));
    EXPECT(!ExCancelTimer(timer, NULL));
    EXPECT(!ExDeleteTimer(timer, TRUE, TRUE, NULL));
    return 0;
}

EXPORTED ULONG WaitsForAnAllocatedTimer(void)
{
    PVOID timer = ExAllocateTimer(NULL, NULL, 0x80000000);
    EXPECT(!ExSetTimer(timer, -10000, 0, NULL));
    EXPECT(wait_for(timer) == STATUS_SUCCESS && wait_for(timer) == STATUS_SUCCESS);
    ExDeleteTimer(timer, TRUE, FALSE, NULL);
    return 0;
}

static void deleted(PVOID context)
{
    *(ULONG *)context = 1;
}

EXPORTED ULONG IsToldThatATimerIsDeleted(void)
{
    ULONG was_deleted = 0;
    EXT_DELETE_PARAMETERS parameters = {.callback = deleted, .context = &was_deleted};
    PVOID timer = ExAllocateTimer(NULL, NULL, 0);
    EXPECT(!ExSetTimer(timer, -100000000, 0, NULL));
    EXPECT(ExDeleteTimer(timer, TRUE, FALSE, &parameters));
    EXPECT(was_deleted);
    return 0;
}

EXPORTED ULONG SetsADeletedTimer(void)
{
    PVOID timer = ExAllocateTimer(NULL, NULL, 0);
    ExDeleteTimer(timer, TRUE, TRUE, NULL);
    ExSetTimer(timer, -10000, 0, NULL);
    return 0;
}

EXPORTED ULONG LeavesATimer(void)
{
    return ExAllocateTimer(NULL, NULL, 0) == NULL;
}

/* ---- callback objects */

static ULONG told[3];

static void first_listener(PVOID context, PVOID first, PVOID second)
{
    told[0] = told[0] * 10 + (ULONG)(ULONG_PTR)context;
    told[1] = (ULONG)(ULONG_PTR)first;
    told[2] = (ULONG)(ULONG_PTR)second;
}

EXPORTED ULONG UsesACallbackObject(void)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\Executive");
    PVOID object, again;
    void (*notify)(PVOID, PVOID, PVOID) = routine_named(L"ExNotifyCallback");
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ExCreateCallback(&object, &attributes, FALSE, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(ExCreateCallback(&object, &attributes, TRUE, TRUE) == STATUS_SUCCESS);
    EXPECT(ExCreateCallback(&again, &attributes, FALSE, FALSE) == STATUS_SUCCESS && again == object);
    PVOID one = ExRegisterCallback(object, first_listener, (PVOID)1);
    PVOID two = ExRegisterCallback(object, first_listener, (PVOID)2);
    EXPECT(one != NULL && two != NULL);
    notify(object, (PVOID)7, (PVOID)8);
    EXPECT(told[0] == 12 && told[1] == 7 && told[2] == 8);
    ExUnregisterCallback(one);
    notify(object, (PVOID)9, NULL);
    EXPECT(told[0] == 122 && told[1] == 9);
    ExUnregisterCallback(two);
    ObDereferenceObject(again);
    ObDereferenceObject(object);
    EXPECT(ExCreateCallback(&object, &attributes, FALSE, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(ExCreateCallback(&object, &attributes, TRUE, FALSE) == STATUS_SUCCESS);
    one = ExRegisterCallback(object, first_listener, NULL);
    EXPECT(one != NULL && ExRegisterCallback(object, first_listener, NULL) == NULL);
    ExUnregisterCallback(one);
    ObDereferenceObject(object);
    return 0;
}

static PVOID listening;

EXPORTED ULONG ListensForPower(void)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\PowerState");
    PVOID object;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ExCreateCallback(&object, &attributes, FALSE, TRUE) == STATUS_SUCCESS);
    listening = ExRegisterCallback(object, first_listener, (PVOID)1);
    ObDereferenceObject(object);
    return listening == NULL;
}

/* What was told: how often in the tens, and the last second argument. */
EXPORTED ULONG WasTold(void)
{
    return told[0] * 10 + told[2];
}

EXPORTED ULONG StopsListening(void)
{
    ExUnregisterCallback(listening);
    return 0;
}

EXPORTED ULONG UnregistersACallbackTwice(void)
{
    ListensForPower();
    ExUnregisterCallback(listening);
    ExUnregisterCallback(listening);
    return 0;
}

/* ---- interrupts */

static PVOID interrupt;
static ULONG interrupts;
static KIRQL interrupted_at, synchronized_at;

static BOOLEAN service(PVOID object, PVOID context)
{
    interrupted_at = KeGetCurrentIrql();
    interrupts++;
    return object == interrupt && context == &interrupts;
}

static BOOLEAN synchronized(PVOID context)
{
    synchronized_at = KeGetCurrentIrql();
    return context == &interrupts;
}

EXPORTED ULONG ConnectsAnInterrupt(PDEVICE_OBJECT device, KIRQL irql)
{
    NTSTATUS (*connect)(CONNECT_PARAMETERS *) = routine_named(L"IoConnectInterruptEx");
    CONNECT_PARAMETERS parameters = {
        .version = 2, .device = device, .interrupt = &interrupt, .routine = service, .context = &interrupts,
        .synchronize_irql = irql, .vector = 0x60, .irql = irql, .mode = LevelSensitive, .processors = 1};
    EXPECT(connect(&parameters) == STATUS_NOT_SUPPORTED && parameters.version == 1);
    EXPECT(connect(&parameters) == STATUS_SUCCESS);
    return 0;
}

EXPORTED ULONG WasInterrupted(void)
{
    EXPECT(interrupts == 1 && interrupted_at == 9);
    EXPECT(KeSynchronizeExecution(interrupt, synchronized, &interrupts) && synchronized_at == 9);
    KIRQL before = KeAcquireInterruptSpinLock(interrupt);
    EXPECT(before == PASSIVE_LEVEL && KeGetCurrentIrql() == 9);
    KeReleaseInterruptSpinLock(interrupt, before);
    EXPECT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    return 0;
}

EXPORTED ULONG Disconnects(void)
{
    void (*disconnect)(DISCONNECT_PARAMETERS *) = routine_named(L"IoDisconnectInterruptEx");
    DISCONNECT_PARAMETERS parameters = {.version = 1, .interrupt = interrupt};
    disconnect(&parameters);
    return 0;
}
