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
        let mut unwind = self.unwind;
        for _ in 0..CHAIN_LIMIT {
            let header = read(unwind, 4)?;
            let (version, flags) = (header[0] & 7, header[0] >> 3);
            if version == 0 || version > 2 {
                return None;
            }
            let count = u32::from(header[2]);
            let codes = read(unwind + 4, count * 2)?;
            frame.bytes += prologue_bytes(codes)?;
            if flags & CHAINED == 0 {
                return Some(frame);
            }
            let parent = unwind + 4 + count.next_multiple_of(2) * 2;
            unwind = Self::parse(read(parent, 12)?)?.unwind;
        }
        None
    }
}

/// Sums up what the codes push and allocate.
fn prologue_bytes(codes: &[u8]) -> Option<u32> {
    let slot = |index: usize| {
        let bytes = codes.get(index * 2..index * 2 + 2)?;
        Some(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])))
    };
    let (mut bytes, mut index) = (0u32, 0);
    while index * 2 < codes.len() {
        let code = slot(index)? >> 8;
        let (operation, info) = (code & 15, code >> 4);
        index += match operation {
            PUSH_NONVOLATILE => {
                bytes += 8;
                1
            }
            ALLOCATE_LARGE if info == 0 => {
                bytes += slot(index + 1)? * 8;
                2
            }
            ALLOCATE_LARGE => {
                bytes = bytes.checked_add(slot(index + 1)? | slot(index + 2)? << 16)?;
                3
            }
            ALLOCATE_SMALL => {
                bytes += info * 8 + 8;
                1
            }
            SET_FRAME_POINTER | EPILOGUE => 1,
            SAVE_NONVOLATILE | SAVE_XMM128 => 2,
            SAVE_NONVOLATILE_FAR | SAVE_XMM128_FAR => 3,
            PUSH_MACHINE_FRAME => {
                bytes += 40 + info * 8;
                1
            }
            _ => return None,
        };
    }
    Some(bytes)
}

const CHAINED: u8 = 4;
const CHAIN_LIMIT: usize = 32;
const PUSH_NONVOLATILE: u32 = 0;
const ALLOCATE_LARGE: u32 = 1;
const ALLOCATE_SMALL: u32 = 2;
const SET_FRAME_POINTER: u32 = 3;
const SAVE_NONVOLATILE: u32 = 4;
const SAVE_NONVOLATILE_FAR: u32 = 5;
const EPILOGUE: u32 = 6;
const SAVE_XMM128: u32 = 8;
const SAVE_XMM128_FAR: u32 = 9;
const PUSH_MACHINE_FRAME: u32 = 10;

#[cfg(test)]
mod tests {
    use super::{Frame, RuntimeFunction, prologue_bytes};

    #[test]
    fn pushes_and_small_allocations_add_up() {
        // push rbp; push rsi; sub rsp, 40: last instruction first.
        assert_eq!(prologue_bytes(&[6, 0x42, 2, 0x60, 1, 0x50]), Some(40 + 8 + 8));
    }

    #[test]
    fn large_allocations_are_read_in_both_forms() {
        assert_eq!(prologue_bytes(&[7, 0x01, 0x80, 0x00]), Some(0x400));
        assert_eq!(prologue_bytes(&[7, 0x11, 0x08, 0x00, 0x01, 0x00]), Some(0x1_0008));
    }

    #[test]
    fn saved_registers_cost_nothing_beyond_the_allocation() {
        assert_eq!(prologue_bytes(&[12, 0x64, 3, 0, 8, 0x68, 2, 0, 4, 0x32]), Some(32));
    }

    #[test]
    fn a_code_cut_short_or_unknown_is_refused() {
        assert_eq!(prologue_bytes(&[7, 0x01]), None);
        assert_eq!(prologue_bytes(&[7, 0x0F]), None);
    }

    #[test]
    fn a_chained_entry_adds_its_parents_frame() {
        let mut image = [0u8; 64];
        // At 16: chained, one code (sub rsp, 16), padded; the parent entry follows with its unwind data at 40.
        image[16..24].copy_from_slice(&[0x21, 4, 1, 0, 4, 0x12, 0, 0]);
        image[24..36].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0]);
        image[40..46].copy_from_slice(&[0x01, 1, 1, 0, 1, 0x50]);
        let read = |offset: u32, length: u32| image.get(offset as usize..(offset + length) as usize);
        let function = RuntimeFunction { begin: 0, end: 1, unwind: 16 };
        assert_eq!(function.frame(read), Some(Frame { bytes: 24 }));
    }
}
