/* Deferred procedure calls. */
#ifndef MINI_WDFDPC_H
#define MINI_WDFDPC_H

#include "wdfcore.h"

#ifdef __cplusplus
extern "C" {
#endif

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdfdpc */
typedef VOID EVT_WDF_DPC(WDFDPC Dpc);
typedef EVT_WDF_DPC *PFN_WDF_DPC;

typedef struct _WDF_DPC_CONFIG {
    ULONG Size;
    PFN_WDF_DPC EvtDpcFunc;
    BOOLEAN AutomaticSerialization;
} WDF_DPC_CONFIG, *PWDF_DPC_CONFIG;

FORCEINLINE VOID WDF_DPC_CONFIG_INIT(PWDF_DPC_CONFIG Init, PFN_WDF_DPC EvtDpcFunc)
{
    RtlZeroMemory(Init, sizeof(*Init));
    Init->Size = sizeof(*Init);
    Init->EvtDpcFunc = EvtDpcFunc;
    Init->AutomaticSerialization = TRUE;
}

typedef NTSTATUS (*PFN_WDFDPCCREATE)(
    PWDF_DRIVER_GLOBALS DriverGlobals, PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc);
typedef BOOLEAN (*PFN_WDFDPCENQUEUE)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDPC Dpc);
typedef BOOLEAN (*PFN_WDFDPCCANCEL)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDPC Dpc, BOOLEAN Wait);
typedef WDFOBJECT (*PFN_WDFDPCGETPARENTOBJECT)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDPC Dpc);
typedef PKDPC (*PFN_WDFDPCWDMGETDPC)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDPC Dpc);

FORCEINLINE NTSTATUS WdfDpcCreate(PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc)
{
    return ((PFN_WDFDPCCREATE)WdfFunctions_01033[WdfDpcCreateTableIndex])(WdfDriverGlobals, Config, Attributes, Dpc);
}
FORCEINLINE BOOLEAN WdfDpcEnqueue(WDFDPC Dpc)
{
    return ((PFN_WDFDPCENQUEUE)WdfFunctions_01033[WdfDpcEnqueueTableIndex])(WdfDriverGlobals, Dpc);
}
FORCEINLINE BOOLEAN WdfDpcCancel(WDFDPC Dpc, BOOLEAN Wait)
{
    return ((PFN_WDFDPCCANCEL)WdfFunctions_01033[WdfDpcCancelTableIndex])(WdfDriverGlobals, Dpc, Wait);
}
FORCEINLINE WDFOBJECT WdfDpcGetParentObject(WDFDPC Dpc)
{
    return ((PFN_WDFDPCGETPARENTOBJECT)WdfFunctions_01033[WdfDpcGetParentObjectTableIndex])(WdfDriverGlobals, Dpc);
}
FORCEINLINE PKDPC WdfDpcWdmGetDpc(WDFDPC Dpc)
{
    return ((PFN_WDFDPCWDMGETDPC)WdfFunctions_01033[WdfDpcWdmGetDpcTableIndex])(WdfDriverGlobals, Dpc);
}

#ifdef __cplusplus
}
#endif

#endif
