/* Wrong: the Size of its interface is 8 less than the structure's. */
#define OFFERED_SIZE (sizeof(SRIOV_DEVICE_INTERFACE_STANDARD) - 8)
#include "../right_pf.h"
