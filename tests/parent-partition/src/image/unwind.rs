//! What a function does to the stack, read from the unwind data of `.pdata`.
//!
//! SPEC: learn.microsoft.com/cpp/build/exception-handling-x64 (RUNTIME_FUNCTION, UNWIND_INFO, UNWIND_CODE).

/// One entry of the function table, as offsets in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeFunction {
    pub(crate) begin: u32,
    pub(crate) end: u32,
    unwind: u32,
}

/// The prologue's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Bytes pushed and allocated, chained entries included; the return address is not counted.
    pub(crate) bytes: u32,
}

/// What one unwind code undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A register was pushed.
    Push { register: u8 },
    /// Stack was allocated.
    Allocate { bytes: u32 },
    /// The frame register was set to the stack pointer plus `offset`.
    SetFramePointer { register: u8, offset: u32 },
    /// A register was stored `offset` bytes above the frame's base.
    Save { register: u8, offset: u32 },
    /// The processor pushed an interrupt's frame.
    MachineFrame { bytes: u32 },
    /// A vector register was stored `offset` bytes above the frame's base.
    SaveVector { register: u8, offset: u32 },
    /// Nothing that matters to the stack pointer or to a register.
    Other,
}

impl RuntimeFunction {
    /// Size of an entry in the table.
    pub(crate) const SIZE: usize = 12;

    /// Reads an entry; `None` when there are too few bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |index: usize| {
            let bytes = bytes.get(index * 4..index * 4 + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        Some(Self { begin: word(0)?, end: word(1)?, unwind: word(2)? })
    }

    /// The frame that this function makes; `read(offset, length)` yields bytes of the image.
    ///
    /// `None` when the unwind data are malformed or of an unknown kind.
    pub(crate) fn frame<'a>(&self, read: impl Fn(u32, u32) -> Option<&'a [u8]>) -> Option<Frame> {
        let mut frame = Frame::default();
        self.steps(read, |_, step| {
            frame.bytes = frame.bytes.saturating_add(match step {
                Step::Push { .. } => 8,
                Step::Allocate { bytes } | Step::MachineFrame { bytes } => bytes,
                Step::SetFramePointer { .. } | Step::Save { .. } | Step::SaveVector { .. } | Step::Other => 0,
            });
        })?;
        Some(frame)
    }

    /// Visits what the prologue did, last first, chained entries included.
    ///
    /// `visit` is given the offset from the function's start at which the step's instruction has ended, 0 for a
    /// chained entry (its prologue has always run). `None` when the unwind data are malformed.
    pub(crate) fn steps<'a>(
        &self,
        read: impl Fn(u32, u32) -> Option<&'a [u8]>,
        mut visit: impl FnMut(u8, Step),
    ) -> Option<()> {
        let mut unwind = self.unwind;
        for depth in 0..CHAIN_LIMIT {
            let header = read(unwind, 4)?;
            let (version, flags) = (header[0] & 7, header[0] >> 3);
            if version == 0 || version > 2 {
                return None;
            }
            let frame_register = (header[3] & 15, u32::from(header[3] >> 4) * 16);
            let count = u32::from(header[2]);
            let codes = read(unwind + 4, count * 2)?;
            let mut index = 0;
            while index * 2 < codes.len() {
                let (step, slots) = step(codes, index, frame_register)?;
                visit(if depth == 0 { codes[index * 2] } else { 0 }, step);
                index += slots;
            }
            if flags & CHAINED == 0 {
                return Some(());
            }
            let parent = unwind + 4 + count.next_multiple_of(2) * 2;
            unwind = Self::parse(read(parent, 12)?)?.unwind;
        }
        None
    }
}

/// What the unwind data say of a function's routine for exceptions, as offsets in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExceptionRoutine {
    pub(crate) searches: bool,
    pub(crate) unwinds: bool,
    pub(crate) routine: u32,
    pub(crate) data: u32,
    /// Size of the prologue, in which no routine is called.
    pub(crate) prologue: u8,
}

impl RuntimeFunction {
    /// The function's routine for exceptions, of a chained entry its parent's.
    pub(crate) fn handler<'a>(
        &self,
        read: impl Fn(u32, u32) -> Option<&'a [u8]>,
    ) -> Option<ExceptionRoutine> {
        let mut unwind = self.unwind;
        for depth in 0..CHAIN_LIMIT {
            let header = read(unwind, 4)?;
            let flags = header[0] >> 3;
            let behind = unwind + 4 + u32::from(header[2]).next_multiple_of(2) * 2;
            if flags & CHAINED != 0 {
                unwind = Self::parse(read(behind, 12)?)?.unwind;
                continue;
            }
            let (searches, unwinds) = (flags & SEARCHES != 0, flags & UNWINDS != 0);
            if !searches && !unwinds {
                return None;
            }
            let routine = u32::from_le_bytes(read(behind, 4)?.try_into().ok()?);
            let prologue = if depth == 0 { header[1] } else { 0 };
            return Some(ExceptionRoutine { searches, unwinds, routine, data: behind + 4, prologue });
        }
        None
    }
}

