//! Memory that handlers keep about a VF: brought by the host, lent for a call, wiped when the VF changes hands.
//!
//! A handler is one for all PFs and all VFs, and is not told when memory for a VF comes or goes. So it states how many
//! bytes it keeps about each VF ([`BlockHandler::memory`](crate::BlockHandler::memory)); the host brings them for each PF
//! and VF, all zero; and a call lends the handler's own part for the VF that makes it
//! ([`Call::with_memory`](crate::Call::with_memory)). What one VF sent is out of reach for calls of any other, and a
//! handler that forgets to forget at a reset leaks nothing: the engine wipes the memory before the next tenant's first
//! call.

use core::fmt;
use core::mem;

use lock_api::{Mutex, RawMutex};

/// Holds what all handlers keep about one VF, one handler's part after the other.
///
/// LOCK: a leaf lock, held to take the memory out and to put it back. It is never waited for: whoever takes the memory is
/// inside the VF's gate.
///
/// ```
/// use backchannel::VfMemory;
///
/// // For two VFs, whose handlers keep 64 bytes about each.
/// let mut bytes = [0; 128];
/// let memory: Vec<VfMemory<'_, spin::mutex::Mutex<()>>> = bytes.chunks_mut(64).map(VfMemory::new).collect();
/// assert_eq!(memory.len(), 2);
/// ```
pub struct VfMemory<'a, R> {
    bytes: Mutex<R, &'a mut [u8]>,
}

impl<'a, R: RawMutex> VfMemory<'a, R> {
    /// Takes memory of zeros, of the length that [`HandlerTable::memory`](crate::HandlerTable::memory) gives.
    #[must_use]
    pub fn new(zeroed: &'a mut [u8]) -> Self {
        Self { bytes: Mutex::new(zeroed) }
    }

    /// Lends the bytes without the lock; a second time, while they are lent, none are there.
    ///
    /// Called inside the VF's gate only.
    pub(crate) fn lend(&self, act: impl FnOnce(&mut [u8])) {
        let bytes = mem::take(&mut *self.bytes.lock());
        act(bytes);
        *self.bytes.lock() = bytes;
    }
}

/// A guest's bytes are not printed.
impl<R> fmt::Debug for VfMemory<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VfMemory").finish_non_exhaustive()
    }
}
