/* Wrong: frees a variable on its stack. */
#define DURING_CONTROL free_stack
#include "../right_wdm.h"

static void free_stack(PDEVICE_OBJECT device, PIRP irp)
{
    char variable[16];
    ExFreePoolWithTag(variable, TAG);
}
