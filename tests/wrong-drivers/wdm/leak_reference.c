/* Wrong: never gives back a reference to its device. */
#define DURING_CONTROL leak_reference
#include "../right_wdm.h"

static void leak_reference(PDEVICE_OBJECT device, PIRP irp)
{
    ObReferenceObject(device);
}
