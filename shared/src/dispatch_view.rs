//! The dispatch view: one VF's own copy of the handler table.
//!
//! It lies behind the VF's gate, so a call finds its handler without touching anything that another VF touches. It is
//! refreshed inside the gate when the table's epoch has moved on. Handlers appear in it as indexes, so that zeroed
//! memory is a valid, empty view.

use crate::block::BlockId;
use crate::schema::{RateClass, ReadSource, ResetRule, Schema, Shed};

/// Leads from a block id to what the data path must know about the block.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct DispatchView<const BLOCKS: usize> {
    /// Open addressing over twice as many places as routes: one more than the place of the route, or 0.
    buckets: [[u8; 2]; BLOCKS],
    routes: [Route; BLOCKS],
}

/// One registration, packed. All-zero is vacant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Route {
    pub(crate) id: u32,
    /// Tells registrations apart; never 0 while registered.
    pub(crate) registration: u32,
    rules: u16,
    handler: u8,
    minimum: u8,
    maximum: u8,
    step: u8,
    written: u8,
    published: u8,
}

impl<const BLOCKS: usize> DispatchView<BLOCKS> {
    pub(crate) const fn new() -> Self {
        Self { buckets: [[0; 2]; BLOCKS], routes: [Route::VACANT; BLOCKS] }
    }

    /// Replaces the view by `routes`, each with its place.
    pub(crate) fn refresh(&mut self, routes: impl Iterator<Item = (u8, Route)>) {
        self.buckets.as_flattened_mut().fill(0);
        self.routes.fill(Route::VACANT);
        for (place, route) in routes {
            if let Some(to) = self.routes.get_mut(usize::from(place)) {
                *to = route;
                self.index(route.id, place.wrapping_add(1));
            }
        }
    }

    /// Finds the route of a block, and its place.
    #[inline]
    pub(crate) fn find(&self, id: BlockId) -> Option<(u8, &Route)> {
        let buckets = self.buckets.as_flattened();
        let mut bucket = first_bucket(id.value(), buckets.len());
        // There are twice as many buckets as routes, so an empty one ends each search.
        loop {
            let place = buckets.get(bucket)?.checked_sub(1)?;
            let route = self.routes.get(usize::from(place))?;
            if route.id == id.value() {
                return Some((place, route));
            }
            bucket = bucket.wrapping_add(1).checked_rem(buckets.len())?;
        }
    }

    pub(crate) fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().filter(|route| route.registration != 0)
    }

    fn index(&mut self, id: u32, entry: u8) {
        let buckets = self.buckets.as_flattened_mut();
        let first = first_bucket(id, buckets.len());
        let Some((before, from)) = buckets.split_at_mut_checked(first) else { return };
        if let Some(free) = from.iter_mut().chain(before).find(|bucket| **bucket == 0) {
            *free = entry;
        }
    }
}

/// Multiplies by 2^32 / golden ratio, which spreads small ids as well as ids that differ in high bits only.
fn first_bucket(id: u32, buckets: usize) -> usize {
    let [_, _, low, high] = id.wrapping_mul(0x9E37_79B1).to_le_bytes();
    usize::from(u16::from_le_bytes([low, high])).checked_rem(buckets).unwrap_or(0)
}

impl Route {
    /// The same route, on which VFs may read and write or not.
    pub(crate) const fn permitting(self, reads: bool, writes: bool) -> Self {
        let mut rules = self.rules & !(rule::READ | rule::WRITTEN);
        if reads {
            rules |= rule::READ;
        }
        if writes {
            rules |= rule::WRITTEN;
        }
        Self { rules, ..self }
    }

    pub(crate) const VACANT: Self = Self {
        id: 0,
        registration: 0,
        rules: 0,
        handler: 0,
        minimum: 0,
        maximum: 0,
        step: 0,
        written: 0,
        published: 0,
    };

    pub(crate) const fn new(
        schema: &Schema,
        registration: u32,
        handler: Option<u8>,
        written: Option<u8>,
        published: Option<u8>,
    ) -> Self {
        Self {
            id: schema.id.value(),
            registration,
            rules: rules_of(schema),
            handler: one_more(handler),
            minimum: schema.minimum,
            maximum: schema.maximum,
            step: schema.step,
            written: one_more(written),
            published: one_more(published),
        }
    }

