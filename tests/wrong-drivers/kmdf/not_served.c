/* Wrong here: calls a framework function that the simulated framework does not have. */
#define DURING_CONTROL not_served
#include "../right_kmdf.h"

#define WMI_INSTANCE_REGISTER 374

typedef NTSTATUS WMI_INSTANCE_REGISTER_FUNCTION(PWDF_DRIVER_GLOBALS globals, HANDLE instance);

static void not_served(WDFDEVICE device, WDFREQUEST request)
{
    (void)((WMI_INSTANCE_REGISTER_FUNCTION *)WdfFunctions_01033[WMI_INSTANCE_REGISTER])(WdfDriverGlobals, NULL);
}
