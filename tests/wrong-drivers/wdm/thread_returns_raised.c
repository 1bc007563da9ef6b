/* Wrong: its thread ends at a raised IRQL. */
#define DURING_CONTROL start_thread
#include "../right_wdm.h"

static void thread_returns_raised(PVOID context)
{
    KIRQL level;
    KeRaiseIrql(APC_LEVEL, &level);
}

static void start_thread(PDEVICE_OBJECT device, PIRP irp)
{
    HANDLE thread;
    if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, thread_returns_raised, NULL))) {
        ZwWaitForSingleObject(thread, FALSE, NULL);
        ZwClose(thread);
    }
}
