/* Wrong: imports a routine that the kernel does not have. */
#define DURING_CONTROL unknown_import
#include "../right_wdm.h"

NTKERNELAPI void KeInventedRoutine(void);

static void unknown_import(PDEVICE_OBJECT device, PIRP irp)
{
    KeInventedRoutine();
}
