//! What a driver can ask about the system: routines by name, version, processors, identifiers.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};

use super::debug;
use super::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL};
use super::object::{self, Kind};
use super::pool;
use super::status::{self, Status};
use super::string;
use crate::image::{Export, Exports};
use crate::judge::{self, Rule, for_caller, violation};
use crate::machine::{processor, thread_block};
use crate::sys::{LUID, OSVERSIONINFOW, PROCESSOR_NUMBER, UNICODE_STRING};

/// Returns the address of a routine of ntoskrnl or hal, NULL where there is none of that name.
///
/// Follows the MmGetSystemRoutineAddress page (PASSIVE_LEVEL). Judged: IRQL.
///
/// # Safety
/// `name` is valid.
pub unsafe extern "win64" fn MmGetSystemRoutineAddress(name: *const UNICODE_STRING) -> *mut c_void {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    let name = unsafe { string::text(name) };
    let exports = EXPORTS.get_or_init(|| Exports::new(super::exports()));
    let address = exports.find_anywhere(&name).map_or(0, |export| export.bound());
    std::ptr::with_exposed_provenance_mut(address)
}

/// Says whether Driver Verifier watches a driver: it does, unless the run turned it off.
///
/// Follows the MmIsDriverVerifying page (IRQL <= DISPATCH_LEVEL). A framework image turns its own verifier on when it
/// does. Judged: IRQL.
pub extern "win64" fn MmIsDriverVerifying(_driver: *mut c_void) -> u32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    u32::from(VERIFYING.load(Ordering::Relaxed))
}

/// Says whether Driver Verifier checks a class of rules: all, when it watches drivers.
///
/// Asked by a framework for its own verifier; there is no page.
pub extern "win64" fn VfIsRuleClassEnabled(_class: u32) -> u8 {
    u8::from(VERIFYING.load(Ordering::Relaxed))
}

/// Checks that memory which a framework allocates for its driver is of a pool that cannot be executed.
///
/// Asked by a framework for its own verifier; there is no page. Judged: a type that [`pool`] does not allow.
pub extern "win64" fn VfCheckNxPoolType(kind: u32, _caller: *const c_void, _tag: u32) {
    if VERIFYING.load(Ordering::Relaxed) {
        pool::of_type(kind);
    }
}

/// Has Driver Verifier watch every driver (it does) or none.
pub fn verify_drivers(on: bool) {
    VERIFYING.store(on, Ordering::Relaxed);
}

/// Says whether no kernel debugger is there: there is none, unless the run plays one.
///
/// Follows the KdRefreshDebuggerNotPresent page (any IRQL).
pub extern "win64" fn KdRefreshDebuggerNotPresent() -> u8 {
    debug::NOT_PRESENT.load(Ordering::Relaxed)
}

/// Returns how far apart data of different processors should lie: a cache line.
///
/// Follows the KeGetRecommendedSharedDataAlignment page (any IRQL).
pub extern "win64" fn KeGetRecommendedSharedDataAlignment() -> u32 {
    CACHE_LINE
}

/// The type objects and debugger flags that drivers import as variables.
pub(super) fn variables() -> Vec<Export> {
    static FILE_TYPE: LazyLock<usize> = LazyLock::new(|| object::type_object(Kind::File).expose_provenance());
    let variable = |name, address| Export::data("ntoskrnl.exe", name, address);
    vec![
        variable("IoFileObjectType", (&raw const *FILE_TYPE).cast()),
        variable("KdDebuggerEnabled", (&raw const debug::ENABLED).cast()),
        variable("KdDebuggerNotPresent", (&raw const debug::NOT_PRESENT).cast()),
    ]
}

