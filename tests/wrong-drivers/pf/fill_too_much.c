/* Wrong: fills more than the caller's buffer holds. */
#define READ_BLOCK fill_too_much
#include "../right_pf.h"

static NTSTATUS fill_too_much(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    volatile char *bytes = buffer;
    for (ULONG index = 0; index < 256; index++) {
        bytes[index] = 0;
    }
    return STATUS_SUCCESS;
}
