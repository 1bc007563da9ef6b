/* Right: no rule is broken. */
#include "../right_kmdf.h"
