/* Wrong: reaches an instruction that does not exist. */
#define DURING_CONTROL illegal_instruction
#include "../right_wdm.h"

static void illegal_instruction(PDEVICE_OBJECT device, PIRP irp)
{
    __builtin_trap();
}
