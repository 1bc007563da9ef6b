/* Wrong: takes a lock that its DPC takes too, and does not raise the level first. */
#define TAKE take
#define RELEASE release
#include "../interrupted_lock.h"

static void take(void)
{
    spin();
}

static void release(void)
{
    InterlockedExchange(&lock, 0);
}
