/* Requests that a probe's driver has, first come first. */
#ifndef HELD_H
#define HELD_H

#include "probe.h"

#define MOST_HELD 16

static struct {
    ULONG count;
    WDFREQUEST requests[MOST_HELD];
} held;

static inline void hold(WDFREQUEST request)
{
    held.requests[held.count++] = request;
}

/* Completes the first one, outside of any callback. */
static inline void complete_first(void)
{
    WDFREQUEST first = held.requests[0];
    if (held.count == 0) {
        return;
    }
    held.count--;
    for (ULONG i = 0; i < held.count; i++) {
        held.requests[i] = held.requests[i + 1];
    }
    line("'do':'call','what':'complete %s'", request_name(first));
    complete(first, STATUS_SUCCESS, 0);
    Settle();
}

static inline void complete_all(void)
{
    while (held.count) {
        complete_first();
    }
}

#endif
