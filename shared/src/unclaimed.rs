//! Unclaimed blocks: what becomes of a block id that nobody registered.
//!
//! The PF decides once, when its [`HandlerTable`](crate::HandlerTable) is made. Either such a call is refused, or a
//! default service stores what is written and asks nobody. The guest chooses the ids, so the room is bounded: slots of
//! each VF's own store are set aside, and a VF that names more ids than that is refused by name. One VF's ids take
//! nothing from another VF, and nothing from blocks that are registered.
//!
//! A slot that is set aside belongs to the first id that is written to it, until the VF is reset or the id is registered.
//! INVARIANT: no handler ever serves such a slot, so the word of its counters that would hold handler time names the block
//! instead. It is what says to whom the slot belongs, to the caller inside the gate and to anybody who looks.

use core::ops::Range;

use crate::block::BlockId;
use crate::block_store::BlockStore;
use crate::dispatch_view::Route;
use crate::schema::{ReadSource, Schema, SchemaBuilder};

/// Says what becomes of calls for blocks that are not registered.
///
/// A stored block has any length from 1 to 128 and is paid for from the bucket of
/// [`RateClass::Standard`](crate::RateClass::Standard). The PF side reads it with
/// [`PhysicalFunction::written_content`](crate::PhysicalFunction::written_content).
///
/// ```
/// use backchannel::{HandlerTable, Unclaimed};
///
/// // Each VF may leave up to four blocks of its own choice, and read them back.
/// static TABLE: HandlerTable<'static, spin::mutex::Mutex<()>, 64> =
///     HandlerTable::new(&[]).with_unclaimed(Unclaimed::Echo(4));
/// assert_eq!(TABLE.unclaimed(), Unclaimed::Echo(4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclaimed {
    /// They are refused; the default.
    Refuse,
    /// Writes to so many ids of each VF are stored. The VF reads none of them.
    Store(u8),
    /// As `Store`, and the VF reads back what it wrote; zeros before the first time.
    Echo(u8),
}

impl Unclaimed {
    /// The slots that are set aside in each VF's store: the last ones. More than there are is all of them.
    pub(crate) fn places<const BLOCKS: usize>(self) -> Range<u8> {
        let wanted = match self {
            Self::Refuse => 0,
            Self::Store(slots) | Self::Echo(slots) => slots,
        };
        let blocks = u8::try_from(BLOCKS).unwrap_or(0);
        blocks.saturating_sub(wanted)..blocks
    }

    /// The same slots, one bit each.
    pub(crate) fn mask<const BLOCKS: usize>(self) -> u64 {
        self.places::<BLOCKS>().fold(0, |mask, place| mask | 1_u64.wrapping_shl(u32::from(place)))
    }

    /// What the data path must know of an unclaimed block; `None` if it is refused. The block is `slot`'s, if it has one.
    pub(crate) fn route(self, block: BlockId, slot: Option<u8>) -> Option<Route> {
        match self {
            Self::Refuse => None,
            Self::Store(_) => Some(STORED.of(block, slot)),
            Self::Echo(_) => Some(ECHOED.of(block, slot)),
        }
    }

    /// Finds the slot of an unclaimed block.
    pub(crate) fn find<const BLOCKS: usize>(self, store: &BlockStore<BLOCKS>, block: BlockId) -> Option<u8> {
        self.places::<BLOCKS>().find(|place| owner(store, *place) == Some(block))
    }

    /// Gives a free slot to an unclaimed block; `None` if all are in use.
    ///
    /// Called inside the gate only.
    pub(crate) fn take<const BLOCKS: usize>(self, store: &BlockStore<BLOCKS>, block: BlockId) -> Option<u8> {
        let free = self.places::<BLOCKS>().find(|place| owner(store, *place).is_none())?;
        store.counters(free)?.name(block);
        Some(free)
    }

