/* A driver whose timer's DPC and whose device control take the same lock, a word that it spins on:
 *
 *     #define TAKE take_at_passive_level
 *     #define RELEASE release_at_passive_level
 *     #include "../interrupted_lock.h"
 *
 * TAKE, RELEASE  what device control does to the lock
 */
#ifndef INTERRUPTED_LOCK_H
#define INTERRUPTED_LOCK_H

#define DURING_CONTROL hold_lock
#include "right_wdm.h"

static volatile LONG lock;
static KTIMER timer;
static KDPC dpc;

static void TAKE(void);
static void RELEASE(void);

static void spin(void)
{
    while (InterlockedExchange(&lock, 1) != 0) {
    }
}

static void lock_in_dpc(PKDPC queued, PVOID context, PVOID argument1, PVOID argument2)
{
    spin();
    InterlockedExchange(&lock, 0);
}

/* For some milliseconds, of which the timer's is the first. */
static void hold_lock(PDEVICE_OBJECT device, PIRP irp)
{
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    KeInitializeDpc(&dpc, lock_in_dpc, NULL);
    KeInitializeTimer(&timer);
    TAKE();
    KeSetTimer(&timer, millisecond, &dpc);
    for (volatile ULONG turn = 0; turn < 100000000; turn++) {
    }
    RELEASE();
    KeFlushQueuedDpcs();
}

#endif
