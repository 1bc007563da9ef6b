/* Right: has two mutexes in both orders, but never waits for one while it has the other out of order: it tries, and it
 * waits for any of several. */
#define DURING_CONTROL take_mutexes
#include "../right_wdm.h"

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-kewaitformultipleobjects */
NTKERNELAPI NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
    KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout, PVOID WaitBlockArray);

static KMUTEX first, second;
static KEVENT never;

static void take_mutexes(PDEVICE_OBJECT device, PIRP irp)
{
    LARGE_INTEGER at_once = { .QuadPart = 0 };
    PVOID either[] = { &first, &never };
    KeInitializeMutex(&first, 0);
    KeInitializeMutex(&second, 0);
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    (void)KeWaitForSingleObject(&first, Executive, KernelMode, FALSE, NULL);
    (void)KeWaitForSingleObject(&second, Executive, KernelMode, FALSE, NULL);
    (void)KeReleaseMutex(&first, FALSE);
    (void)KeWaitForSingleObject(&first, Executive, KernelMode, FALSE, &at_once);
    (void)KeReleaseMutex(&first, FALSE);
    (void)KeWaitForMultipleObjects(2, either, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
    (void)KeReleaseMutex(&first, FALSE);
    (void)KeReleaseMutex(&second, FALSE);
}
