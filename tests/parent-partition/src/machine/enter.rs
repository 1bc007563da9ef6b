//! How simulator code calls a function pointer that may lie in an image.

use std::path::Path;
use std::ptr::with_exposed_provenance;

use super::context::{self, Context};
use super::thread_block::{ThreadBlock, expect_current};
use super::{gate, thunk};
use crate::image::{self, code};
use crate::judge::{Rule, is_tolerated, violation, violation_at, violation_at_load};

/// Calls `function` with up to twelve words of arguments and returns its `rax`.
///
/// A function of an image runs on the current thread's kernel stack, below the frames that are there; when it
/// returns, IRQL and critical region depth must be what they were ([`Rule::ReturnedIrql`],
/// [`Rule::CriticalRegion`]). A function of the simulator is called directly. A pointer to neither breaks
/// [`Rule::BadCallback`]: an image handed it over.
pub fn call(function: usize, arguments: &[u64]) -> u64 {
    let level = expect_current().irql();
    call_lowering_to(function, arguments, level)
}

/// Calls as [`call`] does a function whose contract is to return at `level` (a cancel routine releases the
/// cancel spin lock it is called with).
pub fn call_lowering_to(function: usize, arguments: &[u64], level: u8) -> u64 {
    let mut slots = [0; MOST];
    let count = arguments.len().max(4);
    slots[..arguments.len()].copy_from_slice(arguments);
    let block = expect_current();
    let Some(image) = image::find_known(function) else {
        if !code::is_simulator(function) && !thunk::contains(function) {
            no_code(block, function);
        }
        // SAFETY: the address is code of this program or one of its thunks; its callers pass what it takes.
        return unsafe { gate::enter(function, slots.as_ptr(), count, 0) };
    };
    if !image.is_executable(function) {
        let (name, offset) = (image.name(), image.offset_of(function));
        violation_at(
            Rule::BadCallback,
            "",
            function,
            format_args!("{name}+{offset:#x} is no code that can run"),
        );
    }
    let (irql, critical_regions, image_sp) = (block.irql(), block.critical_regions(), block.image_sp());
    let entered = block.set_entered(function);
    // SAFETY: the address is executable code of a loaded image, which is called as its contract says; the
    // kernel stack below `image_sp` holds no live frame.
    let value = unsafe { gate::enter(function, slots.as_ptr(), count, image_sp) };
    block.set_entered(entered);
    assert_eq!(block.image_sp(), image_sp, "the gate restores the kernel stack");
    if block.irql() != level && !is_tolerated(Rule::ReturnedIrql) {
        let detail = match irql == level {
            true => format!("called at IRQL {irql}, returned at {}", block.irql()),
            false => format!("called at IRQL {irql} to return at {level}, returned at {}", block.irql()),
        };
        violation_at(Rule::ReturnedIrql, "", function, detail);
    }
    if block.critical_regions() != critical_regions && !is_tolerated(Rule::CriticalRegion) {
        let depth = block.critical_regions();
        let detail = format_args!("called in {critical_regions} critical regions, returned in {depth}");
        violation_at(Rule::CriticalRegion, "", function, detail);
    }
    value
}

/// Ends the first function of an image that the current thread is in, as though it had returned; a routine that the image
/// has called does so. Returns where simulator code, which must not be left, has called an image in between.
///
/// # Safety
/// No value with a destructor, and no lock, lives in the routine that is being served.
pub(crate) unsafe fn end_first_call() {
    let block = expect_current();
    let (mut context, place) = Context::of_caller(block);
    // SAFETY: a call is being served, so `enter` has kept the place of the one before at `host_sp`, 0 for none.
    let before = unsafe { with_exposed_provenance::<usize>(place.host_sp).read() };
    if before != 0 {
        return;
    }
    let home = place.image_sp - HOME;
    // SAFETY: `enter` called the function there: below the room for its arguments lies where it returns to.
    context.rip = unsafe { with_exposed_provenance::<u64>(home - size_of::<u64>()).read() };
    context.general[context::RSP] = home as u64;
    // SAFETY: the caller's promise; what `enter` wants kept, it takes from the host stack.
    unsafe { context.resume(block, place) }
}

/// A pointer to nothing was handed over: by the image whose call is being served, else by the only one there is.
fn no_code(block: &ThreadBlock, function: usize) -> ! {
    let detail = format_args!("{function:#x} is no code to call");
    match image::only_loaded() {
        Some(image) if block.return_address() == 0 => {
            violation_at_load(Rule::BadCallback, "", Path::new(image.path()), detail)
        }
        _ => violation(Rule::BadCallback, detail),
    }
}

const MOST: usize = 16;
/// The room for arguments that a function of four or fewer finds above its return address.
const HOME: usize = 32;
