/* Wrong: says that a read succeeded, and left half of the buffer as it was: a guest then sees host memory. */
#define READ_BLOCK leave_unfilled
#include "../right_pf.h"

static NTSTATUS leave_unfilled(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    RtlZeroMemory(buffer, length / 2);
    return STATUS_SUCCESS;
}
