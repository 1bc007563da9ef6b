/* Wrong: never deletes a second device that it made. */
#define DURING_CONTROL leak_device
#include "../right_wdm.h"

static void leak_device(PDEVICE_OBJECT device, PIRP irp)
{
    PDEVICE_OBJECT second;
    (void)IoCreateDevice(device->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &second);
}
