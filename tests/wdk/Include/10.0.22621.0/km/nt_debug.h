/* Text for the debugger. */
#ifndef MINI_NT_DEBUG_H
#define MINI_NT_DEBUG_H

#include "ntdef.h"

#ifdef __cplusplus
extern "C" {
#endif

/* learn.microsoft.com/windows-hardware/drivers/debugger/reading-and-filtering-debugging-messages */
#define DPFLTR_ERROR_LEVEL   0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL   2
#define DPFLTR_INFO_LEVEL    3
NTKERNELAPI ULONG DbgPrint(PCSTR Format, ...);
NTKERNELAPI ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
NTKERNELAPI void DbgBreakPointWithStatus(ULONG Status);

NTKERNELAPI DECLSPEC_NORETURN void ExRaiseStatus(NTSTATUS Status);
NTKERNELAPI DECLSPEC_NORETURN void ExRaiseAccessViolation(void);
NTKERNELAPI DECLSPEC_NORETURN void ExRaiseDatatypeMisalignment(void);

#ifdef __cplusplus
}
#endif

#endif