/// Decodes the code at slot `index`, and the number of slots it takes.
fn step(codes: &[u8], index: usize, (register, base): (u8, u32)) -> Option<(Step, usize)> {
    let slot = |index: usize| {
        let bytes = codes.get(index * 2..index * 2 + 2)?;
        Some(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])))
    };
    let far = || Some(slot(index + 1)? | slot(index + 2)? << 16);
    let code = *codes.get(index * 2 + 1)?;
    let (operation, info) = (code & 15, code >> 4);
    Some(match operation {
        PUSH_NONVOLATILE => (Step::Push { register: info }, 1),
        ALLOCATE_LARGE if info == 0 => (Step::Allocate { bytes: slot(index + 1)? * 8 }, 2),
        ALLOCATE_LARGE => (Step::Allocate { bytes: far()? }, 3),
        ALLOCATE_SMALL => (Step::Allocate { bytes: u32::from(info) * 8 + 8 }, 1),
        SET_FRAME_POINTER => (Step::SetFramePointer { register, offset: base }, 1),
        SAVE_NONVOLATILE => (Step::Save { register: info, offset: slot(index + 1)? * 8 }, 2),
        SAVE_NONVOLATILE_FAR => (Step::Save { register: info, offset: far()? }, 3),
        EPILOGUE => (Step::Other, 1),
        SAVE_XMM128 => (Step::SaveVector { register: info, offset: slot(index + 1)? * 16 }, 2),
        SAVE_XMM128_FAR => (Step::SaveVector { register: info, offset: far()? }, 3),
        PUSH_MACHINE_FRAME => (Step::MachineFrame { bytes: 40 + u32::from(info) * 8 }, 1),
        _ => return None,
    })
}

const SEARCHES: u8 = 1;
const UNWINDS: u8 = 2;
const CHAINED: u8 = 4;
const CHAIN_LIMIT: usize = 32;
const PUSH_NONVOLATILE: u8 = 0;
const ALLOCATE_LARGE: u8 = 1;
const ALLOCATE_SMALL: u8 = 2;
const SET_FRAME_POINTER: u8 = 3;
const SAVE_NONVOLATILE: u8 = 4;
const SAVE_NONVOLATILE_FAR: u8 = 5;
const EPILOGUE: u8 = 6;
const SAVE_XMM128: u8 = 8;
const SAVE_XMM128_FAR: u8 = 9;
const PUSH_MACHINE_FRAME: u8 = 10;

#[cfg(test)]
mod tests {
    use super::{Frame, RuntimeFunction, Step};

    /// The frame of a function whose unwind data have these codes.
    fn frame(codes: &[u8]) -> Option<Frame> {
        let mut image = vec![1, 0, (codes.len() / 2) as u8, 0];
        image.extend_from_slice(codes);
        let function = RuntimeFunction { begin: 0, end: 1, unwind: 0 };
        function.frame(|offset, length| image.get(offset as usize..(offset + length) as usize))
    }

    #[test]
    fn pushes_and_small_allocations_add_up() {
        // push rbp; push rsi; sub rsp, 40: last instruction first.
        assert_eq!(frame(&[6, 0x42, 2, 0x60, 1, 0x50]), Some(Frame { bytes: 40 + 8 + 8 }));
    }

    #[test]
    fn large_allocations_are_read_in_both_forms() {
        assert_eq!(frame(&[7, 0x01, 0x80, 0x00]), Some(Frame { bytes: 0x400 }));
        assert_eq!(frame(&[7, 0x11, 0x08, 0x00, 0x01, 0x00]), Some(Frame { bytes: 0x1_0008 }));
    }

    #[test]
    fn saved_registers_cost_nothing_beyond_the_allocation() {
        assert_eq!(frame(&[12, 0x64, 3, 0, 8, 0x68, 2, 0, 4, 0x32]), Some(Frame { bytes: 32 }));
    }

    #[test]
    fn a_code_cut_short_or_unknown_is_refused() {
        assert_eq!(frame(&[7, 0x01]), None);
        assert_eq!(frame(&[7, 0x0F]), None);
    }

    #[test]
    fn a_chained_entry_adds_its_parents_steps() {
        let mut image = [0u8; 64];
        // At 16: chained, one code (sub rsp, 16), padded; the parent entry follows with its unwind data at 40.
        image[16..24].copy_from_slice(&[0x21, 4, 1, 0, 4, 0x12, 0, 0]);
        image[24..36].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0]);
        image[40..46].copy_from_slice(&[0x01, 1, 1, 0, 1, 0x50]);
        let read = |offset: u32, length: u32| image.get(offset as usize..(offset + length) as usize);
        let function = RuntimeFunction { begin: 0, end: 1, unwind: 16 };
        let mut steps = Vec::new();
        assert_eq!(function.steps(read, |offset, step| steps.push((offset, step))), Some(()));
        assert_eq!(steps, [(4, Step::Allocate { bytes: 16 }), (0, Step::Push { register: 5 })]);
    }
}
