/* Wrong: completes an IRP while it holds a spin lock. */
#define CONTROL complete_with_lock
#include "../right_wdm.h"

static NTSTATUS complete_with_lock(PDEVICE_OBJECT device, PIRP irp)
{
    KSPIN_LOCK lock;
    KIRQL level;
    KeInitializeSpinLock(&lock);
    KeAcquireSpinLock(&lock, &level);
    complete(irp, STATUS_SUCCESS);
    KeReleaseSpinLock(&lock, level);
    return STATUS_SUCCESS;
}
