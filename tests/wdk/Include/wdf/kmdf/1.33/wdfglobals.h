/* The globals of a driver, and the table through which it calls the framework. */
#ifndef MINI_WDFGLOBALS_H
#define MINI_WDFGLOBALS_H

#include "wdftypes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* learn.microsoft.com/windows-hardware/drivers/debugger/debugging-wdf-drivers */
#define WDF_DRIVER_GLOBALS_NAME_LEN 32

typedef struct _WDF_DRIVER_GLOBALS {
    WDFDRIVER Driver;
    ULONG DriverFlags;
    ULONG DriverTag;
    CHAR DriverName[WDF_DRIVER_GLOBALS_NAME_LEN];
    BOOLEAN DisplaceDriverUnload;
} WDF_DRIVER_GLOBALS, *PWDF_DRIVER_GLOBALS;

typedef VOID (*WDFFUNC)(VOID);

/* The entry stub defines these three; WdfVersionBind fills them. The table's name carries the version. */
extern PWDF_DRIVER_GLOBALS WdfDriverGlobals;
extern const WDFFUNC *WdfFunctions_01033;
extern ULONG WdfFunctionCount;

#ifdef __cplusplus
}
#endif

#endif
