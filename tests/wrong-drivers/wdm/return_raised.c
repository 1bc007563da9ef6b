/* Wrong: returns from its dispatch routine at a raised IRQL. */
#define DURING_CONTROL return_raised
#include "../right_wdm.h"

static void return_raised(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL level;
    KeRaiseIrql(APC_LEVEL, &level);
}
