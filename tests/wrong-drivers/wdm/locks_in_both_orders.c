/* Wrong: takes two spin locks in one order, and later in the other. */
#define DURING_CONTROL locks_in_both_orders
#include "../right_wdm.h"

static KSPIN_LOCK first, second;

static void take_both(PKSPIN_LOCK outer, PKSPIN_LOCK inner)
{
    KIRQL level;
    KeAcquireSpinLock(outer, &level);
    KeAcquireSpinLockAtDpcLevel(inner);
    KeReleaseSpinLockFromDpcLevel(inner);
    KeReleaseSpinLock(outer, level);
}

static void locks_in_both_orders(PDEVICE_OBJECT device, PIRP irp)
{
    KeInitializeSpinLock(&first);
    KeInitializeSpinLock(&second);
    take_both(&first, &second);
    take_both(&second, &first);
}
