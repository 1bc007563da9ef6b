/* Wrong: never frees a work item. */
#define DURING_CONTROL leak_work_item
#include "../right_wdm.h"

static void leak_work_item(PDEVICE_OBJECT device, PIRP irp)
{
    (void)IoAllocateWorkItem(device);
}
