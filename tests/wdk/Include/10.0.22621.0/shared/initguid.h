/* Makes every DEFINE_GUID that follows a definition. */
#ifndef MINI_INITGUID_H
#define MINI_INITGUID_H

#define INITGUID
#include "guiddef.h"

#endif
