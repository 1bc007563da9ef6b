/* Wrong: acquires a spin lock that it holds. */
#define DURING_CONTROL acquire_twice
#include "../right_wdm.h"

static void acquire_twice(PDEVICE_OBJECT device, PIRP irp)
{
    KSPIN_LOCK lock;
    KIRQL level;
    KeInitializeSpinLock(&lock);
    KeAcquireSpinLock(&lock, &level);
    KeAcquireSpinLockAtDpcLevel(&lock);
    KeReleaseSpinLockFromDpcLevel(&lock);
    KeReleaseSpinLock(&lock, level);
}
