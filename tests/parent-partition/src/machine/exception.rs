//! Exceptions of image code: who handles one is found on the kernel stack, and the image goes on there.
//!
//! ```text
//!  raise ──► search: each frame's routine, innermost first ──► one handles it ──► unwind: each routine again ──► resume
//!                                                          └─► nobody does: the fault or the status ends the run
//! ```
//!
//! The routines are the image's (`__C_specific_handler` is the one that compilers of C name); they are called on the kernel
//! stack below the frames that are there. The search ends where simulator code has called the image: no exception passes
//! through the kernel here, where Windows would let it pass and a driver's callers are not prepared for it.
//!
//! SPEC: learn.microsoft.com/cpp/build/exception-handling-x64 (language-specific handler, DISPATCHER_CONTEXT).

use std::ffi::c_void;
use std::ptr::{null, null_mut, with_exposed_provenance_mut};

use super::context::{Context, Place, RAX};
use super::fault::Fault;
use super::thread_block::{self, ThreadBlock};
use crate::image::{Frame, Frames};
use crate::invoke;
use crate::judge::{Rule, violation};

/// EXCEPTION_RECORD.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    /// The status that says what happened.
    pub code: u32,
    flags: u32,
    next: *const Record,
    address: usize,
    count: u32,
    information: [u64; 15],
}

/// CONTEXT of x64, as an image's handlers read it.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct ImageContext {
    homes: [u64; 6],
    flags: u32,
    vector_control: u32,
    segments: [u16; 6],
    eflags: u32,
    debug: [u64; 6],
    general: [u64; 16],
    rip: u64,
    floating: [u128; 10],
    vectors: [u128; 16],
    rest: [u64; 70],
}

/// EXCEPTION_POINTERS.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Pointers {
    /// What happened.
    pub record: *const Record,
    /// Where.
    pub context: *const ImageContext,
}

/// DISPATCHER_CONTEXT.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Dispatcher {
    /// An address in the frame's function.
    pub control: usize,
    /// Where the function's image begins.
    pub image: usize,
    function: usize,
    /// What identifies the frame.
    pub establisher: usize,
    /// Where the image goes on, while frames are undone.
    pub target: usize,
    context: *const ImageContext,
    routine: usize,
    /// What the compiler has to say to the routine.
    pub data: usize,
    history: *const c_void,
    /// How many of the function's scopes are done with.
    pub scope: u32,
    fill: u32,
}

const _: () = {
    assert!(size_of::<Record>() == 0x98);
    assert!(size_of::<ImageContext>() == 0x4D0);
    assert!(std::mem::offset_of!(ImageContext, general) == 0x78);
    assert!(std::mem::offset_of!(ImageContext, vectors) == 0x1A0);
    assert!(size_of::<Dispatcher>() == 0x50);
};

/// What is being raised, kept on the host stack while handlers are asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised {
    pub(super) context: Context,
    pub(super) place: Place,
    pub(super) record: Record,
    /// Whether the context is where a call returns to, not an instruction that stopped.
    pub(super) returned: bool,
    /// How the run ends when nobody handles it; `None` for a status that was raised.
    pub(super) fault: Option<Fault>,
    /// The exception during whose handling this one is raised.
    pub(super) outer: *const Raised,
}

impl Record {
    pub(super) fn new(code: u32, address: usize, parameters: &[u64]) -> Self {
        let mut information = [0; 15];
        information[..parameters.len()].copy_from_slice(parameters);
        Self { code, flags: 0, next: null(), address, count: parameters.len() as u32, information }
    }

    /// Whether frames are being undone.
    pub fn unwinds(&self) -> bool {
        self.flags & (UNWINDING | EXIT_UNWIND) != 0
    }

    /// Whether the frame is the one that handles the exception.
    pub fn is_at_target(&self) -> bool {
        self.flags & TARGET_UNWIND != 0
    }

    pub(crate) fn as_raised(mut self) -> Self {
        self.flags &= NONCONTINUABLE;
        self
    }
}

/// Raises a status in the image whose call is being served, and ends the run when nothing handles it ([`Rule::Exception`]).
///
/// INVARIANT: the caller holds no lock and nothing with a destructor: its frame is given up.
pub fn raise(code: u32, parameters: &[u64]) -> ! {
    let mut record = Record::new(code, 0, parameters);
    record.flags = NONCONTINUABLE;
    raise_record(record)
}

/// As [`raise`], with a record.
pub(crate) fn raise_record(mut record: Record) -> ! {
    let block = thread_block::expect_current();
    if block.call_name().is_none() {
        violation(Rule::Exception, format_args!("{:#010x} is raised", record.code));
    }
    let (context, place) = Context::of_caller(block);
    record.address = context.rip as usize;
    let outer = block.raised();
    dispatch(&Raised { context, place, record, returned: true, fault: None, outer })
}

/// Whether a frame has a routine that could handle an exception; async-signal-safe.
pub(super) fn may_be_handled(block: &ThreadBlock, context: Context, returned: bool) -> bool {
    Frames::new(block.stack().range(), context, returned)
        .any(|frame| frame.handler().is_some_and(|handler| handler.searches))
}

