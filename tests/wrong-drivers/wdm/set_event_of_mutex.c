/* Wrong: signals a mutex as if it were an event. */
#define DURING_CONTROL set_event_of_mutex
#include "../right_wdm.h"

static void set_event_of_mutex(PDEVICE_OBJECT device, PIRP irp)
{
    KMUTEX mutex;
    KeInitializeMutex(&mutex, 0);
    KeSetEvent((PKEVENT)&mutex, IO_NO_INCREMENT, FALSE);
}