    /// The same rules for another block, written to another slot.
    pub(crate) const fn of(mut self, block: BlockId, written: Option<u8>) -> Self {
        self.id = block.value();
        self.written = one_more(written);
        self
    }

    /// The index of the handler; `None` for a block that is only stored.
    pub(crate) const fn handler(&self) -> Option<u8> {
        self.handler.checked_sub(1)
    }

    pub(crate) const fn written_slot(&self) -> Option<u8> {
        self.written.checked_sub(1)
    }

    pub(crate) const fn published_slot(&self) -> Option<u8> {
        self.published.checked_sub(1)
    }

    pub(crate) const fn has(&self, rule: u16) -> bool {
        self.rules & rule != 0
    }

    /// Says whether the route is in service and has the rule, in one comparison.
    pub(crate) const fn serves(&self, rule: u16) -> bool {
        self.rules & (rule::DRAINING | rule::STUCK | rule) == rule
    }

    pub(crate) const fn with_handler(mut self, registration: u32, handler: Option<u8>) -> Self {
        self.registration = registration;
        self.handler = one_more(handler);
        self.without(rule::STUCK)
    }

    pub(crate) const fn without(mut self, rule: u16) -> Self {
        self.rules &= !rule;
        self
    }

    pub(crate) const fn with(mut self, rule: u16) -> Self {
        self.rules |= rule;
        self
    }

    pub(crate) const fn minimum(&self) -> u8 {
        self.minimum
    }

    pub(crate) fn rate(&self) -> RateClass {
        // A table instead of a match: each call comes by, and a match becomes an indirect jump.
        const CLASSES: [RateClass; 4] =
            [RateClass::Standard, RateClass::Control, RateClass::Bulk, RateClass::Unlimited];
        CLASSES.get(usize::from(self.rules >> RATE_SHIFT & 3)).copied().unwrap_or(RateClass::Unlimited)
    }

    pub(crate) const fn shed(&self) -> Shed {
        match self.rules >> SHED_SHIFT & 3 {
            1 => Shed::DropWithSuccess,
            2 => Shed::Delay,
            _ => Shed::Refuse,
        }
    }

    pub(crate) const fn allows(&self, length: u8) -> bool {
        match length.checked_sub(self.minimum) {
            Some(above) => {
                length <= self.maximum && (self.step == 1 || matches!(above.checked_rem(self.step), Some(0)))
            }
            None => false,
        }
    }
}

/// Bits of [`Route::has`].
pub(crate) mod rule {
    pub(crate) const WRITTEN: u16 = 1;
    pub(crate) const READ: u16 = 1 << 1;
    pub(crate) const ASKS_HANDLER: u16 = 1 << 2;
    pub(crate) const ECHO: u16 = 1 << 3;
    pub(crate) const TRUNCATABLE: u16 = 1 << 4;
    pub(crate) const DEFERRED: u16 = 1 << 5;
    pub(crate) const KEEP: u16 = 1 << 6;
    pub(crate) const DRAINING: u16 = 1 << 7;
    pub(crate) const STUCK: u16 = 1 << 8;
}

const RATE_SHIFT: u32 = 12;
const SHED_SHIFT: u32 = 14;

const fn one_more(index: Option<u8>) -> u8 {
    match index {
        Some(index) => index.wrapping_add(1),
        None => 0,
    }
}

const fn rules_of(schema: &Schema) -> u16 {
    let mut rules = 0;
    if schema.is_written() {
        rules |= rule::WRITTEN;
    }
    if schema.is_read() {
        rules |= rule::READ;
        match schema.source {
            ReadSource::Published => {}
            ReadSource::Handler => rules |= rule::ASKS_HANDLER,
            ReadSource::Echo => rules |= rule::ECHO,
        }
    }
    if schema.truncatable {
        rules |= rule::TRUNCATABLE;
    }
    if schema.deferred {
        rules |= rule::DEFERRED;
    }
    if matches!(schema.reset, ResetRule::Keep) {
        rules |= rule::KEEP;
    }
    let rate: u16 = match schema.rate {
        RateClass::Standard => 0,
        RateClass::Control => 1,
        RateClass::Bulk => 2,
        RateClass::Unlimited => 3,
    };
    let shed: u16 = match schema.shed {
        Shed::Refuse => 0,
        Shed::DropWithSuccess => 1,
        Shed::Delay => 2,
    };
    rules | rate << RATE_SHIFT | shed << SHED_SHIFT
}

