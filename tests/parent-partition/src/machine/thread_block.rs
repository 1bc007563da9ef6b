//! What a simulated kernel thread knows of itself, found at `gs` as on the real machine.
//!
//! The first page is what an image may read of a processor block (`gs:[0x188]` the current thread,
//! `gs:[0x1a4]` the processor number); the simulator's own fields follow in the second page, where the thunk
//! gate finds them. Only the owning thread touches its block.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null;

use super::context::Place;
use super::exception::Raised;
use super::stack::KernelStack;
use super::thunk::Descriptor;
use crate::image::{self, Callers, Registers};
use crate::judge::{Rule, finding};

/// Offsets from `gs` that the gate's assembly uses; asserted against the structure below.
pub(super) const IMAGE_SP: usize = 0x1000;
pub(super) const HOST_SP: usize = 0x1008;
pub(super) const STACK_LOW: usize = 0x1010;
pub(super) const LOWEST_SP: usize = 0x1018;
pub(super) const DESCRIPTOR: usize = 0x1020;
pub(super) const RETURN_ADDRESS: usize = 0x1028;
pub(super) const RESUME: usize = 0x1030;

const CURRENT_THREAD: usize = 0x188;
const PROCESSOR_NUMBER: usize = 0x1a4;

/// One thread's block.
#[repr(C, align(4096))]
pub(crate) struct ThreadBlock {
    processor: [Cell<u32>; 1024],
    /// Where the next frame of an image goes: below the deepest one, or near the top of the stack.
    image_sp: Cell<usize>,
    /// Where simulator code continues when the image calls a routine.
    host_sp: Cell<usize>,
    stack_low: Cell<usize>,
    lowest_sp: Cell<usize>,
    descriptor: Cell<*const Descriptor>,
    return_address: Cell<usize>,
    /// Where the image goes on that was interrupted for a DPC.
    resume: Cell<usize>,
    irql: Cell<u8>,
    /// The processor that the thread owns.
    processor_owned: Cell<Option<u32>>,
    critical_regions: Cell<u32>,
    for_caller: Cell<u32>,
    /// The image function that simulator code called last, 0 when none is running.
    entered: Cell<usize>,
    /// The exception that is being raised, null for none.
    raised: Cell<*const Raised>,
    stack: KernelStack,
    thread: *mut c_void,
}

const _: () = {
    assert!(std::mem::offset_of!(ThreadBlock, image_sp) == IMAGE_SP);
    assert!(std::mem::offset_of!(ThreadBlock, host_sp) == HOST_SP);
    assert!(std::mem::offset_of!(ThreadBlock, stack_low) == STACK_LOW);
    assert!(std::mem::offset_of!(ThreadBlock, lowest_sp) == LOWEST_SP);
    assert!(std::mem::offset_of!(ThreadBlock, descriptor) == DESCRIPTOR);
    assert!(std::mem::offset_of!(ThreadBlock, return_address) == RETURN_ADDRESS);
    assert!(std::mem::offset_of!(ThreadBlock, resume) == RESUME);
};

/// The thread object an image sees as the current thread (`PETHREAD`); unique for the life of the process.
///
/// # Panics
///
/// On a thread that is not a kernel thread: that is the simulator's defect.
pub fn current_thread() -> *mut c_void {
    expect_current().thread
}

/// Whether the calling host thread is a simulated kernel thread.
pub fn is_kernel_thread() -> bool {
    current().is_some()
}

/// Enters a critical region: normal kernel APCs are held off (KeEnterCriticalRegion).
pub fn enter_critical_region() {
    let block = expect_current();
    block.critical_regions.set(block.critical_regions.get() + 1);
}

/// Leaves a critical region; breaks [`Rule::CriticalRegion`] when none was entered (KeLeaveCriticalRegion).
pub fn leave_critical_region() {
    let block = expect_current();
    match block.critical_regions.get().checked_sub(1) {
        Some(depth) => block.critical_regions.set(depth),
        None => finding(Rule::CriticalRegion, "left without one entered"),
    }
}

/// How many critical regions the current thread is in.
pub fn critical_region_depth() -> u32 {
    expect_current().critical_regions.get()
}

/// The calling thread's block, `None` on a host thread that is no kernel thread; async-signal-safe.
pub(crate) fn current() -> Option<&'static ThreadBlock> {
    // SAFETY: the pointer is null or was set by `install`, whose caller keeps the block until `remove`.
    unsafe { CURRENT.get().as_ref() }
}

/// The calling thread's block.
pub(crate) fn expect_current() -> &'static ThreadBlock {
    current().expect("a simulated kernel thread (machine::thread::adopt or spawn)")
}

impl ThreadBlock {
    pub(super) fn new(stack: KernelStack, thread: *mut c_void) -> Box<Self> {
        let block = Box::new(Self {
            processor: [const { Cell::new(0) }; 1024],
            image_sp: Cell::new(stack.first_sp()),
            host_sp: Cell::new(0),
            stack_low: Cell::new(stack.low()),
            lowest_sp: Cell::new(stack.first_sp()),
            descriptor: Cell::new(null()),
            return_address: Cell::new(0),
            resume: Cell::new(0),
            irql: Cell::new(super::irql::PASSIVE_LEVEL),
            processor_owned: Cell::new(None),
            critical_regions: Cell::new(0),
            for_caller: Cell::new(0),
            entered: Cell::new(0),
            raised: Cell::new(null()),
            stack,
            thread,
        });
        let address = thread.expose_provenance() as u64;
        block.processor[CURRENT_THREAD / 4].set(address as u32);
        block.processor[CURRENT_THREAD / 4 + 1].set((address >> 32) as u32);
        block.processor[PROCESSOR_NUMBER / 4].set(0);
        block
    }

