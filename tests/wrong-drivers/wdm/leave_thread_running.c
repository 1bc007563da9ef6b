/* Wrong: unloads while its thread sleeps in its code. */
#define AFTER_ENTRY leave_thread_running
#include "../right_wdm.h"

static void sleep(PVOID context)
{
    LARGE_INTEGER hour = {.QuadPart = -36000000000};
    KeDelayExecutionThread(KernelMode, FALSE, &hour);
}

static NTSTATUS leave_thread_running(PDRIVER_OBJECT driver)
{
    HANDLE thread;
    if (NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, sleep, NULL))) {
        ZwClose(thread);
    }
    return STATUS_SUCCESS;
}
