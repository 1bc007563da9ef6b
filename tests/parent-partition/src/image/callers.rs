//! Who called: the chain of an image's functions on a kernel stack.
//!
//! Async-signal-safe. What it reads is the image's own work, so every address is checked, and a chain that makes no
//! sense ends.

use std::ops::Range;
use std::ptr::with_exposed_provenance;

use super::Image;
use super::unwind::Step;

/// Where a walk starts: registers of code that lies in the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub(crate) rip: usize,
    pub(crate) rsp: usize,
    pub(crate) rbp: usize,
}

/// Yields an address inside the call instruction of each caller, innermost first, as long as they are the image's.
#[derive(Debug)]
pub(crate) struct Callers<'a> {
    image: &'a Image,
    stack: Range<usize>,
    registers: Registers,
    /// Whether `rip` is where a call returns to, which may be one past the calling function's end.
    returned: bool,
}

impl<'a> Callers<'a> {
    /// `registers.rip` is an instruction that was about to run; it is not yielded itself.
    pub(crate) fn of_instruction(image: &'a Image, stack: Range<usize>, registers: Registers) -> Self {
        Self { image, stack, registers, returned: false }
    }

    /// `registers` are those right after the return of a call.
    pub(crate) fn of_return(image: &'a Image, stack: Range<usize>, registers: Registers) -> Self {
        Self { image, stack, registers, returned: true }
    }

    /// After the last caller: the code of another image that called it, such as a driver's that called a framework image.
    pub(crate) fn outside(&self) -> Option<usize> {
        let call = self.registers.rip.checked_sub(1)?;
        let other = super::find(call).filter(|other| !std::ptr::eq(*other, self.image))?;
        (self.returned && other.is_executable(call)).then_some(call)
    }

    /// The word at `address` of the stack.
    fn word(&self, address: usize) -> Option<usize> {
        let inside = address.is_multiple_of(8) && self.stack.contains(&address);
        // SAFETY: an aligned word of a mapped kernel stack, whose ends are multiples of 8.
        inside.then(|| unsafe { with_exposed_provenance::<usize>(address).read() })
    }

    /// Undoes the work of the current function up to its return address.
    fn unwind(&mut self) -> Option<()> {
        let Registers { rip, mut rsp, mut rbp } = self.registers;
        let offset = self.image.offset_of(rip - usize::from(self.returned)) as u32;
        if let Some(function) = self.image.function(offset) {
            let done = |at: u8| u32::from(at) <= offset - function.begin;
            let (mut base, mut readable) = (rsp, true);
            let mut restored = |address: usize| match self.word(address) {
                Some(word) => word,
                None => {
                    readable = false;
                    0
                }
            };
            function.steps(
                |offset, length| self.image.bytes(offset, length),
                |at, step| match step {
                    _ if !done(at) => {}
                    Step::Push { register } => {
                        let word = restored(rsp);
                        rbp = if register == RBP { word } else { rbp };
                        rsp = rsp.wrapping_add(8);
                    }
                    Step::Allocate { bytes } | Step::MachineFrame { bytes } => {
                        rsp = rsp.wrapping_add(bytes as usize);
                    }
                    Step::SetFramePointer { register: RBP, offset } => {
                        rsp = rbp.wrapping_sub(offset as usize);
                        base = rsp;
                    }
                    // Only rbp is followed: another frame register leaves nothing to go by.
                    Step::SetFramePointer { .. } => rsp = 0,
                    Step::Save { register: RBP, offset } => {
                        rbp = restored(base.wrapping_add(offset as usize))
                    }
                    Step::Save { .. } | Step::SaveVector { .. } | Step::Other => {}
                },
            )?;
            if !readable {
                return None;
            }
        }
        self.registers = Registers { rip: self.word(rsp)?, rsp: rsp + 8, rbp };
        self.returned = true;
        Some(())
    }
}

impl Iterator for Callers<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.unwind()?;
        let call = self.registers.rip.checked_sub(1)?;
        self.image.is_executable(call).then_some(call)
    }
}

/// The number of `rbp` in unwind codes.
const RBP: u8 = 5;
