/* Wrong: keeps a request for good. */
#define CONTROL never_complete
#include "../right_kmdf.h"

static void never_complete(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
}
