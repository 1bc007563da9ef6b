//! The list of what ntoskrnl.exe exports here: name, routine, number of arguments on the stack.

use super::{
    bugcheck, build_request, call, callback_object, cancel, complete, converted_string, create_file,
    critical_region, debug, device, device_interface, dpc, driver, etw, event, ex_timer, exception,
    fast_mutex, file, handle, interrupt, irp, irql, lookaside, memory_list, mutex, namespace, not_served,
    object, pageable, pnp_notification, pool, power, probe, registry, registry_query, remove_lock, rundown,
    runtime, singly_linked_list, spin_lock, string, system, thread, time, timer, wait, wmi, work_item,
};
use crate::image::Export;

/// The exports of ntoskrnl.exe, and what hal.dll exported before its routines moved there.
pub fn exports() -> Vec<Export> {
    let mut all = ntoskrnl();
    all.extend(system::variables());
    all.extend(not_served::exports());
    all.extend(hal());
    all
}

macro_rules! routines {
    ($exporter:literal; $($module:ident { $($name:ident $stack_arguments:literal,)+ })+) => {
        vec![$($(
            Export::routine($exporter, stringify!($name), $module::$name as *const (), $stack_arguments),
        )+)+]
    };
}

fn hal() -> Vec<Export> {
    routines! { "hal.dll";
        irql {
            KeGetCurrentIrql 0,
            KfRaiseIrql 0,
            KeLowerIrql 0,
        }
        time {
            KeQueryPerformanceCounter 0,
            KeStallExecutionProcessor 0,
        }
    }
}

