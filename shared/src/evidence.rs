//! Evidence: the call that cost a VF its standing, kept for the operator as long as the VF lives.

use crate::block::{BLOCK_SIZE, BlockId};
use crate::halves::join;
use crate::refusal::Refusal;
use crate::sync::counting::{AtomicU64, Ordering};
use crate::sync::{array_of, const_new};

/// A reading of the evidence against a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When the call was made, in units of the host's clock.
    pub time: u64,
    /// Which block it named.
    pub block: BlockId,
    /// Which length it stated.
    pub length: u32,
    /// Why it was refused, as [`Refusal::index`].
    pub cause: u8,
    /// How many bytes of a write are kept.
    pub kept: u8,
}

/// One call and its bytes. All-zero is no evidence. Written by the caller inside the gate only.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct EvidenceBox {
    time: AtomicU64,
    /// Block and stated length.
    request: AtomicU64,
    /// One more than the cause, and the number of bytes.
    cause: AtomicU64,
    bytes: [AtomicU64; BLOCK_SIZE / 8],
}

impl EvidenceBox {
    const_new! {
        pub(crate) fn new() -> Self {
            Self {
                time: AtomicU64::new(0),
                request: AtomicU64::new(0),
                cause: AtomicU64::new(0),
                bytes: array_of!(AtomicU64::new(0); BLOCK_SIZE / 8),
            }
        }
    }

    pub(crate) fn keep(&self, time: u64, block: BlockId, length: u32, cause: Refusal, bytes: &[u8]) {
        self.time.store(time, Ordering::Relaxed);
        self.request.store(join(block.value(), length), Ordering::Relaxed);
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            u64::from_le_bytes(word)
        });
        for (to, from) in self.bytes.iter().zip(words.chain(core::iter::repeat(0))) {
            to.store(from, Ordering::Relaxed);
        }
        let kept = u8::try_from(bytes.len()).unwrap_or(0);
        let cause = u64::from_le_bytes([cause.index().wrapping_add(1), kept, 0, 0, 0, 0, 0, 0]);
        self.cause.store(cause, Ordering::Relaxed);
    }

    pub(crate) fn clear(&self) {
        for word in [&self.time, &self.request, &self.cause].into_iter().chain(&self.bytes) {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Copies the bytes to the beginning of `out`.
    pub(crate) fn read(&self, out: &mut [u8]) -> Option<Evidence> {
        let [cause, kept, ..] = self.cause.load(Ordering::Relaxed).to_le_bytes();
        let cause = cause.checked_sub(1)?;
        let [a, b, c, d, rest @ ..] = self.request.load(Ordering::Relaxed).to_le_bytes();
        let bytes = self.bytes.iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes());
        for (to, from) in out.iter_mut().zip(bytes.take(usize::from(kept))) {
            *to = from;
        }
        Some(Evidence {
            time: self.time.load(Ordering::Relaxed),
            block: BlockId::new(u32::from_le_bytes([a, b, c, d])),
            length: u32::from_le_bytes(rest),
            cause,
            kept,
        })
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::EvidenceBox;
    use crate::block::BlockId;
    use crate::refusal::Refusal;

    #[test]
    fn evidence_is_kept_whole_and_cleared_whole() {
        let evidence = EvidenceBox::new();
        let mut out = [0xA5; 4];
        assert_eq!(evidence.read(&mut out), None);
        evidence.keep(9, BlockId::new(7), 0xFFFF_FFFF, Refusal::NotStarted, b"abc");
        let read = evidence.read(&mut out).expect("it was kept");
        assert_eq!((read.time, read.block.value(), read.length), (9, 7, 0xFFFF_FFFF));
        assert_eq!((read.cause, read.kept), (0, 3));
        assert_eq!(&out, b"abc\xA5");
        evidence.clear();
        assert_eq!(evidence.read(&mut out), None);
    }
}