/// Fills in the version: Windows 10.0, build 22621.
///
/// Follows the RtlGetVersion page (PASSIVE_LEVEL). Judged: IRQL; a structure of another size.
///
/// # Safety
/// `version` is writable.
pub unsafe extern "win64" fn RtlGetVersion(version: *mut OSVERSIONINFOW) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a writable structure.
    for_caller(|| unsafe {
        let size = (*version).dwOSVersionInfoSize as usize;
        if size < size_of::<OSVERSIONINFOW>() {
            violation(Rule::BadParameter, format_args!("a version structure of {size} bytes"));
        }
        (*version).dwMajorVersion = 10;
        (*version).dwMinorVersion = 0;
        (*version).dwBuildNumber = 22621;
        (*version).dwPlatformId = 2;
        (*version).szCSDVersion[0] = 0;
    });
    status::SUCCESS
}

/// Returns the number of the current processor.
///
/// Follows the KeGetCurrentProcessorNumberEx page (any IRQL).
///
/// # Safety
/// `number` is NULL or writable.
pub unsafe extern "win64" fn KeGetCurrentProcessorNumberEx(number: *mut PROCESSOR_NUMBER) -> u32 {
    let current = thread_block::expect_current().processor_number();
    if !number.is_null() {
        // SAFETY: the caller promises a writable structure.
        for_caller(|| unsafe {
            *number = PROCESSOR_NUMBER { Number: current as u8, ..PROCESSOR_NUMBER::default() }
        });
    }
    current
}

/// Returns how many processors are active.
///
/// Follows the KeQueryActiveProcessorCount page (any IRQL).
///
/// # Safety
/// `affinity` is NULL or writable.
pub unsafe extern "win64" fn KeQueryActiveProcessorCount(affinity: *mut u64) -> u32 {
    if !affinity.is_null() {
        // SAFETY: the caller promises a writable mask.
        for_caller(|| unsafe { *affinity = (1 << processor::count()) - 1 });
    }
    processor::count()
}

/// Returns how many processors of a group are active.
///
/// Follows the KeQueryActiveProcessorCountEx page (any IRQL).
pub extern "win64" fn KeQueryActiveProcessorCountEx(_group: u16) -> u32 {
    processor::count()
}

/// Returns how many processors a group can have: those that are active.
///
/// Follows the KeQueryMaximumProcessorCountEx page (any IRQL).
pub extern "win64" fn KeQueryMaximumProcessorCountEx(_group: u16) -> u32 {
    processor::count()
}

/// Returns the bounds of the current kernel stack.
///
/// Follows the IoGetStackLimits page (any IRQL).
///
/// # Safety
/// Both are writable.
pub unsafe extern "win64" fn IoGetStackLimits(low: *mut usize, high: *mut usize) {
    let stack = thread_block::expect_current().stack();
    let (bottom, top) = (stack.low(), stack.high());
    // SAFETY: the caller promises writable bounds.
    for_caller(|| unsafe {
        *low = bottom;
        *high = top;
    });
}

/// Says whether a range lies on the current kernel stack.
///
/// Follows the IoWithinStackLimits page (IRQL <= DISPATCH_LEVEL). Judged: IRQL.
pub extern "win64" fn IoWithinStackLimits(start: usize, size: usize) -> u32 {
    judge::irql_at_most(DISPATCH_LEVEL);
    let stack = thread_block::expect_current().stack();
    u32::from(start >= stack.low() && start.saturating_add(size) <= stack.high())
}

/// Makes an identifier that is unique until the machine restarts.
///
/// Follows the ZwAllocateLocallyUniqueId page (PASSIVE_LEVEL). Judged: IRQL.
///
/// # Safety
/// `luid` is writable.
pub unsafe extern "win64" fn ZwAllocateLocallyUniqueId(luid: *mut LUID) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    let number = NEXT_LUID.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the caller promises a writable identifier.
    for_caller(|| unsafe { *luid = LUID { LowPart: number, HighPart: 0 } });
    status::SUCCESS
}

/// The first thousand belong to the system, as on Windows.
static NEXT_LUID: AtomicU32 = AtomicU32::new(1001);
static VERIFYING: AtomicBool = AtomicBool::new(true);
const CACHE_LINE: u32 = 64;
static EXPORTS: OnceLock<Exports> = OnceLock::new();
