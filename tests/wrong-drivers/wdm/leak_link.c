/* Wrong: never deletes a symbolic link. */
#define DURING_CONTROL leak_link
#include "../right_wdm.h"

static void leak_link(PDEVICE_OBJECT device, PIRP irp)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\WrongLink");
    UNICODE_STRING target = RTL_CONSTANT_STRING(L"\\Device\\Wrong");
    (void)IoCreateSymbolicLink(&link, &target);
}
