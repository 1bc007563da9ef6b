/* Wrong: queues a DPC that was never initialized. */
#define DURING_CONTROL queue_unmade_dpc
#include "../right_wdm.h"

static void queue_unmade_dpc(PDEVICE_OBJECT device, PIRP irp)
{
    KDPC dpc;
    RtlZeroMemory(&dpc, sizeof(dpc));
    KeInsertQueueDpc(&dpc, NULL, NULL);
}
