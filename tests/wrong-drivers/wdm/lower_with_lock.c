/* Wrong: lowers the IRQL while it holds a spin lock. */
#define DURING_CONTROL lower_with_lock
#include "../right_wdm.h"

static void lower_with_lock(PDEVICE_OBJECT device, PIRP irp)
{
    KSPIN_LOCK lock;
    KIRQL level;
    KeInitializeSpinLock(&lock);
    KeAcquireSpinLock(&lock, &level);
    KeLowerIrql(level);
}
