/* Right: refuses to be loaded, and leaves nothing behind. */
#define AFTER_ENTRY refuse
#include "../right_wdm.h"

static NTSTATUS refuse(PDRIVER_OBJECT driver)
{
    return STATUS_INSUFFICIENT_RESOURCES;
}
