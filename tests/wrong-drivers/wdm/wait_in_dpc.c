/* Wrong: waits in a DPC. */
#define DURING_CONTROL queue_dpc
#include "../right_wdm.h"

static KDPC dpc;

static void wait_in_dpc(PKDPC queued, PVOID context, PVOID argument1, PVOID argument2)
{
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &millisecond);
}

static void queue_dpc(PDEVICE_OBJECT device, PIRP irp)
{
    KeInitializeDpc(&dpc, wait_in_dpc, NULL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}