const _: () = assert!(size_of::<Route>() == 16, "the budget of a VF counts 16 bytes a route");

#[cfg(test)]
mod tests {
    use super::{DispatchView, Route, rule};
    use crate::block::BlockId;
    use crate::schema::{RateClass, ReadSource, Schema, Shed};

    fn route(id: u32, registration: u32) -> Route {
        let schema = Schema::written(BlockId::new(id)).length(8).build().expect("the schema is right");
        Route::new(&schema, registration, Some(0), Some(0), None)
    }

    #[test]
    fn zeroed_view_finds_nothing() {
        let view = DispatchView::<64>::new();
        assert_eq!(view.find(BlockId::new(0)), None);
        assert_eq!(view.routes().count(), 0);
    }

    #[test]
    fn each_of_64_routes_is_found_and_no_other_id() {
        let mut view = DispatchView::<64>::new();
        let ids: Vec<u32> = (0..64_u32).map(|n| if n % 2 == 0 { n } else { n << 24 }).collect();
        let routes = (0..64_u8).zip(&ids).map(|(place, id)| (place, route(*id, u32::from(place) + 1)));
        view.refresh(routes);
        for (place, id) in (0..64_u8).zip(&ids) {
            let found = view.find(BlockId::new(*id)).expect("it was put in");
            assert_eq!((found.0, found.1.id), (place, *id));
        }
        for id in 64..100_000 {
            assert_eq!(view.find(BlockId::new(id)), None);
        }
    }

    #[test]
    fn permission_decides_over_reads_and_writes_and_nothing_else() {
        let schema = Schema::exchanged(BlockId::new(9), ReadSource::Echo).length(4).rate(RateClass::Control);
        let route = Route::new(&schema.build().expect("it is right"), 3, Some(2), Some(1), None);
        for (reads, writes) in [(false, false), (true, false), (false, true), (true, true)] {
            let permitted = route.permitting(reads, writes);
            assert_eq!((permitted.has(rule::READ), permitted.has(rule::WRITTEN)), (reads, writes));
            assert_eq!((permitted.serves(rule::READ), permitted.serves(rule::WRITTEN)), (reads, writes));
            assert!(permitted.has(rule::ECHO) && permitted.rate() == RateClass::Control);
            assert_eq!((permitted.written_slot(), permitted.handler()), (Some(1), Some(2)));
        }
        assert_eq!(route.permitting(false, false).permitting(true, true), route);
        assert!(
            !route.with(rule::DRAINING).serves(rule::READ) && !route.with(rule::STUCK).serves(rule::READ)
        );
    }

    #[test]
    fn full_table_of_one_block_ends_its_search() {
        let mut view = DispatchView::<1>::new();
        view.refresh(core::iter::once((0, route(5, 1))));
        assert!(view.find(BlockId::new(5)).is_some());
        assert_eq!(view.find(BlockId::new(6)), None);
    }

    #[test]
    fn route_remembers_what_the_schema_said() {
        let schema = Schema::exchanged(BlockId::new(9), ReadSource::Handler)
            .lengths(4, 16, 4)
            .rate(RateClass::Bulk)
            .shed(Shed::Delay)
            .truncatable()
            .deferred()
            .build()
            .expect("the schema is right");
        let route = Route::new(&schema, 3, Some(2), None, None);
        assert!(route.has(rule::READ) && route.has(rule::ASKS_HANDLER) && route.has(rule::TRUNCATABLE));
        assert!(route.has(rule::DEFERRED) && route.has(rule::WRITTEN) && !route.has(rule::KEEP));
        assert_eq!((route.rate(), route.shed(), route.handler()), (RateClass::Bulk, Shed::Delay, Some(2)));
        assert_eq!((route.written_slot(), route.published_slot()), (None, None));
        assert!(
            route.allows(4) && route.allows(16) && !route.allows(6) && !route.allows(20) && !route.allows(3)
        );
    }
}
