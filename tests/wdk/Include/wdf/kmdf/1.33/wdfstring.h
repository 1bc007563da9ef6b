/* Strings. */
#ifndef MINI_WDFSTRING_H
#define MINI_WDFSTRING_H

#include "wdfcore.h"

#ifdef __cplusplus
extern "C" {
#endif

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdfstring */
typedef NTSTATUS (*PFN_WDFSTRINGCREATE)(
    PWDF_DRIVER_GLOBALS DriverGlobals, PCUNICODE_STRING UnicodeString, PWDF_OBJECT_ATTRIBUTES StringAttributes,
    WDFSTRING *String);
typedef VOID (*PFN_WDFSTRINGGETUNICODESTRING)(
    PWDF_DRIVER_GLOBALS DriverGlobals, WDFSTRING String, PUNICODE_STRING UnicodeString);

FORCEINLINE NTSTATUS WdfStringCreate(
    PCUNICODE_STRING UnicodeString, PWDF_OBJECT_ATTRIBUTES StringAttributes, WDFSTRING *String)
{
    return ((PFN_WDFSTRINGCREATE)WdfFunctions_01033[WdfStringCreateTableIndex])(
        WdfDriverGlobals, UnicodeString, StringAttributes, String);
}
FORCEINLINE VOID WdfStringGetUnicodeString(WDFSTRING String, PUNICODE_STRING UnicodeString)
{
    ((PFN_WDFSTRINGGETUNICODESTRING)WdfFunctions_01033[WdfStringGetUnicodeStringTableIndex])(
        WdfDriverGlobals, String, UnicodeString);
}

#ifdef __cplusplus
}
#endif

#endif