/// Asks each frame's routine; the one that handles it does not come back.
pub(super) fn dispatch(raised: &Raised) -> ! {
    let block = thread_block::expect_current();
    block.set_raised(raised);
    if !raised.returned {
        // Handlers run below the code that stopped, whose stack is in use.
        block.set_image_sp(raised.context.general[super::context::RSP] as usize & !15);
    }
    let image_context = ImageContext::from(&raised.context);
    for frame in Frames::new(block.stack().range(), raised.context, raised.returned) {
        let Some(handler) = frame.handler().filter(|handler| handler.searches) else { continue };
        let dispatcher = Dispatcher::new(&frame, &image_context, 0);
        let record = &raised.record;
        match invoke!(handler.routine; pointer(record), frame.establisher, pointer(&image_context), pointer(&dispatcher))
            as u32
        {
            CONTINUE_SEARCH => {}
            CONTINUE_EXECUTION if record.flags & NONCONTINUABLE == 0 => {
                let context = raised.context.changed(&image_context);
                block.set_raised(raised.outer);
                // SAFETY: the registers are those of the code that raised it, as a handler has left them; what is given
                // up is this function's frame, which holds plain values.
                unsafe { context.resume(block, raised.place) }
            }
            CONTINUE_EXECUTION => {
                violation(Rule::Exception, "an exception that cannot be continued is continued")
            }
            other => violation(Rule::Exception, format_args!("a handler's disposition is {other}")),
        }
    }
    block.set_raised(raised.outer);
    match &raised.fault {
        Some(fault) => {
            block.stand_at(raised.place);
            fault.end(Some(block))
        }
        None => violation(
            Rule::Exception,
            format_args!("{:#010x} is raised, and nothing handles it", raised.record.code),
        ),
    }
}

/// Undoes the frames up to one, calls their routines, and goes on in that one at `target` with the exception's code in `rax`.
///
/// INVARIANT: as for [`raise`].
pub fn unwind(establisher: usize, target: usize) -> ! {
    let block = thread_block::expect_current();
    // SAFETY: `dispatch` has set it to a value that lives below on this host stack as long as the exception is handled.
    let Some(raised) = (unsafe { block.raised().as_ref() }) else {
        violation(Rule::Exception, "frames are undone while nothing is raised")
    };
    let mut record = raised.record;
    let image_context = ImageContext::from(&raised.context);
    for frame in Frames::new(block.stack().range(), raised.context, raised.returned) {
        let is_target = frame.establisher == establisher;
        record.flags |= UNWINDING | if is_target { TARGET_UNWIND } else { 0 };
        if let Some(handler) = frame.handler().filter(|handler| handler.unwinds) {
            let dispatcher = Dispatcher::new(&frame, &image_context, target);
            let (record, context) = (pointer(&record), pointer(&image_context));
            invoke!(handler.routine; record, frame.establisher, context, pointer(&dispatcher));
        }
        if is_target {
            let mut context = frame.context;
            context.rip = target as u64;
            context.general[RAX] = u64::from(record.code);
            block.set_raised(raised.outer);
            // SAFETY: the registers are those in the body of the frame's function; what is given up are the frames of
            // `dispatch`, of the routine that asked, and of the calls between, which hold plain values.
            unsafe { context.resume(block, raised.place) }
        }
    }
    violation(Rule::Exception, "the frame that handles an exception is not on the stack")
}

impl Raised {
    /// Has the thread that a signal has stopped raise this, on its host stack.
    pub(super) fn send_thread(&self, frame: &mut libc::ucontext_t) {
        let room = size_of::<Self>().next_multiple_of(64) + SAVED_BY_GATE;
        let at = (self.place.host_sp - room) & !63;
        // SAFETY: what lies below the gate's words on the host stack belongs to nobody that goes on.
        unsafe { with_exposed_provenance_mut::<Self>(at).write(*self) };
        let registers = &mut frame.uc_mcontext.gregs;
        registers[libc::REG_RDI as usize] = at as i64;
        // As after a call.
        registers[libc::REG_RSP as usize] = (at - 8) as i64;
        registers[libc::REG_RIP as usize] = (enter as *const () as usize) as i64;
    }
}

/// The signal handler sends a thread here with what the image's code has raised.
pub(super) extern "C" fn enter(raised: *const Raised) -> ! {
    // SAFETY: the signal handler has written it above this stack pointer, on the host stack.
    dispatch(unsafe { &*raised })
}

impl Dispatcher {
    fn new(frame: &Frame, context: &ImageContext, target: usize) -> Self {
        let handler = frame.handler();
        Self {
            control: frame.at,
            image: frame.image.base(),
            function: 0,
            establisher: frame.establisher,
            target,
            context,
            routine: handler.map_or(0, |handler| handler.routine),
            data: handler.map_or(0, |handler| handler.data),
            history: null_mut(),
            scope: 0,
            fill: 0,
        }
    }
}

impl From<&Context> for ImageContext {
    fn from(context: &Context) -> Self {
        Self {
            homes: [0; 6],
            flags: FULL_CONTEXT,
            vector_control: 0x1F80,
            segments: [0; 6],
            eflags: context.flags as u32,
            debug: [0; 6],
            general: context.general,
            rip: context.rip,
            floating: [0; 10],
            vectors: context.vectors,
            rest: [0; 70],
        }
    }
}

impl Context {
    /// These registers as a handler has changed them.
    fn changed(&self, by: &ImageContext) -> Self {
        // SAFETY: a handler of the image may have written to it through the pointer it was given.
        let by = unsafe { std::ptr::from_ref(by).read_volatile() };
        Self { general: by.general, rip: by.rip, flags: self.flags, vectors: by.vectors }
    }
}

fn pointer<T>(to: &T) -> *const T {
    std::ptr::from_ref(to)
}

/// More than the gate keeps below the host's stack pointer.
const SAVED_BY_GATE: usize = 512;
/// Flags of a record.
const NONCONTINUABLE: u32 = 1;
const UNWINDING: u32 = 2;
const EXIT_UNWIND: u32 = 4;
const TARGET_UNWIND: u32 = 0x20;
/// EXCEPTION_DISPOSITION.
pub const CONTINUE_EXECUTION: u32 = 0;
/// The next frame is asked.
pub const CONTINUE_SEARCH: u32 = 1;
/// CONTEXT_FULL of x64.
const FULL_CONTEXT: u32 = 0x10_000B;
