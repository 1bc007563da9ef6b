/* Wrong: waits for an event that was never initialized. */
#define DURING_CONTROL wait_for_nothing
#include "../right_wdm.h"

static void wait_for_nothing(PDEVICE_OBJECT device, PIRP irp)
{
    KEVENT event;
    LARGE_INTEGER now = {.QuadPart = 0};
    RtlZeroMemory(&event, sizeof(event));
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &now);
}
