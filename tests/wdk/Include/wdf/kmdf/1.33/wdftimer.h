/* Timers. */
#ifndef MINI_WDFTIMER_H
#define MINI_WDFTIMER_H

#include "wdfcore.h"

#ifdef __cplusplus
extern "C" {
#endif

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdftimer */
typedef VOID EVT_WDF_TIMER(WDFTIMER Timer);
typedef EVT_WDF_TIMER *PFN_WDF_TIMER;

typedef struct _WDF_TIMER_CONFIG {
    ULONG Size;
    PFN_WDF_TIMER EvtTimerFunc;
    ULONG Period;
    BOOLEAN AutomaticSerialization;
    ULONG TolerableDelay;
    WDF_TRI_STATE DECLSPEC_ALIGN(8) UseHighResolutionTimer;
} WDF_TIMER_CONFIG, *PWDF_TIMER_CONFIG;

FORCEINLINE VOID WDF_TIMER_CONFIG_INIT(PWDF_TIMER_CONFIG Init, PFN_WDF_TIMER EvtTimerFunc)
{
    RtlZeroMemory(Init, sizeof(*Init));
    Init->Size = sizeof(*Init);
    Init->EvtTimerFunc = EvtTimerFunc;
    Init->AutomaticSerialization = TRUE;
}

FORCEINLINE VOID WDF_TIMER_CONFIG_INIT_PERIODIC(PWDF_TIMER_CONFIG Init, PFN_WDF_TIMER EvtTimerFunc, LONG Period)
{
    RtlZeroMemory(Init, sizeof(*Init));
    Init->Size = sizeof(*Init);
    Init->EvtTimerFunc = EvtTimerFunc;
    Init->Period = Period;
    Init->AutomaticSerialization = TRUE;
}

#define WDF_REL_TIMEOUT_IN_SEC(time) (-(LONGLONG)(time) * 10000000)
#define WDF_REL_TIMEOUT_IN_MS(time) (-(LONGLONG)(time) * 10000)
#define WDF_REL_TIMEOUT_IN_US(time) (-(LONGLONG)(time) * 10)

typedef NTSTATUS (*PFN_WDFTIMERCREATE)(
    PWDF_DRIVER_GLOBALS DriverGlobals, PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFTIMER *Timer);
typedef BOOLEAN (*PFN_WDFTIMERSTART)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFTIMER Timer, LONGLONG DueTime);
typedef BOOLEAN (*PFN_WDFTIMERSTOP)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFTIMER Timer, BOOLEAN Wait);
typedef WDFOBJECT (*PFN_WDFTIMERGETPARENTOBJECT)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFTIMER Timer);

FORCEINLINE NTSTATUS WdfTimerCreate(PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFTIMER *Timer)
{
    return ((PFN_WDFTIMERCREATE)WdfFunctions_01033[WdfTimerCreateTableIndex])(
        WdfDriverGlobals, Config, Attributes, Timer);
}
FORCEINLINE BOOLEAN WdfTimerStart(WDFTIMER Timer, LONGLONG DueTime)
{
    return ((PFN_WDFTIMERSTART)WdfFunctions_01033[WdfTimerStartTableIndex])(WdfDriverGlobals, Timer, DueTime);
}
FORCEINLINE BOOLEAN WdfTimerStop(WDFTIMER Timer, BOOLEAN Wait)
{
    return ((PFN_WDFTIMERSTOP)WdfFunctions_01033[WdfTimerStopTableIndex])(WdfDriverGlobals, Timer, Wait);
}
FORCEINLINE WDFOBJECT WdfTimerGetParentObject(WDFTIMER Timer)
{
    return ((PFN_WDFTIMERGETPARENTOBJECT)WdfFunctions_01033[WdfTimerGetParentObjectTableIndex])(
        WdfDriverGlobals, Timer);
}

#ifdef __cplusplus
}
#endif

#endif