fn ntoskrnl() -> Vec<Export> {
    routines! { "ntoskrnl.exe";
        irql {
            KeGetCurrentIrql 0,
            KfRaiseIrql 0,
            KeRaiseIrqlToDpcLevel 0,
            KeLowerIrql 0,
        }
        critical_region {
            KeEnterCriticalRegion 0,
            KeLeaveCriticalRegion 0,
            KeEnterGuardedRegion 0,
            KeLeaveGuardedRegion 0,
            KeAreApcsDisabled 0,
            KeAreAllApcsDisabled 0,
        }
        spin_lock {
            KeInitializeSpinLock 0,
            KeAcquireSpinLockRaiseToDpc 0,
            KeAcquireSpinLockAtDpcLevel 0,
            KeTryToAcquireSpinLockAtDpcLevel 0,
            KeReleaseSpinLock 0,
            KeReleaseSpinLockFromDpcLevel 0,
            KeAcquireInStackQueuedSpinLock 0,
            KeReleaseInStackQueuedSpinLock 0,
            KeAcquireInStackQueuedSpinLockAtDpcLevel 0,
            KeReleaseInStackQueuedSpinLockFromDpcLevel 0,
            IoAcquireCancelSpinLock 0,
            IoReleaseCancelSpinLock 0,
        }
        fast_mutex {
            ExAcquireFastMutex 0,
            ExTryToAcquireFastMutex 0,
            ExReleaseFastMutex 0,
            ExAcquireFastMutexUnsafe 0,
            ExReleaseFastMutexUnsafe 0,
        }
        mutex {
            KeInitializeMutex 0,
            KeReleaseMutex 0,
            KeInitializeSemaphore 0,
            KeReleaseSemaphore 0,
            KeReadStateSemaphore 0,
        }
        event {
            KeInitializeEvent 0,
            KeSetEvent 0,
            KeResetEvent 0,
            KeClearEvent 0,
            KeReadStateEvent 0,
        }
        wait {
            KeWaitForSingleObject 1,
            ZwWaitForSingleObject 0,
            KeWaitForMultipleObjects 4,
            KeDelayExecutionThread 0,
        }
        timer {
            KeInitializeTimer 0,
            KeInitializeTimerEx 0,
            KeSetTimer 0,
            KeSetTimerEx 0,
            KeSetCoalescableTimer 1,
            KeCancelTimer 0,
            KeReadStateTimer 0,
        }
        ex_timer {
            ExAllocateTimer 0,
            ExSetTimer 0,
            ExCancelTimer 0,
            ExDeleteTimer 0,
        }
        interrupt {
            IoConnectInterruptEx 0,
            IoDisconnectInterruptEx 0,
            KeSynchronizeExecution 0,
            KeAcquireInterruptSpinLock 0,
            KeReleaseInterruptSpinLock 0,
        }
        dpc {
            KeInitializeDpc 0,
            KeInsertQueueDpc 0,
            KeRemoveQueueDpc 0,
            KeFlushQueuedDpcs 0,
        }
        time {
            KeQueryPerformanceCounter 0,
            KeQueryInterruptTimePrecise 0,
            KeQueryUnbiasedInterruptTime 0,
            KeQuerySystemTimePrecise 0,
            KeQueryTimeIncrement 0,
            KeStallExecutionProcessor 0,
        }
        pageable {
            MmLockPagableDataSection 0,
            MmLockPagableSectionByHandle 0,
            MmUnlockPagableImageSection 0,
        }
        wmi {
            IoWMIRegistrationControl 0,
            WmiQueryTraceInformation 1,
        }
        pool {
            ExAllocatePool2 0,
            ExAllocatePoolWithTag 0,
            ExFreePool 0,
            ExFreePoolWithTag 0,
        }
        lookaside {
            ExInitializeNPagedLookasideList 3,
            ExInitializePagedLookasideList 3,
            ExDeleteNPagedLookasideList 0,
            ExDeletePagedLookasideList 0,
        }
        singly_linked_list {
            ExpInterlockedPushEntrySList 0,
            ExpInterlockedPopEntrySList 0,
            ExpInterlockedFlushSList 0,
            ExQueryDepthSList 0,
        }
        memory_list {
            IoAllocateMdl 1,
            IoFreeMdl 0,
            IoBuildPartialMdl 0,
            MmBuildMdlForNonPagedPool 0,
            MmProbeAndLockPages 0,
            MmUnlockPages 0,
            MmMapLockedPagesSpecifyCache 2,
            MmUnmapLockedPages 0,
            MmSizeOfMdl 0,
        }
        runtime {
            memcpy 0,
            memmove 0,
            memset 0,
            memcmp 0,
            RtlCompareMemory 0,
            strlen 0,
            strncmp 0,
            _stricmp 0,
            wcslen 0,
            wcsrchr 0,
            _vsnwprintf 0,
        }
        string {
            RtlInitUnicodeString 0,
            RtlInitAnsiString 0,
            RtlCopyUnicodeString 0,
            RtlAppendUnicodeStringToString 0,
            RtlAppendUnicodeToString 0,
            RtlCompareUnicodeString 0,
            RtlEqualUnicodeString 0,
            RtlAnsiStringToUnicodeString 0,
            RtlFreeUnicodeString 0,
            RtlUnicodeStringToInteger 0,
        }
        object {
            ObfReferenceObject 0,
            ObfDereferenceObject 0,
            ObReferenceObjectByPointer 0,
            ObReferenceObjectByHandle 2,
        }
        handle {
            ZwClose 0,
        }
        thread {
            PsCreateSystemThread 3,
            PsTerminateSystemThread 0,
            PsGetCurrentThreadId 0,
            PsGetThreadId 0,
            PsGetCurrentProcessId 0,
            PsGetProcessId 0,
            IoGetRequestorProcessId 0,
        }
        callback_object {
            ExCreateCallback 0,
            ExRegisterCallback 0,
            ExUnregisterCallback 0,
            ExNotifyCallback 0,
        }
        work_item {
            IoAllocateWorkItem 0,
            IoQueueWorkItem 0,
            IoFreeWorkItem 0,
        }
        namespace {
            IoCreateSymbolicLink 0,
            IoDeleteSymbolicLink 0,
        }
        driver {
            IoAllocateDriverObjectExtension 0,
            IoGetDriverObjectExtension 0,
        }
        device {
            IoCreateDevice 3,
            IoDeleteDevice 0,
            IoAttachDeviceToDeviceStack 0,
            IoAttachDeviceToDeviceStackSafe 0,
            IoDetachDevice 0,
            IoInvalidateDeviceState 0,
            IoGetAttachedDeviceReference 0,
            IoGetAttachedDevice 0,
            IoGetLowerDeviceObject 0,
        }
        file {
            IoGetRelatedDeviceObject 0,
            IoGetDeviceObjectPointer 0,
        }
        create_file {
            ZwCreateFile 7,
        }
        pnp_notification {
            IoRegisterPlugPlayNotification 3,
            IoUnregisterPlugPlayNotificationEx 0,
        }
        device_interface {
            IoRegisterDeviceInterface 0,
            IoSetDeviceInterfaceState 0,
            IoGetDeviceInterfaces 0,
        }
        irp {
            IoAllocateIrp 0,
            IoInitializeIrp 0,
            IoReuseIrp 0,
            IoFreeIrp 0,
        }
        call {
            IofCallDriver 0,
            IoForwardIrpSynchronously 0,
            PoCallDriver 0,
            PoStartNextPowerIrp 0,
            IoSetCompletionRoutineEx 3,
        }
        complete {
            IofCompleteRequest 0,
        }
        cancel {
            IoCancelIrp 0,
        }
        build_request {
            IoBuildDeviceIoControlRequest 5,
            IoBuildSynchronousFsdRequest 3,
        }
        rundown {
            ExInitializeRundownProtection 0,
            ExReInitializeRundownProtection 0,
            ExAcquireRundownProtection 0,
            ExReleaseRundownProtection 0,
            ExWaitForRundownProtectionRelease 0,
            ExRundownCompleted 0,
        }
        power {
            PoRequestPowerIrp 2,
            PoSetPowerState 0,
        }
        probe {
            ProbeForRead 0,
            ProbeForWrite 0,
            MmIsAddressValid 0,
        }
        converted_string {
            RtlIntegerToUnicodeString 0,
            RtlStringFromGUID 0,
            RtlGUIDFromString 0,
            RtlUnicodeStringToAnsiString 0,
            RtlFreeAnsiString 0,
        }
        remove_lock {
            IoInitializeRemoveLockEx 1,
            IoAcquireRemoveLockEx 1,
            IoReleaseRemoveLockEx 0,
            IoReleaseRemoveLockAndWaitEx 0,
        }
        registry {
            ZwOpenKey 0,
            ZwCreateKey 3,
            ZwQueryValueKey 2,
            ZwSetValueKey 2,
            ZwDeleteKey 0,
            ZwDeleteValueKey 0,
            IoOpenDeviceRegistryKey 0,
            IoOpenDriverRegistryKey 1,
        }
        registry_query {
            RtlQueryRegistryValuesEx 1,
        }
        etw {
            EtwRegister 0,
            EtwUnregister 0,
            EtwSetInformation 0,
            EtwWriteTransfer 2,
            EtwWrite 1,
            EtwEventEnabled 0,
            EtwProviderEnabled 0,
        }
        debug {
            DbgPrint 5,
            DbgPrintEx 7,
            DbgBreakPointWithStatus 0,
            KeBugCheckEx 1,
            KeBugCheck 0,
        }
        exception {
            ExRaiseStatus 0,
            ExRaiseAccessViolation 0,
            ExRaiseDatatypeMisalignment 0,
            RtlRaiseException 0,
            __C_specific_handler 0,
        }
        bugcheck {
            KeRegisterBugCheckReasonCallback 0,
            KeDeregisterBugCheckReasonCallback 0,
        }
        system {
            MmGetSystemRoutineAddress 0,
            MmIsDriverVerifying 0,
            RtlGetVersion 0,
            KeGetCurrentProcessorNumberEx 0,
            KeQueryActiveProcessorCount 0,
            KeQueryActiveProcessorCountEx 0,
            KeQueryMaximumProcessorCountEx 0,
            IoGetStackLimits 0,
            ZwAllocateLocallyUniqueId 0,
            VfIsRuleClassEnabled 0,
            VfCheckNxPoolType 0,
            KdRefreshDebuggerNotPresent 0,
            KeGetRecommendedSharedDataAlignment 0,
            IoWithinStackLimits 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::path::Path;

    use super::{exports, not_served};

    fn lines(file: &str) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_routine_takes_the_arguments_that_the_table_of_facts_has() {
        let table: HashMap<String, usize> = lines("facts/nt-10.0.22621-functions.tsv")
            .iter()
            .filter(|line| !line.contains("..."))
            .filter_map(|line| {
                let mut cells = line.split('\t');
                let (name, _returns, parameters) = (cells.next()?, cells.next()?, cells.next()?);
                Some((name.to_owned(), parameters.split(';').filter(|each| !each.trim().is_empty()).count()))
            })
            .collect();
        let not_served: HashSet<_> = not_served::exports().iter().map(|export| export.name()).collect();
        let mut compared = 0;
        for export in exports().iter().filter(|export| !not_served.contains(export.name())) {
            if let Some(parameters) = table.get(export.name()) {
                let expected = u8::try_from(parameters.saturating_sub(4)).expect("few parameters");
                assert_eq!(export.stack_arguments(), Some(expected), "{}", export.name());
                compared += 1;
            }
        }
        assert!(compared > 150, "only {compared} routines are in the table");
    }

    #[test]
    fn everything_the_mini_wdk_lets_a_driver_import_is_there() {
        let names: HashSet<_> = exports().iter().map(|export| export.name()).collect();
        let importable = lines("wdk/lib/ntoskrnl.def");
        let missing: Vec<_> = importable
            .iter()
            .skip_while(|line| !line.starts_with("EXPORTS"))
            .skip(1)
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| !names.contains(name))
            .collect();
        assert!(missing.is_empty(), "not exported: {missing:?}");
    }
}
