/* Safe string routines: all inline in the WDK, so a driver in Rust sees none of them. */
#ifndef MINI_NTSTRSAFE_H
#define MINI_NTSTRSAFE_H

#include "ntddk.h"



#endif
