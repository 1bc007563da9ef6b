/* How an image binds to the framework: the loader's two routines. */
#ifndef MINI_WDFBINDINFO_H
#define MINI_WDFBINDINFO_H

#include "wdfglobals.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Called by the entry stub alone, as the loader's exports WdfVersionBind and WdfVersionUnbind. */
typedef struct _WDF_BIND_VERSION {
    ULONG Major;
    ULONG Minor;
    ULONG Build;
} WDF_BIND_VERSION;

typedef struct _WDF_BIND_INFO {
    ULONG Size;
    PWSTR Component;
    WDF_BIND_VERSION Version;
    ULONG FuncCount;
    const WDFFUNC **FuncTable;
    PVOID Module;
} WDF_BIND_INFO, *PWDF_BIND_INFO;

NTSTATUS WdfVersionBind(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PWDF_BIND_INFO BindInfo,
    PWDF_DRIVER_GLOBALS *DriverGlobals);
VOID WdfVersionUnbind(PUNICODE_STRING RegistryPath, PWDF_BIND_INFO BindInfo, PWDF_DRIVER_GLOBALS DriverGlobals);

#ifdef __cplusplus
}
#endif

#endif
