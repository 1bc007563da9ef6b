/* Right: no rule is broken. */
#include "../right_wdm.h"
