//! Memory that the VSP lends to the PF for one call.
//!
//! A lent buffer ends exactly at an inaccessible page, so that a touch behind it faults where it happens; the
//! bytes in front of it hold a pattern that is looked at when the buffer comes back.

use crate::judge::{self, Rule};
use crate::memory::{self, Fill, Pool};

/// Pages to lend from; one buffer at a time.
#[derive(Debug)]
pub struct Lender {
    first: *mut u8,
    capacity: usize,
}

/// A buffer that the PF may use.
#[derive(Debug)]
pub struct Lent<'a> {
    lender: &'a mut Lender,
    length: usize,
}

// SAFETY: the pages belong to the lender alone; it hands them out by `&mut`.
unsafe impl Send for Lender {}

impl Lender {
    /// Pages for buffers of up to `longest` bytes, at least one page.
    pub fn new(longest: usize) -> Self {
        let capacity = longest.max(1).next_multiple_of(memory::pages::PAGE);
        Self { first: memory::allocate(capacity, TAG, Pool::NonPaged, Fill::Zero), capacity }
    }

    /// A buffer that holds `content` and is as long; pages that are too few are replaced by more.
    pub fn lend(&mut self, content: &[u8]) -> Lent<'_> {
        if content.len() > self.capacity {
            *self = Self::new(content.len());
        }
        let pages = self.bytes();
        let front = pages.len() - content.len();
        pages[..front].fill(FRONT);
        pages[front..].copy_from_slice(content);
        Lent { lender: self, length: content.len() }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the block has `capacity` bytes, is the lender's alone, and no call has it while this
        // borrow lives: a `Lent` holds the lender.
        unsafe { std::slice::from_raw_parts_mut(self.first, self.capacity) }
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        memory::free(self.first.addr(), Some(TAG));
    }
}

impl Lent<'_> {
    /// What the PF is given; not to be followed by the VSP while the call runs.
    pub fn pointer(&self) -> *mut u8 {
        self.lender.first.wrapping_add(self.lender.capacity - self.length)
    }

    /// Takes the buffer back after a call of `function`, named `routine`, and returns what it holds.
    ///
    /// Breaks [`Rule::PoolOverrun`] when bytes in front of the buffer were changed.
    pub fn back(self, routine: &'static str, function: usize) -> Vec<u8> {
        let pages = self.lender.bytes();
        let (front, content) = pages.split_at(pages.len() - self.length);
        if let Some(index) = front.iter().rposition(|byte| *byte != FRONT) {
            let distance = front.len() - index;
            let detail =
                format!("changed a byte {distance} bytes before the buffer of {} bytes", content.len());
            judge::violation_at(Rule::PoolOverrun, routine, function, detail);
        }
        content.to_vec()
    }
}

const TAG: u32 = u32::from_le_bytes(*b"VspB");
const FRONT: u8 = 0x5C;

#[cfg(test)]
mod tests {
    use super::Lender;
    use crate::memory::pages::PAGE;

    #[test]
    fn lent_buffer_ends_at_a_page_and_holds_the_content() {
        let mut lender = Lender::new(128);
        let lent = lender.lend(&[1, 2, 3]);
        let pointer = lent.pointer();
        assert_eq!((pointer.addr() + 3) % PAGE, 0);
        // SAFETY: three bytes were lent.
        unsafe { pointer.add(1).write(0xFF) };
        assert_eq!(lent.back("", 0), [1, 0xFF, 3]);
    }

    #[test]
    fn buffer_of_no_bytes_points_at_the_inaccessible_page() {
        let mut lender = Lender::new(0);
        let lent = lender.lend(&[]);
        assert_eq!(lent.pointer().addr() % PAGE, 0);
        assert!(!lent.pointer().is_null());
        assert_eq!(lent.back("", 0), [0; 0]);
    }

    #[test]
    fn lender_grows_with_what_it_is_asked_for() {
        let mut lender = Lender::new(0);
        for content in [vec![7; PAGE], vec![8; 2 * PAGE + 1], vec![9; 1]] {
            assert_eq!(lender.lend(&content).back("", 0), content);
        }
    }
}