    /// Takes back the slots of blocks that `is_over` names, and wipes them.
    ///
    /// LOCK: the VF's leaf lock is held, and no caller inside the gate uses those slots.
    #[inline(never)]
    pub(crate) fn take_back<const BLOCKS: usize>(
        self,
        store: &BlockStore<BLOCKS>,
        is_over: &dyn Fn(BlockId) -> bool,
    ) {
        for place in self.places::<BLOCKS>().filter(|place| owner(store, *place).is_some_and(is_over)) {
            store.wipe(place);
            if let Some(counters) = store.counters(place) {
                counters.clear();
            }
        }
    }
}

fn owner<const BLOCKS: usize>(store: &BlockStore<BLOCKS>, place: u8) -> Option<BlockId> {
    store.counters(place)?.named()
}

/// Routes of the default services; no registration, so number 0.
const STORED: Route = default_route(Schema::written(BlockId::new(0)));
const ECHOED: Route = default_route(Schema::exchanged(BlockId::new(0), ReadSource::Echo));

const fn default_route(schema: SchemaBuilder) -> Route {
    match schema.lengths(1, 128, 1).build() {
        Ok(schema) => Route::new(&schema, 0, None, None, None),
        Err(_) => Route::VACANT,
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::Unclaimed;
    use crate::block::BlockId;
    use crate::block_store::{BlockStore, Writer};
    use crate::dispatch_view::rule;
    use crate::vf::Generation;

    #[test]
    fn slots_set_aside_are_the_last_of_the_store_and_never_more_than_there_are() {
        assert_eq!(Unclaimed::Refuse.places::<64>(), 64..64);
        assert_eq!(Unclaimed::Store(3).places::<64>(), 61..64);
        assert_eq!(Unclaimed::Echo(255).places::<64>(), 0..64);
        assert_eq!((Unclaimed::Refuse.mask::<64>(), Unclaimed::Store(64).mask::<64>()), (0, u64::MAX));
        assert_eq!(Unclaimed::Echo(3).mask::<8>(), 0b1110_0000);
    }

    #[test]
    fn only_an_echo_is_read() {
        let block = BlockId::new(9);
        assert_eq!(Unclaimed::Refuse.route(block, None), None);
        let stored = Unclaimed::Store(1).route(block, Some(4)).expect("it is served");
        assert!(stored.has(rule::WRITTEN) && !stored.has(rule::READ));
        assert_eq!((stored.handler(), stored.written_slot()), (None, Some(4)));
        let echo = Unclaimed::Echo(1).route(block, None).expect("it is served");
        assert!(echo.has(rule::WRITTEN) && echo.has(rule::READ) && echo.has(rule::ECHO));
        assert!(
            echo.allows(1) && echo.allows(77) && echo.allows(128) && !echo.allows(0) && !echo.allows(129)
        );
    }

    #[test]
    fn slot_is_its_blocks_until_it_is_taken_back_and_then_nobodys() {
        let (store, unclaimed) = (BlockStore::<4>::new(), Unclaimed::Store(2));
        let [zero, last, third] = [0, u32::MAX, 7].map(BlockId::new);
        assert_eq!(unclaimed.take(&store, zero), Some(2));
        assert_eq!(unclaimed.take(&store, last), Some(3));
        assert_eq!(unclaimed.take(&store, third), None, "both are in use");
        assert_eq!((unclaimed.find(&store, zero), unclaimed.find(&store, last)), (Some(2), Some(3)));
        assert_eq!(unclaimed.find(&store, third), None);
        store.set(3, &[0xEE; 128], Writer::Vf, Generation::new(0), 0);
        unclaimed.take_back(&store, &|block| block == last);
        assert_eq!((unclaimed.find(&store, zero), unclaimed.find(&store, last)), (Some(2), None));
        let mut bytes = [0xA5; 128];
        let _stamp = store.copy(3, &mut bytes).expect("nobody writes");
        assert_eq!(bytes, [0; 128]);
        assert_eq!(unclaimed.take(&store, third), Some(3));
    }
}
