/* Right: no rule is broken. */
#include "../right_pf.h"
