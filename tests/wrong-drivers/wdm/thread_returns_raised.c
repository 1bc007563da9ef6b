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
    HANDLE handle;
    PVOID thread;
    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, thread_returns_raised, NULL))) {
        return;
    }
    if (NT_SUCCESS(ObReferenceObjectByHandle(handle, SYNCHRONIZE, NULL, KernelMode, &thread, NULL))) {
        KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(thread);
    }
    ZwClose(handle);
}
