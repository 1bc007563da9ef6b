/* Wrong: gives back more references than it took. */
#define DURING_CONTROL drop_reference_twice
#include "../right_wdm.h"

static void drop_reference_twice(PDEVICE_OBJECT device, PIRP irp)
{
    ObReferenceObject(device->DriverObject);
    for (int count = 0; count < 100; count++) {
        ObDereferenceObject(device->DriverObject);
    }
}
