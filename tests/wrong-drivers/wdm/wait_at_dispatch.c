/* Wrong: waits at DISPATCH_LEVEL. */
#define DURING_CONTROL wait_at_dispatch
#include "../right_wdm.h"

static void wait_at_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    KEVENT event;
    KIRQL level;
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &millisecond);
    KeLowerIrql(level);
}
