/* Wrong: releases a spin lock that nobody holds. */
#define DURING_CONTROL release_free_lock
#include "../right_wdm.h"

static void release_free_lock(PDEVICE_OBJECT device, PIRP irp)
{
    KSPIN_LOCK lock;
    KIRQL level;
    KeInitializeSpinLock(&lock);
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    KeReleaseSpinLockFromDpcLevel(&lock);
    KeLowerIrql(level);
}
