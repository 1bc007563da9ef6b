//! Frames of image code on a kernel stack, undone one after the other with all the registers that functions keep.
//!
//! Async-signal-safe, as `callers` is. An exception inside an epilogue is not looked for: no instruction there can raise one
//! but a return through a broken stack.

use std::ops::Range;
use std::ptr::with_exposed_provenance;

use super::unwind::{RuntimeFunction, Step};
use super::{Image, find};
use crate::machine::context::{Context, RSP};

/// One frame, its registers as they are in the body of its function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// The image of the function.
    pub(crate) image: &'static Image,
    /// The function's entry in the table; `None` for a leaf.
    pub(crate) function: Option<RuntimeFunction>,
    /// An address in the function: the instruction that stopped, or one inside the call that has not returned.
    pub(crate) at: usize,
    /// What identifies the frame: its stack pointer, or its frame pointer less the offset.
    pub(crate) establisher: usize,
    /// The registers in this frame.
    pub(crate) context: Context,
}

/// Yields the frames from the innermost one on, as long as they are an image's.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    stack: Range<usize>,
    next: Option<(Context, bool)>,
}

impl Frames {
    /// `returned` says that `context` is where a call returns to, not an instruction that stopped.
    pub(crate) fn new(stack: Range<usize>, context: Context, returned: bool) -> Self {
        Self { stack, next: Some((context, returned)) }
    }

    fn frame(context: Context, returned: bool) -> Option<Frame> {
        let at = (context.rip as usize).checked_sub(usize::from(returned))?;
        let image = find(at).filter(|image| image.is_executable(at))?;
        let function = image.function(image.offset_of(at) as u32);
        let establisher = function
            .and_then(|function| function.frame_pointer(image, at))
            .map_or(context.general[RSP], |(register, offset)| {
                context.general[usize::from(register)].wrapping_sub(u64::from(offset))
            });
        Some(Frame { image, function, at, establisher: establisher as usize, context })
    }

    /// The registers of the caller.
    fn unwind(&self, frame: &Frame) -> Option<Context> {
        let mut context = frame.context;
        if let Some(function) = frame.function {
            let offset = frame.image.offset_of(frame.at) as u32 - function.begin;
            let base = frame.establisher as u64;
            let mut readable = true;
            let mut restored = |address: u64| {
                self.word(address).unwrap_or_else(|| {
                    readable = false;
                    0
                })
            };
            function.steps(
                |offset, length| frame.image.bytes(offset, length),
                |at, step| match step {
                    _ if u32::from(at) > offset => {}
                    Step::Push { register } => {
                        context.general[usize::from(register)] = restored(context.general[RSP]);
                        context.general[RSP] = context.general[RSP].wrapping_add(8);
                    }
                    Step::Allocate { bytes } | Step::MachineFrame { bytes } => {
                        context.general[RSP] = context.general[RSP].wrapping_add(u64::from(bytes));
                    }
                    Step::SetFramePointer { .. } => context.general[RSP] = base,
                    Step::Save { register, offset } => {
                        context.general[usize::from(register)] =
                            restored(base.wrapping_add(u64::from(offset)));
                    }
                    Step::SaveVector { register, offset } => {
                        let at = base.wrapping_add(u64::from(offset));
                        let (low, high) = (restored(at), restored(at.wrapping_add(8)));
                        context.vectors[usize::from(register)] = u128::from(low) | u128::from(high) << 64;
                    }
                    Step::Other => {}
                },
            )?;
            if !readable {
                return None;
            }
        }
        context.rip = self.word(context.general[RSP])?;
        context.general[RSP] = context.general[RSP].wrapping_add(8);
        Some(context)
    }

    fn word(&self, address: u64) -> Option<u64> {
        let inside = address.is_multiple_of(8) && self.stack.contains(&(address as usize));
        // SAFETY: an aligned word of a mapped kernel stack, whose ends are multiples of 8.
        inside.then(|| unsafe { with_exposed_provenance::<u64>(address as usize).read() })
    }
}

impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let (context, returned) = self.next.take()?;
        let frame = Self::frame(context, returned)?;
        self.next = self.unwind(&frame).map(|context| (context, true));
        Some(frame)
    }
}

/// A function's own routine for exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handler {
    /// Called while a handler is looked for.
    pub(crate) searches: bool,
    /// Called while frames are undone.
    pub(crate) unwinds: bool,
    /// Address of the routine.
    pub(crate) routine: usize,
    /// Address of what the compiler has to say to it.
    pub(crate) data: usize,
}

impl Frame {
    /// The routine that the function has for exceptions; none while its prologue runs.
    pub(crate) fn handler(&self) -> Option<Handler> {
        let function = self.function?;
        let read = |offset, length| self.image.bytes(offset, length);
        let found = function.handler(read)?;
        if self.image.offset_of(self.at) as u32 - function.begin < u32::from(found.prologue) {
            return None;
        }
        let base = self.image.base();
        Some(Handler {
            searches: found.searches,
            unwinds: found.unwinds,
            routine: base + found.routine as usize,
            data: base + found.data as usize,
        })
    }
}

impl RuntimeFunction {
    /// The frame register and its offset, once the prologue has set it.
    fn frame_pointer(&self, image: &Image, at: usize) -> Option<(u8, u32)> {
        let offset = image.offset_of(at) as u32 - self.begin;
        let mut found = None;
        self.steps(
            |offset, length| image.bytes(offset, length),
            |at, step| {
                if let Step::SetFramePointer { register, offset: by } = step
                    && u32::from(at) <= offset
                {
                    found = Some((register, by));
                }
            },
        )?;
        found
    }
}
