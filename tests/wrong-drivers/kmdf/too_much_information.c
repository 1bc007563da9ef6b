/* Wrong: says that it returned more bytes than the caller's buffer has. */
#define CONTROL too_much_information
#include "../right_kmdf.h"

static void too_much_information(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length,
    ULONG code)
{
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, output_length + 1);
}
