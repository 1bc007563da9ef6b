//! Mistakes that a driver is made to make: its calls are changed on their way to whatever framework it is bound to.
//!
//! The driver gets a table of functions of its own, in which one leads to a few instructions that change the call and go on
//! to the framework's function. That sees the driver's own call, and returns to the driver.

use std::arch::naked_asm;
use std::mem::offset_of;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::layout::{BindInfo, read, write};
use crate::image::Exports;
use crate::kmdf;
use crate::nt;
use crate::sys::{GUID, WDF_IO_QUEUE_CONFIG};
use crate::vsp::pf::INTERFACE;

/// What the driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mistake {
    /// Its queues are made with a limit of no presented requests.
    PresentNone,
    /// It never completes a request.
    NeverComplete,
    /// It holds a spin lock while it completes a request.
    CompleteUnderLock,
    /// Its interface says that it is eight bytes shorter than it is.
    ShortInterface,
}

/// Has every driver that is bound from now on make a mistake, one in a process.
pub fn have_made(mistake: Mistake) {
    if mistake == Mistake::ShortInterface {
        // SAFETY: a GUID is sixteen bytes without padding.
        nt::complete::shorten_interface(unsafe { std::mem::transmute::<GUID, [u8; 16]>(INTERFACE) });
    }
    // A second mistake would hide the first.
    let _ = MADE.set(mistake);
}

/// Gives a driver that has just been bound its table, where it is to make a mistake with it.
pub(super) fn change_table(bind_info: usize) {
    let changes: &[(&str, usize, &AtomicUsize)] = match MADE.get() {
        Some(Mistake::PresentNone) => {
            &[("WdfIoQueueCreate", present_none as *const () as usize, &QUEUE_CREATE)]
        }
        Some(Mistake::NeverComplete) => &[
            ("WdfRequestComplete", never_complete as *const () as usize, &COMPLETE),
            ("WdfRequestCompleteWithInformation", never_complete as *const () as usize, &COMPLETE_WITH),
        ],
        Some(Mistake::CompleteUnderLock) => &[
            ("WdfRequestComplete", complete_under_lock as *const () as usize, &COMPLETE),
            (
                "WdfRequestCompleteWithInformation",
                complete_with_under_lock as *const () as usize,
                &COMPLETE_WITH,
            ),
        ],
        Some(Mistake::ShortInterface) | None => return,
    };
    let exports = Exports::new(nt::exports());
    let acquire = exports.find_anywhere("KeAcquireSpinLockRaiseToDpc").expect("ntoskrnl has it").bound();
    ACQUIRE.store(acquire, Ordering::Release);
    let info: BindInfo = read(bind_info);
    let framework: usize = read(info.function_table);
    let entry = |position: usize| framework + position * size_of::<usize>();
    let mut table: Vec<usize> =
        (0..info.function_count as usize).map(|position| read(entry(position))).collect();
    for (name, function, original) in changes {
        let place = &mut table[kmdf::table::position(name)];
        original.store(std::mem::replace(place, *function), Ordering::Release);
    }
    // The driver has it as long as it is loaded; a process makes few.
    write(info.function_table, table.leak().as_ptr().addr());
}

/// WdfIoQueueCreate(globals, device, configuration, attributes, queue).
#[unsafe(naked)]
extern "win64" fn present_none() {
    naked_asm!(
        "mov dword ptr [r8 + {presented}], 0",
        "jmp qword ptr [rip + {original}]",
        // The first field of what a parallel queue has.
        presented = const offset_of!(WDF_IO_QUEUE_CONFIG, Settings),
        original = sym QUEUE_CREATE,
    )
}

/// WdfRequestComplete(globals, request, status), and the same with the information behind.
#[unsafe(naked)]
extern "win64" fn never_complete() {
    naked_asm!("ret")
}

/// Acquires the lock, keeping four arguments, and goes on to the function.
macro_rules! under_lock {
    ($name:ident, $original:ident) => {
        #[unsafe(naked)]
        extern "win64" fn $name() {
            naked_asm!(
                "sub rsp, 72",
                "mov [rsp + 32], rcx",
                "mov [rsp + 40], rdx",
                "mov [rsp + 48], r8",
                "mov [rsp + 56], r9",
                "lea rcx, [rip + {lock}]",
                "call qword ptr [rip + {acquire}]",
                "mov rcx, [rsp + 32]",
                "mov rdx, [rsp + 40]",
                "mov r8, [rsp + 48]",
                "mov r9, [rsp + 56]",
                "add rsp, 72",
                "jmp qword ptr [rip + {original}]",
                lock = sym LOCK,
                acquire = sym ACQUIRE,
                original = sym $original,
            )
        }
    };
}
under_lock!(complete_under_lock, COMPLETE);
under_lock!(complete_with_under_lock, COMPLETE_WITH);

static MADE: OnceLock<Mistake> = OnceLock::new();
/// The framework's functions.
static QUEUE_CREATE: AtomicUsize = AtomicUsize::new(0);
static COMPLETE: AtomicUsize = AtomicUsize::new(0);
static COMPLETE_WITH: AtomicUsize = AtomicUsize::new(0);
/// KeAcquireSpinLockRaiseToDpc, as an image calls it.
static ACQUIRE: AtomicUsize = AtomicUsize::new(0);
/// The spin lock that is held: a KSPIN_LOCK.
static LOCK: AtomicUsize = AtomicUsize::new(0);
