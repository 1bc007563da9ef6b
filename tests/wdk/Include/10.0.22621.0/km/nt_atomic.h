/* Interlocked operations: compiler intrinsics in the WDK, for drivers in C. */
#ifndef MINI_NT_ATOMIC_H
#define MINI_NT_ATOMIC_H

#include "ntdef.h"

#ifdef __cplusplus
extern "C" {
#endif

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-interlockedincrement and its neighbours */
#define InterlockedIncrement(target) __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement(target) __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST)
#define InterlockedExchangeAdd(target, value) __atomic_fetch_add(target, value, __ATOMIC_SEQ_CST)
#define InterlockedExchange(target, value) __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST)
#define InterlockedExchangePointer(target, value) __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST)
#define InterlockedOr(target, value) __atomic_fetch_or(target, value, __ATOMIC_SEQ_CST)
#define InterlockedAnd(target, value) __atomic_fetch_and(target, value, __ATOMIC_SEQ_CST)
#define InterlockedIncrement64(target) __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement64(target) __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST)
#define InterlockedOr64(target, value) __atomic_fetch_or(target, value, __ATOMIC_SEQ_CST)
#define InterlockedExchange64(target, value) __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST)
#define InterlockedCompareExchange(target, value, expected) __sync_val_compare_and_swap(target, expected, value)
#define InterlockedCompareExchange64(target, value, expected) __sync_val_compare_and_swap(target, expected, value)
#define InterlockedCompareExchangePointer(target, value, expected) __sync_val_compare_and_swap(target, expected, value)

#ifdef __cplusplus
}
#endif

#endif
