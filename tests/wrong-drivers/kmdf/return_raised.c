/* Wrong: returns from its queue's routine at a raised IRQL. */
#define CONTROL return_raised
#include "../right_kmdf.h"

static void return_raised(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
    KIRQL level;
    WdfRequestComplete(request, STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &level);
}
