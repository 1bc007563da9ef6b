//! The routines that a framework image imports: each there by its name, served or refused by it.

use std::fs;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

use parent_partition::image::Exports;
use parent_partition::judge::Rule;
use parent_partition::{invoke, nt, pnp, scenario, wdfldr};

use crate::driver;

/// A row of the list.
struct Import {
    routine: &'static str,
    module: &'static str,
    /// Whether the framework that was recorded called it.
    is_called: bool,
}

fn imports() -> Vec<Import> {
    let row = |line: &'static str| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().expect("three columns");
        Import { routine: next(), module: next(), is_called: next() != "not reached" }
    };
    let rows: Vec<_> = IMPORTS.lines().skip(1).map(row).collect();
    assert_eq!(rows.len(), 192, "the list is as long as it was");
    rows
}

#[test]
fn every_routine_that_a_framework_imports_is_there() {
    let exports = Exports::new(nt::exports().into_iter().chain(wdfldr::exports()));
    let missing: Vec<_> = imports()
        .iter()
        .filter(|import| exports.find(import.module, import.routine).is_none())
        .map(|import| import.routine)
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_routine_that_a_framework_calls_is_served() {
    let refused = nt::not_served();
    let called: Vec<_> = imports()
        .into_iter()
        .filter(|import| import.is_called && refused.contains(&import.routine))
        .map(|import| import.routine)
        .collect();
    assert_eq!(called, Vec::<&str>::new());
}

macro_rules! refused_by_name {
    ($($routine:ident)+) => {
        /// The routines of the list that are not served, each with a test of its own below.
        const REFUSED: &[&str] = &[$(stringify!($routine)),+];

        #[expect(non_snake_case, reason = "each test has the name of its routine")]
        mod a_call_ends_the_run_naming {
            use super::*;

            $(
                #[test]
                fn $routine() {
                    let verdict = scenario!(|| call(stringify!($routine)));
                    let report = verdict.expect_broken(Rule::NotServed);
                    let blamed = (report.call(), report.at());
                    assert_eq!(blamed, (stringify!($routine), Some("CallsARoutine")), "{}", report.to_json());
                }
            )+
        }
    };
}

refused_by_name! {
    EtwActivityIdControl
    ExUuidCreate
    IoAllocateErrorLogEntry
    IoGetActivityIdIrp
    IoGetDeviceProperty
    IoGetDevicePropertyData
    IoGetDmaAdapter
    IoGetInitiatorProcess
    IoInvalidateDeviceRelations
    IoQueryFullDriverPath
    IoRegisterLastChanceShutdownNotification
    IoRegisterShutdownNotification
    IoRequestDeviceEject
    IoSetActivityIdIrp
    IoSetDevicePropertyData
    IoUnregisterShutdownNotification
    IoWMIDeviceObjectToProviderId
    IoWMIWriteEvent
    IoWriteErrorLogEntry
    PoFxActivateComponent
    PoFxCompleteDevicePowerNotRequired
    PoFxCompleteDirectedPowerDown
    PoFxCompleteIdleCondition
    PoFxCompleteIdleState
    PoFxIdleComponent
    PoFxRegisterDevice
    PoFxReportDevicePoweredOn
    PoFxSetDeviceIdleTimeout
    PoFxStartDevicePowerManagement
    PoFxUnregisterDevice
    PoGetSystemWake
    PoSetSystemWake
    RtlCaptureStackBackTrace
    WmiTraceMessageVa
    _purecall
}

#[test]
fn every_routine_of_the_list_that_is_not_served_has_its_test() {
    let refused = nt::not_served();
    let named: Vec<_> =
        imports().iter().map(|import| import.routine).filter(|name| refused.contains(name)).collect();
    assert_eq!(named, REFUSED);
}

/// Has an image call a routine of the kernel, without arguments.
fn call(routine: &str) {
    pnp::boot();
    let driver = pnp::load_driver("caller", &caller()).expect("a loadable image");
    let exports = Exports::new(nt::exports());
    let address = exports.find("ntoskrnl.exe", routine).expect("it is there").bound();
    invoke!(driver.image().exported("CallsARoutine").expect("an export"); address);
}

/// The image, built once for all tests that one process has started.
fn caller() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("caller-{}", parent_id()));
    let image = folder.join("caller.sys");
    if !image.is_file() {
        let built = driver::build("caller.c");
        // Another test may have been faster: its folder stays.
        let _ = fs::rename(built.parent().expect("a folder"), &folder);
    }
    image
}

const IMPORTS: &str = include_str!("../../../facts/kmdf-1.33-imports.tsv");
