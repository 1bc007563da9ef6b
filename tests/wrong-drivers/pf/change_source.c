/* Wrong: changes the bytes that it was given to read. */
#define WRITE_BLOCK change_source
#include "../right_pf.h"

static NTSTATUS change_source(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    *(volatile char *)buffer ^= 1;
    return STATUS_SUCCESS;
}
