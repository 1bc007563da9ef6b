/* Wrong: deletes its device while it is attached to the one below. */
#define DURING_CONTROL delete_attached_device
#include "../right_wdm.h"

static void delete_attached_device(PDEVICE_OBJECT device, PIRP irp)
{
    IoDeleteDevice(device);
}
