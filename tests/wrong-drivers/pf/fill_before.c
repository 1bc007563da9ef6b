/* Wrong: changes a byte before the caller's buffer. */
#define READ_BLOCK fill_before
#include "../right_pf.h"

static NTSTATUS fill_before(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    RtlZeroMemory(buffer, length);
    ((volatile char *)buffer)[-1] = 0;
    return STATUS_SUCCESS;
}
