/* Sending, completing and cancelling IRPs; work items. */
#ifndef MINI_NT_IO_H
#define MINI_NT_IO_H

#include "nt_stack_location.h"
#include "crt_memory.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IRP_MJ_CREATE                   0
#define IRP_MJ_CREATE_NAMED_PIPE        1
#define IRP_MJ_CLOSE                    2
#define IRP_MJ_READ                     3
#define IRP_MJ_WRITE                    4
#define IRP_MJ_QUERY_INFORMATION        5
#define IRP_MJ_SET_INFORMATION          6
#define IRP_MJ_QUERY_EA                 7
#define IRP_MJ_SET_EA                   8
#define IRP_MJ_FLUSH_BUFFERS            9
#define IRP_MJ_QUERY_VOLUME_INFORMATION 10
#define IRP_MJ_SET_VOLUME_INFORMATION   11
#define IRP_MJ_DIRECTORY_CONTROL        12
#define IRP_MJ_FILE_SYSTEM_CONTROL      13
#define IRP_MJ_DEVICE_CONTROL           14
#define IRP_MJ_INTERNAL_DEVICE_CONTROL  15
#define IRP_MJ_SHUTDOWN                 16
#define IRP_MJ_LOCK_CONTROL             17
#define IRP_MJ_CLEANUP                  18
#define IRP_MJ_CREATE_MAILSLOT          19
#define IRP_MJ_QUERY_SECURITY           20
#define IRP_MJ_SET_SECURITY             21
#define IRP_MJ_POWER                    22
#define IRP_MJ_SYSTEM_CONTROL           23
#define IRP_MJ_DEVICE_CHANGE            24
#define IRP_MJ_QUERY_QUOTA              25
#define IRP_MJ_SET_QUOTA                26
#define IRP_MJ_PNP                      27

/* learn.microsoft.com/windows-hardware/drivers/kernel/plug-and-play-minor-irps and power-management-minor-irps */
#define IRP_MN_START_DEVICE                 0
#define IRP_MN_QUERY_REMOVE_DEVICE          1
#define IRP_MN_REMOVE_DEVICE                2
#define IRP_MN_CANCEL_REMOVE_DEVICE         3
#define IRP_MN_STOP_DEVICE                  4
#define IRP_MN_QUERY_STOP_DEVICE            5
#define IRP_MN_CANCEL_STOP_DEVICE           6
#define IRP_MN_QUERY_DEVICE_RELATIONS       7
#define IRP_MN_QUERY_INTERFACE              8
#define IRP_MN_QUERY_CAPABILITIES           9
#define IRP_MN_QUERY_RESOURCES              10
#define IRP_MN_QUERY_RESOURCE_REQUIREMENTS  11
#define IRP_MN_QUERY_DEVICE_TEXT            12
#define IRP_MN_FILTER_RESOURCE_REQUIREMENTS 13
#define IRP_MN_READ_CONFIG                  15
#define IRP_MN_WRITE_CONFIG                 16
#define IRP_MN_EJECT                        17
#define IRP_MN_SET_LOCK                     18
#define IRP_MN_QUERY_ID                     19
#define IRP_MN_QUERY_PNP_DEVICE_STATE       20
#define IRP_MN_QUERY_BUS_INFORMATION        21
#define IRP_MN_DEVICE_USAGE_NOTIFICATION    22
#define IRP_MN_SURPRISE_REMOVAL             23
#define IRP_MN_DEVICE_ENUMERATED            25
#define IRP_MN_WAIT_WAKE                    0
#define IRP_MN_POWER_SEQUENCE               1
#define IRP_MN_SET_POWER                    2
#define IRP_MN_QUERY_POWER                  3
#define IRP_MN_REGINFO_EX                   11

#define SL_PENDING_RETURNED  1
#define SL_ERROR_RETURNED    2
#define SL_INVOKE_ON_CANCEL  32
#define SL_INVOKE_ON_SUCCESS 64
#define SL_INVOKE_ON_ERROR   128
#define IO_NO_INCREMENT      0
#define IO_NETWORK_INCREMENT 2

/* learn.microsoft.com/windows-hardware/drivers/kernel/handling-irps */
NTKERNELAPI NTSTATUS IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp);
NTKERNELAPI void IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost);
NTKERNELAPI BOOLEAN IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp);
NTKERNELAPI NTSTATUS IoSetCompletionRoutineEx(
    PDEVICE_OBJECT DeviceObject, PIRP Irp, PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
    BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError, BOOLEAN InvokeOnCancel);
NTKERNELAPI PIRP IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota);
NTKERNELAPI void IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize);
NTKERNELAPI void IoReuseIrp(PIRP Irp, NTSTATUS Iostatus);
NTKERNELAPI void IoFreeIrp(PIRP Irp);
NTKERNELAPI PIRP IoBuildDeviceIoControlRequest(
    ULONG IoControlCode, PDEVICE_OBJECT DeviceObject, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
    ULONG OutputBufferLength, BOOLEAN InternalDeviceIoControl, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock);
