//! A caller's buffer, as seen from inside: something to copy from once, or to fill.
//!
//! Nobody in the engine ever holds a reference to a caller's bytes. The buffer may be memory that the guest can change
//! at any time; a `&[u8]` to it would be undefined behaviour, and looking twice would be a double fetch. The arguments
//! arrive here exactly as the VSP gave them; the engine does all checking.

use crate::block::BLOCK_SIZE;

/// The buffer of a write.
pub trait Source {
    /// Says whether the buffer is NULL.
    fn is_null(&self) -> bool;

    /// Gives the length in bytes as the caller stated it.
    fn length(&self) -> u32;

    /// Copies as many bytes as `staging` has.
    ///
    /// Called at most once, only if the buffer is not NULL and the stated length is 1 to 128, with `staging` of exactly
    /// that length.
    fn copy_to(&self, staging: &mut [u8]);
}

/// The buffer of a read.
pub trait Sink {
    /// Says whether the buffer is NULL.
    fn is_null(&self) -> bool;

    /// Gives the length in bytes as the caller stated it.
    fn length(&self) -> u32;

    /// Writes all bytes of the buffer: first `content`, then zeros up to the stated length.
    ///
    /// Called exactly once if the buffer is not NULL and the stated length is 1 to 128, else never; `content` is at most
    /// that long, and empty when the read was refused.
    fn fill(&mut self, content: &[u8]);
}

/// A slice of the engine's own memory serves as a source, for callers inside the PF driver and for tests.
impl Source for &[u8] {
    fn is_null(&self) -> bool {
        false
    }

    fn length(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    fn copy_to(&self, staging: &mut [u8]) {
        if let Some(bytes) = self.get(..staging.len()) {
            staging.copy_from_slice(bytes);
        }
    }
}

/// A mutable slice of the engine's own memory serves as a sink.
impl Sink for &mut [u8] {
    fn is_null(&self) -> bool {
        false
    }

    fn length(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    fn fill(&mut self, content: &[u8]) {
        let tail = content.len().min(self.len());
        let (head, tail) = self.split_at_mut(tail);
        for (to, from) in head.iter_mut().zip(content) {
            *to = *from;
        }
        tail.fill(0);
    }
}

/// Bytes on their way between a caller's buffer and a handler; one for each VF, used by whoever is inside its gate.
pub(crate) type Staging = [u8; BLOCK_SIZE];
