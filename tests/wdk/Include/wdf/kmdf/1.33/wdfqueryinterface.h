/* Interfaces that a driver hands to others. */
#ifndef MINI_WDFQUERYINTERFACE_H
#define MINI_WDFQUERYINTERFACE_H

#include "wdfcore.h"

#ifdef __cplusplus
extern "C" {
#endif

struct _IRP;
/* learn.microsoft.com/windows-hardware/drivers/ddi/wdfqueryinterface */
typedef NTSTATUS EVT_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST(
    WDFDEVICE Device, LPGUID InterfaceType, PINTERFACE ExposedInterface, PVOID ExposedInterfaceSpecificData);
typedef EVT_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST *PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST;

typedef struct _WDF_QUERY_INTERFACE_CONFIG {
    ULONG Size;
    PINTERFACE Interface;
    const GUID *InterfaceType;
    BOOLEAN SendQueryToParentStack;
    PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST EvtDeviceProcessQueryInterfaceRequest;
    BOOLEAN ImportInterface;
} WDF_QUERY_INTERFACE_CONFIG, *PWDF_QUERY_INTERFACE_CONFIG;

FORCEINLINE VOID WDF_QUERY_INTERFACE_CONFIG_INIT(PWDF_QUERY_INTERFACE_CONFIG Init, PINTERFACE Interface, const GUID *InterfaceType,
    PFN_WDF_DEVICE_PROCESS_QUERY_INTERFACE_REQUEST EvtProcess)
{
    RtlZeroMemory(Init, sizeof(*Init));
    Init->Size = sizeof(*Init);
    Init->Interface = Interface;
    Init->InterfaceType = InterfaceType;
    Init->EvtDeviceProcessQueryInterfaceRequest = EvtProcess;
}

typedef NTSTATUS (*PFN_WDFDEVICEADDQUERYINTERFACE)(
    PWDF_DRIVER_GLOBALS DriverGlobals, WDFDEVICE Device, PWDF_QUERY_INTERFACE_CONFIG InterfaceConfig);

FORCEINLINE NTSTATUS WdfDeviceAddQueryInterface(WDFDEVICE Device, PWDF_QUERY_INTERFACE_CONFIG InterfaceConfig)
{
    return ((PFN_WDFDEVICEADDQUERYINTERFACE)WdfFunctions_01033[WdfDeviceAddQueryInterfaceTableIndex])(
        WdfDriverGlobals, Device, InterfaceConfig);
}

#ifdef __cplusplus
}
#endif

#endif