    pub(super) fn install(&self) {
        CURRENT.set(self);
        set_gs(std::ptr::from_ref(self).expose_provenance());
    }

    pub(super) fn remove(&self) {
        CURRENT.set(null());
        set_gs(0);
    }

    pub(crate) fn call_name(&self) -> Option<&'static str> {
        // SAFETY: the gate stores null or one of `thunk`'s descriptors, which live for ever.
        unsafe { self.descriptor.get().as_ref() }.map(Descriptor::name)
    }

    /// An address in the call instruction being served, in the image that made it.
    ///
    /// A jump in tail position leaves no trace of the jumping function; then it is the function of the image
    /// that simulator code called last.
    pub(crate) fn return_address(&self) -> usize {
        self.code_or_entered(self.return_address.get().wrapping_sub(1))
    }

    /// The callers of the function that made the call being served; `None` when it left no frame.
    pub(crate) fn callers(&self) -> Option<Callers<'static>> {
        let rip = self.return_address.get();
        let image = image::find(rip.wrapping_sub(1))?;
        let rsp = self.image_sp.get();
        // SAFETY: a call is being served, so the gate has saved the image's `rbp` at `image_sp`, and the return
        // address behind it.
        let rbp = unsafe { std::ptr::with_exposed_provenance::<usize>(rsp).read() };
        Some(Callers::of_return(image, self.stack.range(), Registers { rip, rsp: rsp + 16, rbp }))
    }

    /// `address` if it lies in an image, else the function that simulator code called last.
    pub(crate) fn code_or_entered(&self, address: usize) -> usize {
        if image::find_known(address).is_some() { address } else { self.entered.get() }
    }

    /// Notes the function being called and returns the one before.
    pub(super) fn set_entered(&self, function: usize) -> usize {
        self.entered.replace(function)
    }

    /// The image function that simulator code called last.
    pub(super) fn entered(&self) -> usize {
        self.entered.get()
    }

    /// The exception that is being raised, null for none.
    pub(super) fn raised(&self) -> *const Raised {
        self.raised.get()
    }

    pub(super) fn set_raised(&self, raised: *const Raised) {
        self.raised.set(raised);
    }

    /// Where the block stands while the image's code runs.
    pub(super) fn place(&self) -> Place {
        Place {
            host_sp: self.host_sp.get(),
            image_sp: self.image_sp.get(),
            descriptor: self.descriptor.get().expose_provenance(),
            return_address: self.return_address.get(),
            entered: self.entered.get(),
        }
    }

    /// Puts the block back to where the image's code goes on.
    pub(super) fn stand_at(&self, place: Place) {
        self.host_sp.set(place.host_sp);
        self.image_sp.set(place.image_sp);
        self.descriptor.set(std::ptr::with_exposed_provenance(place.descriptor));
        self.return_address.set(place.return_address);
        self.entered.set(place.entered);
        self.for_caller.set(0);
    }

    pub(super) fn host_sp(&self) -> usize {
        self.host_sp.get()
    }

    pub(super) fn set_image_sp(&self, address: usize) {
        self.image_sp.set(address);
    }

    pub(super) fn set_resume(&self, address: usize) {
        self.resume.set(address);
    }

    pub(crate) fn irql(&self) -> u8 {
        self.irql.get()
    }

    /// The processor that the thread owns, if it does.
    pub(super) fn processor(&self) -> Option<u32> {
        self.processor_owned.get()
    }

    /// Gives the thread a processor of its own, or takes it away; an image sees the number of the last one.
    pub(super) fn set_processor(&self, processor: Option<u32>) {
        self.processor_owned.set(processor);
        if let Some(number) = processor {
            self.processor[PROCESSOR_NUMBER / 4].set(number);
        }
    }

    /// The number of the processor that the thread runs on, or ran on last.
    pub(crate) fn processor_number(&self) -> u32 {
        self.processor[PROCESSOR_NUMBER / 4].get()
    }

    pub(super) fn set_irql(&self, level: u8) {
        self.irql.set(level);
    }

    pub(super) fn critical_regions(&self) -> u32 {
        self.critical_regions.get()
    }

    pub(super) fn image_sp(&self) -> usize {
        self.image_sp.get()
    }

    pub(super) fn lowest_sp(&self) -> usize {
        self.lowest_sp.get()
    }

    pub(crate) fn stack(&self) -> &KernelStack {
        &self.stack
    }

    pub(crate) fn begin_for_caller(&self) {
        self.for_caller.set(self.for_caller.get() + 1);
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) fn end_for_caller(&self) {
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
        self.for_caller.set(self.for_caller.get() - 1);
    }

    /// Whether the simulator is touching memory that the image named.
    pub(crate) fn is_for_caller(&self) -> bool {
        self.for_caller.get() != 0
    }
}

thread_local! {
    // No destructor and a constant start: reading it from a signal handler runs no code of the runtime.
    static CURRENT: Cell<*const ThreadBlock> = const { Cell::new(null()) };
}

fn set_gs(base: usize) {
    const ARCH_SET_GS: libc::c_int = 0x1001;
    // SAFETY: the host's own code does not use `gs`; the kernel checks the address.
    let result = unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, base) };
    assert_eq!(result, 0, "arch_prctl(ARCH_SET_GS)");
}
