/* The kernel's dispatcher, pool and strings: each routine of this file observes what one page promises. */
#ifndef CONFORMANCE_NT_H
#define CONFORMANCE_NT_H

static void observe(const char *behaviour, ULONG value)
{
    DbgPrint("observed %s %08x\n", behaviour, value);
}

static NTSTATUS wait_no_time(PVOID object)
{
    LARGE_INTEGER none;
    none.QuadPart = 0;
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &none);
}

static void observe_events(void)
{
    KEVENT notification, synchronization;
    KeInitializeEvent(&notification, NotificationEvent, FALSE);
    KeInitializeEvent(&synchronization, SynchronizationEvent, FALSE);
    observe("wait-without-signal", wait_no_time(&notification));
    observe("set-event-first", KeSetEvent(&notification, IO_NO_INCREMENT, FALSE) != 0);
    observe("set-event-again", KeSetEvent(&notification, IO_NO_INCREMENT, FALSE) != 0);
    observe("wait-with-signal", wait_no_time(&notification));
    observe("notification-event-after-wait", KeReadStateEvent(&notification) != 0);
    observe("reset-event", KeResetEvent(&notification) != 0);
    observe("reset-event-again", KeResetEvent(&notification) != 0);
    KeSetEvent(&synchronization, IO_NO_INCREMENT, FALSE);
    wait_no_time(&synchronization);
    observe("synchronization-event-after-wait", KeReadStateEvent(&synchronization) != 0);
}

static void observe_semaphore(void)
{
    KSEMAPHORE semaphore;
    KeInitializeSemaphore(&semaphore, 1, 3);
    observe("release-semaphore", KeReleaseSemaphore(&semaphore, IO_NO_INCREMENT, 2, FALSE));
    wait_no_time(&semaphore);
    wait_no_time(&semaphore);
    wait_no_time(&semaphore);
    observe("semaphore-used-up", wait_no_time(&semaphore));
    observe("semaphore-state-is-its-count", KeReadStateSemaphore(&semaphore));
}

static void observe_mutexes(void)
{
    KMUTEX mutex;
    FAST_MUTEX fast;
    ULONG held, inside;
    KeInitializeMutex(&mutex, 0);
    ExInitializeFastMutex(&fast);
    wait_no_time(&mutex);
    observe("mutex-taken-twice", wait_no_time(&mutex));
    observe("mutex-holds-off-apcs", KeAreApcsDisabled());
    observe("release-mutex-still-owned", KeReleaseMutex(&mutex, FALSE) != 0);
    observe("release-mutex", KeReleaseMutex(&mutex, FALSE) != 0);
    observe("free-mutex-lets-apcs-in", KeAreApcsDisabled());
    KeEnterCriticalRegion();
    inside = KeAreApcsDisabled();
    KeLeaveCriticalRegion();
    observe("critical-region-holds-off-apcs", inside);
    ExAcquireFastMutex(&fast);
    held = KeGetCurrentIrql();
    ExReleaseFastMutex(&fast);
    observe("fast-mutex-raises", held);
    observe("fast-mutex-restores", KeGetCurrentIrql());
}

static void observe_remove_lock(void)
{
    static IO_REMOVE_LOCK lock;
    IoInitializeRemoveLock(&lock, TAG, 0, 0);
    observe("remove-lock-before-removal", IoAcquireRemoveLock(&lock, &lock));
    IoReleaseRemoveLockAndWait(&lock, &lock);
    observe("remove-lock-after-removal", IoAcquireRemoveLock(&lock, &lock));
}

static void observe_levels(void)
{
    KSPIN_LOCK lock;
    KIRQL before, raised;
    KeInitializeSpinLock(&lock);
    observe("level-at-start", KeGetCurrentIrql());
    KeRaiseIrql(APC_LEVEL, &before);
    raised = KeGetCurrentIrql();
    KeLowerIrql(before);
    observe("raise-gives-the-level-before", before);
    observe("raise-raises", raised);
    KeAcquireSpinLock(&lock, &before);
    raised = KeGetCurrentIrql();
    KeReleaseSpinLock(&lock, before);
    observe("spin-lock-raises", raised);
    observe("spin-lock-restores", KeGetCurrentIrql());
}

