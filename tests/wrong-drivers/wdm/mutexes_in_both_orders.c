/* Wrong: waits for two mutexes in one order, and later in the other. Having one twice is no order. */
#define DURING_CONTROL mutexes_in_both_orders
#include "../right_wdm.h"

static KMUTEX first, second;

static void wait_for_both(PKMUTEX outer, PKMUTEX inner)
{
    (void)KeWaitForSingleObject(outer, Executive, KernelMode, FALSE, NULL);
    (void)KeWaitForSingleObject(inner, Executive, KernelMode, FALSE, NULL);
    (void)KeWaitForSingleObject(outer, Executive, KernelMode, FALSE, NULL);
    (void)KeReleaseMutex(outer, FALSE);
    (void)KeReleaseMutex(inner, FALSE);
    (void)KeReleaseMutex(outer, FALSE);
}

static void mutexes_in_both_orders(PDEVICE_OBJECT device, PIRP irp)
{
    KeInitializeMutex(&first, 0);
    KeInitializeMutex(&second, 0);
    wait_for_both(&first, &second);
    wait_for_both(&second, &first);
}
