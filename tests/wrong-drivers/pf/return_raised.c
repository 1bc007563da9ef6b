/* Wrong: returns to the caller at a raised IRQL. */
#define WRITE_BLOCK return_raised
#include "../right_pf.h"

static NTSTATUS return_raised(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    KIRQL level;
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    return STATUS_SUCCESS;
}
