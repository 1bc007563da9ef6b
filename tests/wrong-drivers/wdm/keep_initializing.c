/* Wrong: leaves DO_DEVICE_INITIALIZING set, so that nobody can open the device. */
#define AFTER_ADD keep_initializing
#include "../right_wdm.h"

static void keep_initializing(PDEVICE_OBJECT device)
{
    device->Flags |= DO_DEVICE_INITIALIZING;
}
