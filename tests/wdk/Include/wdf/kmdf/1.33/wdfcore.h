/* What every header of the framework builds on. */
#ifndef MINI_WDFCORE_H
#define MINI_WDFCORE_H

#include "wdftypes.h"
#include "wdfglobals.h"
#include "wdffuncenum.h"
#include "wdfobject.h"



#endif
