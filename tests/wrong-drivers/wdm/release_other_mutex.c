/* Wrong: releases a mutex that it does not own. */
#define DURING_CONTROL release_other_mutex
#include "../right_wdm.h"

static void release_other_mutex(PDEVICE_OBJECT device, PIRP irp)
{
    KMUTEX mutex;
    KeInitializeMutex(&mutex, 0);
    KeReleaseMutex(&mutex, FALSE);
}
