/* Right: refuses to be started. */
#define AFTER_START refuse
#include "../right_wdm.h"

static NTSTATUS refuse(PDEVICE_OBJECT device)
{
    return STATUS_INSUFFICIENT_RESOURCES;
}
