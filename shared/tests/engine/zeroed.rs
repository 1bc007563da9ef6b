//! A VF made of zeroed memory, as a driver makes it.
#![expect(unsafe_code, reason = "memory that was never written by a constructor becomes a VF")]

use backchannel::{
    BlockId, Gate, Gated, HandlerTable, NtStatus, Owned, Pass, PhysicalFunction, ReadSource, Schema, Service,
    VfCount, VfIndex, VfState, VirtualFunction,
};
use std::alloc::{Layout, alloc_zeroed};
use std::cell::UnsafeCell;
use std::ptr::NonNull;

use super::host::{LeafLock, ThreadHost};

/// The cell as a driver has it.
#[repr(C)]
struct RawRoom {
    gate: Gate,
    owned: UnsafeCell<Owned<64>>,
}

// SAFETY: the cell is opened against the one pass of its gate only.
unsafe impl Sync for RawRoom {}

impl Gated<64> for RawRoom {
    type Guard<'a> = &'a mut Owned<64>;

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn open<'a>(&'a self, pass: &'a mut Pass<'_>) -> Option<Self::Guard<'a>> {
        if !pass.is_of(&self.gate) {
            return None;
        }
        // SAFETY: there is one pass for this gate, and it is lent as long as this.
        Some(unsafe { &mut *self.owned.get() })
    }
}

type RawVf = VirtualFunction<RawRoom, LeafLock, 64>;

fn zeroed_vfs(count: usize) -> &'static [RawVf] {
    let layout = Layout::array::<RawVf>(count).unwrap();
    // SAFETY: the layout is not empty.
    let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("there is memory");
    let vfs = NonNull::slice_from_raw_parts(memory.cast::<RawVf>(), count);
    // SAFETY: the memory has the layout of the array, is never freed, and all-zero is a valid VF.
    unsafe { vfs.as_ref() }
}

#[test]
fn zeroed_memory_is_an_absent_vf_that_was_never_called_and_serves_after_the_start() {
    static TABLE: HandlerTable<'static, LeafLock, 64> = HandlerTable::new(&[]);
    let host = ThreadHost::new();
    let pf = PhysicalFunction::new(zeroed_vfs(3), &TABLE);
    let index: VfIndex = pf.index(2).unwrap();
    assert_eq!(pf.vf_state(index), VfState::Absent);
    assert_eq!(pf.write(2, 1, &&[0_u8; 4][..], &host), NtStatus::DEVICE_NOT_READY);
    let echo = Schema::exchanged(BlockId::new(0), ReadSource::Echo).length(4).build().unwrap();
    pf.register(&echo, Service::StoreOnly).unwrap();
    pf.start(VfCount::new(3), &host).unwrap();
    let mut bytes = [0xA5; 4];
    assert_eq!(pf.read(2, 0, &mut &mut bytes[..], &host), NtStatus::SUCCESS);
    assert_eq!(bytes, [0; 4]);
    assert_eq!(pf.write(2, 0, &&[7_u8; 4][..], &host), NtStatus::SUCCESS);
    assert_eq!(pf.read(2, 0, &mut &mut bytes[..], &host), NtStatus::SUCCESS);
    assert_eq!(bytes, [7; 4]);
    assert!(pf.stop(u64::MAX, &host));
}

#[test]
fn vf_is_aligned_to_cache_lines_and_within_its_budget() {
    assert!(align_of::<RawVf>() >= 64);
    assert!(size_of::<RawVf>() <= 16 * 1024);
    assert_ne!(size_of::<RawVf>() % 4096, 0);
}
