/* Threads that share a word as a lock, by raising the level and without. */
#include <ntifs.h>
#include <ntstatus.h>

#define EXPORTED __declspec(dllexport)
#define THREADS 3

static LONG go;
static LONG taken;
static LONG turns;

static void unload(PDRIVER_OBJECT driver)
{
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

static void wait_for_the_lock(void)
{
    while (InterlockedExchange(&taken, 1) != 0) {
    }
}

/* Takes the lock once, at DISPATCH_LEVEL. */
static void take_a_turn(PVOID context)
{
    LARGE_INTEGER soon;
    KIRQL before;
    soon.QuadPart = -1000;
    while (InterlockedCompareExchange(&go, 1, 1) == 0) {
        KeDelayExecutionThread(KernelMode, FALSE, &soon);
    }
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    wait_for_the_lock();
    (void)InterlockedIncrement(&turns);
    (void)InterlockedExchange(&taken, 0);
    KeLowerIrql(before);
}

static void start_threads(PVOID *threads)
{
    for (int at = 0; at < THREADS; at++) {
        HANDLE handle;
        (void)PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, take_a_turn, NULL);
        (void)ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &threads[at], NULL);
        (void)ZwClose(handle);
    }
}

static void await_threads(PVOID *threads)
{
    for (int at = 0; at < THREADS; at++) {
        (void)KeWaitForSingleObject(threads[at], Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(threads[at]);
    }
}

/* Calls routines until others have had time to come as far as they get. */
static void linger(void)
{
    LARGE_INTEGER begun, now;
    KeQuerySystemTimePrecise(&begun);
    do {
        KeQuerySystemTimePrecise(&now);
        (void)KeGetCurrentIrql();
    } while (now.QuadPart - begun.QuadPart < 2000000);
}

/* Answers how many threads have had their turn. */
EXPORTED LONG HoldsTheLockRaised(void)
{
    PVOID threads[THREADS];
    KIRQL before;
    start_threads(threads);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    wait_for_the_lock();
    (void)InterlockedExchange(&go, 1);
    linger();
    (void)InterlockedExchange(&taken, 0);
    KeLowerIrql(before);
    await_threads(threads);
    return turns;
}

EXPORTED LONG HoldsTheLockUnraised(void)
{
    PVOID threads[THREADS];
    start_threads(threads);
    wait_for_the_lock();
    (void)InterlockedExchange(&go, 1);
    linger();
    (void)InterlockedExchange(&taken, 0);
    await_threads(threads);
    return turns;
}
