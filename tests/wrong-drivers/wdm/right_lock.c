/* Right: raises the level before it takes a lock that its DPC takes too. */
#define TAKE take
#define RELEASE release
#include "../interrupted_lock.h"

static KIRQL before;

static void take(void)
{
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    spin();
}

static void release(void)
{
    InterlockedExchange(&lock, 0);
    KeLowerIrql(before);
}