NTKERNELAPI PIRP IoBuildSynchronousFsdRequest(
    ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
    PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock);
NTKERNELAPI PIRP IoBuildAsynchronousFsdRequest(
    ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
    PIO_STATUS_BLOCK IoStatusBlock);
#define IoCallDriver(device, irp) IofCallDriver(device, irp)
#define IoCompleteRequest(irp, boost) IofCompleteRequest(irp, boost)

FORCEINLINE PIO_STACK_LOCATION IoGetCurrentIrpStackLocation(PIRP Irp)
{
    return Irp->Tail.Overlay.CurrentStackLocation;
}

FORCEINLINE PIO_STACK_LOCATION IoGetNextIrpStackLocation(PIRP Irp)
{
    return Irp->Tail.Overlay.CurrentStackLocation - 1;
}

FORCEINLINE VOID IoSetNextIrpStackLocation(PIRP Irp)
{
    Irp->CurrentLocation--;
    Irp->Tail.Overlay.CurrentStackLocation--;
}

FORCEINLINE VOID IoSkipCurrentIrpStackLocation(PIRP Irp)
{
    Irp->CurrentLocation++;
    Irp->Tail.Overlay.CurrentStackLocation++;
}

FORCEINLINE VOID IoCopyCurrentIrpStackLocationToNext(PIRP Irp)
{
    PIO_STACK_LOCATION from = IoGetCurrentIrpStackLocation(Irp);
    PIO_STACK_LOCATION to = IoGetNextIrpStackLocation(Irp);
    memcpy(to, from, FIELD_OFFSET(IO_STACK_LOCATION, CompletionRoutine));
    to->Control = 0;
}

FORCEINLINE VOID IoSetCompletionRoutine(PIRP Irp, PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
    BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError, BOOLEAN InvokeOnCancel)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);
    next->CompletionRoutine = CompletionRoutine;
    next->Context = Context;
    next->Control = (UCHAR)((InvokeOnSuccess ? SL_INVOKE_ON_SUCCESS : 0) | (InvokeOnError ? SL_INVOKE_ON_ERROR : 0) |
        (InvokeOnCancel ? SL_INVOKE_ON_CANCEL : 0));
}

FORCEINLINE VOID IoMarkIrpPending(PIRP Irp)
{
    IoGetCurrentIrpStackLocation(Irp)->Control |= SL_PENDING_RETURNED;
}

/* learn.microsoft.com/windows-hardware/drivers/kernel/canceling-irps */
NTKERNELAPI BOOLEAN IoCancelIrp(PIRP Irp);
NTKERNELAPI void IoAcquireCancelSpinLock(PKIRQL Irql);
NTKERNELAPI void IoReleaseCancelSpinLock(KIRQL Irql);

FORCEINLINE PDRIVER_CANCEL IoSetCancelRoutine(PIRP Irp, PDRIVER_CANCEL CancelRoutine)
{
    return __atomic_exchange_n(&Irp->CancelRoutine, CancelRoutine, __ATOMIC_SEQ_CST);
}

/* learn.microsoft.com/windows-hardware/drivers/kernel/system-worker-threads */
typedef enum _WORK_QUEUE_TYPE {
    CriticalWorkQueue = 0,
    DelayedWorkQueue = 1,
    HyperCriticalWorkQueue = 2,
    NormalWorkQueue = 3,
    BackgroundWorkQueue = 4,
    RealTimeWorkQueue = 5,
    SuperCriticalWorkQueue = 6,
    MaximumWorkQueue = 7,
    CustomPriorityWorkQueue = 32
} WORK_QUEUE_TYPE, *PWORK_QUEUE_TYPE;

struct _IO_WORKITEM;
typedef struct _IO_WORKITEM *PIO_WORKITEM;
typedef VOID IO_WORKITEM_ROUTINE(PDEVICE_OBJECT DeviceObject, PVOID Context);
typedef IO_WORKITEM_ROUTINE *PIO_WORKITEM_ROUTINE;

NTKERNELAPI PIO_WORKITEM IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject);
NTKERNELAPI void IoQueueWorkItem(
    PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine, WORK_QUEUE_TYPE QueueType, PVOID Context);
NTKERNELAPI void IoFreeWorkItem(PIO_WORKITEM IoWorkItem);
NTKERNELAPI ULONG IoGetRequestorProcessId(PIRP Irp);
NTKERNELAPI PEPROCESS IoGetRequestorProcess(PIRP Irp);
NTKERNELAPI NTSTATUS IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject);
NTKERNELAPI void IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject);

#ifdef __cplusplus
}
#endif

#endif
