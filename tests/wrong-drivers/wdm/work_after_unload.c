/* Wrong: unloads with a timer running whose routine is its own. */
#define AFTER_ENTRY start_timer
#include "../right_wdm.h"

static KTIMER timer;
static KDPC dpc;

static void work_after_unload(PKDPC expired, PVOID context, PVOID argument1, PVOID argument2)
{
}

static NTSTATUS start_timer(PDRIVER_OBJECT driver)
{
    LARGE_INTEGER hour = {.QuadPart = -36000000000};
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, work_after_unload, NULL);
    KeSetTimer(&timer, hour, &dpc);
    return STATUS_SUCCESS;
}
