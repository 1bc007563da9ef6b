/* The memory routines of the C library that the kernel exports. */
#ifndef MINI_CRT_MEMORY_H
#define MINI_CRT_MEMORY_H

#include "crt_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* learn.microsoft.com/windows-hardware/drivers/kernel/windows-kernel-mode-run-time-library */
int memcmp(const void *_Buf1, const void *_Buf2, size_t _Size);
void *memcpy(void *_Dst, const void *_Src, size_t _MaxCount);
void *memmove(void *_Dst, const void *_Src, size_t _Size);
void *memset(void *_Dst, int _Val, size_t _Size);

#ifdef __cplusplus
}
#endif

#endif
