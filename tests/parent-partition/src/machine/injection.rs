//! Calls of the image that fail because they are told to.
//!
//! A routine whose signature can report failure and that is listed in [`FAILABLE`] gets a wrapper between its thunk and
//! itself, which counts and, once, answers in its place. Nothing is wrapped unless [`arm`] was called before the image was
//! loaded.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Wraps the failable routines from now on, and has the `nth` call of them fail; 0 lets none fail.
pub fn arm(nth: u32) {
    NTH.store(nth, Ordering::Relaxed);
    ARMED.store(true, Ordering::Release);
}

/// Lets no further call fail.
pub fn disarm() {
    NTH.store(0, Ordering::Relaxed);
}

/// How many calls could have failed so far.
pub fn calls() -> u32 {
    CALLS.load(Ordering::Relaxed)
}

/// The routine that was failed.
pub fn failed() -> Option<&'static str> {
    FAILABLE.get(FAILED.load(Ordering::Relaxed)).map(|failable| failable.0)
}

/// What a routine's thunk leads to: the routine, or the wrapper around it.
pub(super) fn target_of(name: &str, routine: usize) -> usize {
    let armed = ARMED.load(Ordering::Acquire);
    match FAILABLE.iter().position(|failable| failable.0 == name) {
        Some(index) if armed => {
            TARGETS[index].store(routine, Ordering::Release);
            WRAPPERS[index] as usize
        }
        _ => routine,
    }
}

/// The routines that can fail, and what each answers when it does; those without a way to say so are not here, nor are
/// waits, which in kernel mode end as they are asked to.
pub const FAILABLE: [(&str, u64); COUNT] = [
    ("ExAllocatePool2", NULL),
    ("ExAllocatePoolWithTag", NULL),
    ("IoAllocateWorkItem", NULL),
    ("IoAllocateMdl", NULL),
    ("IoAllocateIrp", NULL),
    ("IoRegisterDeviceInterface", INSUFFICIENT_RESOURCES),
    ("IoCreateDevice", INSUFFICIENT_RESOURCES),
    ("PsCreateSystemThread", INSUFFICIENT_RESOURCES),
    ("ZwOpenKey", INSUFFICIENT_RESOURCES),
    ("ZwQueryValueKey", INSUFFICIENT_RESOURCES),
    ("ZwAllocateLocallyUniqueId", UNSUCCESSFUL),
    ("EtwRegister", INSUFFICIENT_RESOURCES),
    ("WdfVersionBind", INSUFFICIENT_RESOURCES),
    ("WdfDriverCreate", INSUFFICIENT_RESOURCES),
    ("WdfDriverOpenParametersRegistryKey", INSUFFICIENT_RESOURCES),
    ("WdfDeviceCreate", INSUFFICIENT_RESOURCES),
    ("WdfDeviceCreateDeviceInterface", INSUFFICIENT_RESOURCES),
    ("WdfDeviceInitAssignWdmIrpPreprocessCallback", INSUFFICIENT_RESOURCES),
    ("WdfDeviceOpenRegistryKey", INSUFFICIENT_RESOURCES),
    ("WdfFdoInitOpenRegistryKey", INSUFFICIENT_RESOURCES),
    ("WdfDeviceAddQueryInterface", INSUFFICIENT_RESOURCES),
    ("WdfRegistryQueryULong", UNSUCCESSFUL),
    ("WdfRegistryQueryValue", UNSUCCESSFUL),
    ("WdfFdoQueryForInterface", NOT_SUPPORTED),
    ("WdfIoQueueCreate", INSUFFICIENT_RESOURCES),
    ("WdfObjectCreate", INSUFFICIENT_RESOURCES),
    ("WdfObjectAllocateContext", INSUFFICIENT_RESOURCES),
    ("WdfMemoryCreate", INSUFFICIENT_RESOURCES),
    ("WdfSpinLockCreate", INSUFFICIENT_RESOURCES),
    ("WdfWaitLockCreate", INSUFFICIENT_RESOURCES),
    ("WdfTimerCreate", INSUFFICIENT_RESOURCES),
    ("WdfWorkItemCreate", INSUFFICIENT_RESOURCES),
    ("WdfRequestRetrieveInputBuffer", INSUFFICIENT_RESOURCES),
    ("WdfRequestRetrieveOutputBuffer", INSUFFICIENT_RESOURCES),
    ("WdfRequestForwardToIoQueue", INVALID_DEVICE_STATE),
    ("WdfRequestMarkCancelableEx", CANCELLED),
    ("EnableVirtualization", UNSUCCESSFUL),
    ("GetLocation", UNSUCCESSFUL),
    ("GetVirtualFunctionProbedBars", UNSUCCESSFUL),
    ("GetVirtualFunctionData", NULL),
    ("SetVirtualFunctionData", NULL),
    ("GetBusData", NULL),
    ("SetBusData", NULL),
];

type Routine = extern "win64" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> u64;

/// Stands in for a routine of at most twelve arguments; words beyond its own are whatever the caller's stack holds there.
#[expect(clippy::too_many_arguments, reason = "as many as any routine has")]
extern "win64" fn wrapper<const INDEX: usize>(
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
    i: u64,
    j: u64,
    k: u64,
    l: u64,
) -> u64 {
    let call = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    if call == NTH.load(Ordering::Relaxed) {
        FAILED.store(INDEX, Ordering::Relaxed);
        return FAILABLE[INDEX].1;
    }
    // SAFETY: the address is that of a win64 routine, which takes its own arguments and leaves the others alone.
    let routine = unsafe { std::mem::transmute::<usize, Routine>(TARGETS[INDEX].load(Ordering::Acquire)) };
    routine(a, b, c, d, e, f, g, h, i, j, k, l)
}

macro_rules! wrappers {
    ($($index:literal)*) => {
        const COUNT: usize = [$($index),*].len();
        static WRAPPERS: [Routine; COUNT] = [$(wrapper::<$index>),*];
    };
}
wrappers! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42
}

static TARGETS: [AtomicUsize; COUNT] = [const { AtomicUsize::new(0) }; COUNT];
static ARMED: AtomicBool = AtomicBool::new(false);
static NTH: AtomicU32 = AtomicU32::new(0);
static CALLS: AtomicU32 = AtomicU32::new(0);
static FAILED: AtomicUsize = AtomicUsize::new(usize::MAX);
const NULL: u64 = 0;
const UNSUCCESSFUL: u64 = 0xC000_0001;
const INSUFFICIENT_RESOURCES: u64 = 0xC000_009A;
const NOT_SUPPORTED: u64 = 0xC000_00BB;
const CANCELLED: u64 = 0xC000_0120;
const INVALID_DEVICE_STATE: u64 = 0xC000_0184;
