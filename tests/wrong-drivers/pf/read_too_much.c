/* Wrong: reads more than the caller's buffer holds. */
#define WRITE_BLOCK read_too_much
#include "../right_pf.h"

static NTSTATUS read_too_much(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    char copy[128];
    RtlCopyMemory(copy, buffer, sizeof(copy));
    return copy[0] == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
