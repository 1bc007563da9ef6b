//! Routines that ntoskrnl.exe has and the simulated kernel does not serve: an image may import them, not call them.

use crate::image::Export;
use crate::judge::{Rule, violation};

/// The exports of ntoskrnl.exe that end the run, by their name, when they are called.
pub(super) fn exports() -> Vec<Export> {
    NAMES.iter().map(|name| Export::routine("ntoskrnl.exe", name, refuse as *const (), 0)).collect()
}

/// The routines that end the run, by their name, when an image calls them.
#[must_use]
pub fn not_served() -> &'static [&'static str] {
    NAMES
}

extern "win64" fn refuse() -> u64 {
    violation(Rule::NotServed, "the simulated kernel does not serve this routine")
}

const NAMES: &[&str] = &[
    "EtwActivityIdControl",
    "ExUuidCreate",
    "IoAllocateErrorLogEntry",
    "IoBuildAsynchronousFsdRequest",
    "IoGetActivityIdIrp",
    "IoGetDeviceProperty",
    "IoGetDevicePropertyData",
    "IoGetDmaAdapter",
    "IoGetInitiatorProcess",
    "IoGetRequestorProcess",
    "IoInvalidateDeviceRelations",
    "IoOpenDeviceInterfaceRegistryKey",
    "IoQueryFullDriverPath",
    "IoRegisterLastChanceShutdownNotification",
    "IoRegisterShutdownNotification",
    "IoRequestDeviceEject",
    "IoSetActivityIdIrp",
    "IoSetDevicePropertyData",
    "IoUnregisterShutdownNotification",
    "IoWMIDeviceObjectToProviderId",
    "IoWMIWriteEvent",
    "IoWriteErrorLogEntry",
    "KeAddTriageDumpDataBlock",
    "KeInitializeTriageDumpDataArray",
    "MmMapIoSpaceEx",
    "MmUnmapIoSpace",
    "ObOpenObjectByPointer",
    "PoFxActivateComponent",
    "PoFxCompleteDevicePowerNotRequired",
    "PoFxCompleteDirectedPowerDown",
    "PoFxCompleteIdleCondition",
    "PoFxCompleteIdleState",
    "PoFxIdleComponent",
    "PoFxRegisterDevice",
    "PoFxReportDevicePoweredOn",
    "PoFxSetDeviceIdleTimeout",
    "PoFxStartDevicePowerManagement",
    "PoFxUnregisterDevice",
    "PoGetSystemWake",
    "PoSetSystemWake",
    "RtlCaptureStackBackTrace",
    "WmiTraceMessageVa",
    "ZwDeviceIoControlFile",
    "_purecall",
];
