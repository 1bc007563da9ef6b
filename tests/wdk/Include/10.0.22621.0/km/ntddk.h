/* The kernel interfaces of a device driver: those of wdm.h, and more. */
#ifndef MINI_NTDDK_H
#define MINI_NTDDK_H

#include "wdm.h"
#include "nt_process.h"
#include "nt_bugcheck.h"



#endif
