/* The entry of a KMDF driver's image: binds it to the framework, then calls its DriverEntry.

   On Windows the WDK's own WdfDriverEntry.lib takes this place.
   learn.microsoft.com/windows-hardware/drivers/wdf/driverentry-for-kmdf-drivers */
#include "ntddk.h"
#include "wdf.h"
#include "wdfbindinfo.h"

#define REGISTRY_PATH_BYTES 520

DRIVER_INITIALIZE DriverEntry;
DRIVER_INITIALIZE FxDriverEntry;
static DRIVER_UNLOAD UnloadAndUnbind;

PWDF_DRIVER_GLOBALS WdfDriverGlobals;
const WDFFUNC *WdfFunctions_01033;
ULONG WdfFunctionCount = WdfFunctionTableNumEntries;

static WCHAR Component[] = L"KmdfLibrary";
static WDF_BIND_INFO BindInfo = {
    .Size = sizeof(WDF_BIND_INFO),
    .Component = Component,
    .Version = {.Major = 1, .Minor = 33, .Build = 0},
    .FuncCount = WdfFunctionTableNumEntries,
    .FuncTable = &WdfFunctions_01033,
};

/* The framework keeps the path for as long as the driver is loaded, the caller's is gone after the call. */
static WCHAR RegistryPathBuffer[REGISTRY_PATH_BYTES / sizeof(WCHAR)];
static UNICODE_STRING RegistryPathCopy = {0, sizeof(RegistryPathBuffer), RegistryPathBuffer};

static PDRIVER_UNLOAD DisplacedUnload;

NTSTATUS FxDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status;

    if (RegistryPath->Length > RegistryPathCopy.MaximumLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyUnicodeString(&RegistryPathCopy, RegistryPath);

    status = WdfVersionBind(DriverObject, &RegistryPathCopy, &BindInfo, &WdfDriverGlobals);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = DriverEntry(DriverObject, RegistryPath);
    if (!NT_SUCCESS(status)) {
        WdfVersionUnbind(&RegistryPathCopy, &BindInfo, WdfDriverGlobals);
        return status;
    }
    if (WdfDriverGlobals->DisplaceDriverUnload) {
        DisplacedUnload = DriverObject->DriverUnload;
        DriverObject->DriverUnload = UnloadAndUnbind;
    }
    return status;
}

static VOID UnloadAndUnbind(PDRIVER_OBJECT DriverObject)
{
    if (DisplacedUnload != NULL) {
        DisplacedUnload(DriverObject);
    }
    WdfVersionUnbind(&RegistryPathCopy, &BindInfo, WdfDriverGlobals);
}