struct deferred {
    KDPC dpc;
    KTIMER timer;
    KEVENT ran;
    ULONG level;
    ULONG argument;
};

static void run_deferred(PKDPC dpc, PVOID context, PVOID first, PVOID second)
{
    struct deferred *deferred = context;
    deferred->level = KeGetCurrentIrql();
    deferred->argument = (ULONG)(ULONG_PTR)first;
    KeSetEvent(&deferred->ran, IO_NO_INCREMENT, FALSE);
}

static void observe_deferred(void)
{
    struct deferred *deferred = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*deferred), TAG);
    KIRQL before;
    ULONG first, second;
    LARGE_INTEGER soon;
    if (deferred == NULL) {
        return;
    }
    KeInitializeDpc(&deferred->dpc, run_deferred, deferred);
    KeInitializeEvent(&deferred->ran, SynchronizationEvent, FALSE);
    /* At DISPATCH_LEVEL the processor does not take it from its queue. */
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    first = KeInsertQueueDpc(&deferred->dpc, (PVOID)7, NULL);
    second = KeInsertQueueDpc(&deferred->dpc, (PVOID)8, NULL);
    KeLowerIrql(before);
    KeWaitForSingleObject(&deferred->ran, Executive, KernelMode, FALSE, NULL);
    observe("insert-dpc", first);
    observe("insert-queued-dpc", second);
    observe("dpc-level", deferred->level);
    observe("dpc-argument", deferred->argument);
    KeInitializeTimer(&deferred->timer);
    soon.QuadPart = -600000000;
    observe("set-timer", KeSetTimer(&deferred->timer, soon, &deferred->dpc));
    observe("set-timer-again", KeSetTimer(&deferred->timer, soon, &deferred->dpc));
    observe("cancel-timer", KeCancelTimer(&deferred->timer));
    observe("cancel-timer-again", KeCancelTimer(&deferred->timer));
    soon.QuadPart = -10000;
    KeSetTimer(&deferred->timer, soon, &deferred->dpc);
    KeWaitForSingleObject(&deferred->ran, Executive, KernelMode, FALSE, NULL);
    observe("timer-dpc-level", deferred->level);
    observe("cancel-expired-timer", KeCancelTimer(&deferred->timer));
    ExFreePool(deferred);
}

static void observe_pool(void)
{
    UCHAR *small = ExAllocatePool2(POOL_FLAG_NON_PAGED, 40, TAG);
    UCHAR *large = ExAllocatePool2(POOL_FLAG_NON_PAGED, 5000, TAG);
    ULONG sum = 0;
    for (int place = 0; place < 40; place++) {
        sum |= small[place];
    }
    observe("pool-is-zeroed", sum);
    observe("small-block-is-aligned-to-16", (ULONG_PTR)small % 16 == 0);
    observe("block-of-a-page-is-aligned-to-one", (ULONG_PTR)large % 4096 == 0);
    ExFreePool(small);
    ExFreePool(large);
}

static void observe_strings(void)
{
    static const WCHAR text[] = {'A', 'b', 'c', 0};
    static const WCHAR other[] = {'a', 'B', 'C', 0};
    WCHAR room[2];
    UNICODE_STRING one, two, none, copy;
    RtlInitUnicodeString(&one, text);
    RtlInitUnicodeString(&two, other);
    RtlInitUnicodeString(&none, NULL);
    observe("init-string-length", one.Length);
    observe("init-string-maximum", one.MaximumLength);
    observe("init-string-of-null", none.Length + none.MaximumLength);
    observe("compare-without-case", RtlCompareUnicodeString(&one, &two, TRUE) == 0);
    copy.Length = 0;
    copy.MaximumLength = sizeof(room);
    copy.Buffer = room;
    RtlCopyUnicodeString(&copy, &one);
    observe("copy-is-cut-to-the-room", copy.Length);
    RtlCopyUnicodeString(&copy, NULL);
    observe("copy-of-null", copy.Length);
    observe("compare-memory", (ULONG)RtlCompareMemory("abcd", "abxd", 4));
    observe("compare-with-case", RtlCompareUnicodeString(&one, &two, FALSE) != 0);
}

#endif
