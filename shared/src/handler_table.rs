//! The handler table: the master list of which handler serves which block.
//!
//! It is touched when a handler is registered, replaced or unregistered, and when a VF renews its dispatch view; never
//! by a call. Handlers are a fixed slice: those compiled in, and the places that a host keeps for handlers that come at
//! run time. A registration binds a block to one of them.
//!
//! ```text
//!            register             begin_unregister            end_unregister
//!   Vacant -----------> Serving -----------------> Draining -----------------> Vacant
//!                        |   ^                        |  ^
//!                        +---+ replace                +--+ a call is still inside, and time ran out
//! ```
//!
//! LOCK: the lock is a leaf; no other lock and no handler call happens under it.

mod errors;
mod permission;

pub use errors::{RegisterError, UnregisterError};
pub use permission::Permission;

use core::fmt;
use core::ops::Range;

use heapless::LinearMap;
use lock_api::{Mutex, RawMutex};

use crate::block::BlockId;
use crate::dispatch_view::{DispatchView, Route, rule};
use crate::handler::BlockHandler;
use crate::schema::Schema;
use crate::sync::{AtomicU32, Ordering, const_new};
use crate::unclaimed::Unclaimed;

/// Holds up to `BLOCKS` registrations.
///
/// It is made as a constant, so that it need not pass over a kernel stack: as a `static`, or copied byte by byte from
/// one into a driver's own memory.
pub struct HandlerTable<'h, R, const BLOCKS: usize> {
    handlers: &'h [&'h dyn BlockHandler],
    unclaimed: Unclaimed,
    late_handlers: Option<&'h dyn LateHandlers>,
    /// Moves on with every change; read by every call, written by none.
    epoch: AtomicU32,
    master: Mutex<R, Master<BLOCKS>>,
}

/// Handlers that come at run time: they have the places after those of the handlers that a table was made of.
pub trait LateHandlers: Sync {
    /// Gives the handler at a place, counted from 0; `None` beyond the last place.
    ///
    /// A place that no registration names is never called.
    fn handler(&self, place: u8) -> Option<&dyn BlockHandler>;
}

/// A rule that a handler broke; what a registration was blamed for is a mask of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// A call took longer than the time budget.
    Late,
    /// A call answered with something that is no answer.
    NoAnswer,
}

/// What a block is served by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The handler at this place of the slice that the table was made of.
    Handler(u8),
    /// Nobody: writes are stored, and that is all.
    StoreOnly,
}

struct Master<const BLOCKS: usize> {
    registered: LinearMap<BlockId, Registered, BLOCKS>,
    last_registration: u32,
    /// Places of routes in use, one bit each.
    places: u64,
    /// Slots of the block store in use, one bit each.
    slots: u64,
}

#[derive(Clone, Copy)]
struct Registered {
    schema: Schema,
    place: u8,
    /// How many calls have been inside the handler for longer than its time budget.
    stuck: u16,
    /// How often the handler was blamed, and what for.
    blamed: u32,
    blames: u32,
    route: Route,
}

/// A registration that was taken out of service and is drained now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draining {
    pub(crate) registration: u32,
    pub(crate) written: Option<u8>,
    pub(crate) published: Option<u8>,
    pub(crate) place: u8,
}

/// What publishing has to know of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) schema: Schema,
    pub(crate) slot: Option<u8>,
    pub(crate) epoch: u32,
}

impl<'h, R: RawMutex, const BLOCKS: usize> HandlerTable<'h, R, BLOCKS> {
    const_new! {
        /// Makes a table without registrations over the handlers that there are; those beyond 255 cannot be used.
        #[must_use]
        pub fn new(handlers: &'h [&'h dyn BlockHandler]) -> Self {
            const {
                assert!(BLOCKS >= 1 && BLOCKS <= 64, "places are bits of a 64-bit mask");
            }
            Self {
                handlers,
                unclaimed: Unclaimed::Refuse,
                late_handlers: None,
                // A zeroed view has epoch 0 and so is renewed.
                epoch: AtomicU32::new(1),
                master: Mutex::new(Master { registered: LinearMap::new(), last_registration: 0, places: 0, slots: 0 }),
            }
        }
    }

    /// Sets aside a part of the table for blocks that nobody registers; without it they are refused.
    #[must_use]
    pub const fn with_unclaimed(mut self, unclaimed: Unclaimed) -> Self {
        self.unclaimed = unclaimed;
        self
    }

    /// Says what becomes of calls for blocks that are not registered.
    #[must_use]
    pub const fn unclaimed(&self) -> Unclaimed {
        self.unclaimed
    }

    /// Gives places to handlers that come at run time; [`Service::Handler`] counts them after the others.
    pub fn set_late_handlers(&mut self, handlers: &'h dyn LateHandlers) {
        self.late_handlers = Some(handlers);
    }

    /// Gives the number of the first handler that comes at run time.
    #[must_use]
    pub fn first_late_handler(&self) -> u8 {
        u8::try_from(self.handlers.len()).unwrap_or(u8::MAX)
    }

    /// Binds a block to a handler; calls that begin later reach it.
    ///
    /// # Errors
    ///
    /// See [`RegisterError`]; nothing has changed then.
    pub fn register(&self, schema: &Schema, service: Service) -> Result<(), RegisterError> {
        if !self.exists(service) {
            return Err(RegisterError::NoSuchHandler);
        }
        let handler = service.handler();
        let set_aside = self.unclaimed.mask::<BLOCKS>();
        let mut master = self.master.lock();
        if master.registered.contains_key(&schema.id) {
            return Err(RegisterError::Taken);
        }
        let place = lowest_free::<BLOCKS>(master.places | set_aside).ok_or(RegisterError::Full)?;
        if handler.is_none() && asks_handler(schema) {
            return Err(RegisterError::NeedsHandler);
        }
        let (written, published, slots) =
            master.reserve(schema, set_aside).ok_or(RegisterError::StoreFull)?;
        let registration = master.next_registration();
        let route = Route::new(schema, registration, handler, written, published);
        let entry = Registered { schema: *schema, place, stuck: 0, blamed: 0, blames: 0, route };
        master.registered.insert(schema.id, entry).map_err(|_| RegisterError::Full)?;
        master.places |= 1_u64.wrapping_shl(u32::from(place));
        master.slots |= slots;
        self.move_on();
        Ok(())
    }

    /// Gives the schema of a registered block.
    #[must_use]
    pub fn schema(&self, id: BlockId) -> Option<Schema> {
        self.master.lock().registered.get(&id).map(|entry| entry.schema)
    }

    /// Gives the number of registrations, those included that are draining.
    #[must_use]
    pub fn len(&self) -> usize {
        self.master.lock().registered.len()
    }

    /// Says whether nothing is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a block out of service: calls that begin later are refused. A draining block can be asked for again.
    pub(crate) fn begin_unregister(&self, id: BlockId) -> Option<Draining> {
        let mut master = self.master.lock();
        let entry = master.registered.get_mut(&id)?;
        entry.route = entry.route.with(rule::DRAINING);
        let draining = entry.draining();
        self.move_on();
        Some(draining)
    }

    /// Names the present registration of a block.
    pub(crate) fn registration(&self, id: BlockId) -> Option<u32> {
        self.master.lock().registered.get(&id).map(|entry| entry.route.registration)
    }

    /// Frees the place and the slots of a drained registration.
    pub(crate) fn end_unregister(&self, id: BlockId, draining: &Draining) {
        let mut master = self.master.lock();
        let drained = |entry: &Registered| entry.route.registration == draining.registration;
        if !master.registered.get(&id).is_some_and(drained) {
            return;
        }
        master.registered.retain(|present, _| *present != id);
        master.places &= !bit(Some(draining.place));
        master.slots &= !(bit(draining.written) | bit(draining.published));
        self.move_on();
    }

    /// Binds a block to another handler; gives the registration to drain.
    pub(crate) fn replace(&self, id: BlockId, service: Service) -> Result<u32, UnregisterError> {
        if !self.exists(service) {
            return Err(UnregisterError::NoSuchHandler);
        }
        let handler = service.handler();
        let mut master = self.master.lock();
        let registration = master.next_registration();
        let entry = master.registered.get_mut(&id).ok_or(UnregisterError::NotRegistered)?;
        if entry.route.has(rule::DRAINING) {
            return Err(UnregisterError::NotRegistered);
        }
        if handler.is_none() && asks_handler(&entry.schema) {
            return Err(UnregisterError::NoSuchHandler);
        }
        let before = entry.route.registration;
        entry.route = entry.route.with_handler(registration, handler);
        entry.stuck = 0;
        entry.blamed = 0;
        entry.blames = 0;
        self.move_on();
        Ok(before)
    }

    /// Takes a handler out of service as long as a call of it does not return. `is_inside` blames that call, if it still
    /// is inside; whoever was blamed calls [`recovered`](Self::recovered) once.
    ///
    /// LOCK: `is_inside` runs under the lock, so that the recovery comes after the blame.
    pub(crate) fn blame(&self, registration: u32, is_inside: impl FnOnce() -> bool) -> bool {
        let mut master = self.master.lock();
        let Some(entry) = master.of_registration(registration) else { return false };
        if !is_inside() {
            return false;
        }
        entry.stuck = entry.stuck.saturating_add(1);
        entry.note(Blame::Late);
        entry.route = entry.route.with(rule::STUCK);
        self.move_on();
        true
    }

    /// Remembers what a handler did wrong.
    #[cold]
    #[inline(never)]
    pub(crate) fn note(&self, registration: u32, blame: Blame) {
        if let Some(entry) = self.master.lock().of_registration(registration) {
            entry.note(blame);
        }
    }

    /// Says how often the handler of a block was blamed, and what for, as a mask of [`Blame::bit`].
    #[must_use]
    pub fn blames(&self, id: BlockId) -> Option<(u32, u32)> {
        self.master.lock().registered.get(&id).map(|entry| (entry.blamed, entry.blames))
    }

    /// Puts a handler back into service when the last of its late calls has returned.
    pub(crate) fn recovered(&self, registration: u32) {
        let mut master = self.master.lock();
        let Some(entry) = master.of_registration(registration) else { return };
        entry.stuck = entry.stuck.saturating_sub(1);
        if entry.stuck == 0 {
            entry.route = entry.route.without(rule::STUCK);
            self.move_on();
        }
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Renews a VF's view; gives the epoch that it shows.
    pub(crate) fn renew(&self, view: &mut DispatchView<BLOCKS>) -> u32 {
        let master = self.master.lock();
        let routes = master.registered.values().map(|entry| (entry.place, entry.route));
        view.refresh(routes);
        self.epoch.load(Ordering::Relaxed)
    }

    /// Gives the bytes that all handlers together keep about one VF: the length of a [`VfMemory`](crate::VfMemory).
    ///
    /// A multiple of 64. Each handler's part begins at a multiple of 64 in it.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.handlers.iter().fold(0, |sum, handler| lines(handler.memory()).saturating_add(sum))
    }

    /// Gives the part of that memory that is the handler's own.
    pub(crate) fn memory_of(&self, handler: u8) -> Range<usize> {
        let mut part = 0..0;
        for handler in self.handlers.iter().take(usize::from(handler).saturating_add(1)) {
            let start = lines(part.end);
            part = start..start.saturating_add(handler.memory());
        }
        part
    }

    pub(crate) fn handler(&self, index: u8) -> Option<&'h dyn BlockHandler> {
        match usize::from(index).checked_sub(self.handlers.len()) {
            None => self.handlers.get(usize::from(index)).copied(),
            Some(place) => self.late_handlers?.handler(u8::try_from(place).ok()?),
        }
    }

    /// Finds a block's published content; stale as soon as the epoch has moved on.
    pub(crate) fn published(&self, id: BlockId) -> Option<Published> {
        let master = self.master.lock();
        let entry = master.registered.get(&id)?;
        if entry.route.has(rule::DRAINING) {
            return None;
        }
        let epoch = self.epoch.load(Ordering::Relaxed);
        Some(Published { schema: entry.schema, slot: entry.route.published_slot(), epoch })
    }

    /// Finds where a block's content lies; stale as soon as the epoch has moved on.
    pub(crate) fn content(&self, id: BlockId) -> Option<(Route, u32)> {
        let master = self.master.lock();
        let entry = master.registered.get(&id)?;
        Some((entry.route, self.epoch.load(Ordering::Relaxed)))
    }

    /// The place of a block in the view, and so of its counters.
    pub(crate) fn place(&self, id: BlockId) -> Option<u8> {
        self.master.lock().registered.get(&id).map(|entry| entry.place)
    }

    /// The route of a block, for a caller that could not go into its gate.
    pub(crate) fn route(&self, id: BlockId) -> Option<Route> {
        self.master.lock().registered.get(&id).map(|entry| entry.route)
    }

    fn exists(&self, service: Service) -> bool {
        match service {
            Service::StoreOnly => true,
            Service::Handler(index) => index < u8::MAX && self.handler(index).is_some(),
        }
    }

    /// LOCK: called with the lock held, so the store is the only one; release, so that a view sees what changed.
    fn move_on(&self) {
        let next = self.epoch.load(Ordering::Relaxed).wrapping_add(1).max(1);
        self.epoch.store(next, Ordering::Release);
    }
}

impl<const BLOCKS: usize> Master<BLOCKS> {
    fn next_registration(&mut self) -> u32 {
        self.last_registration = match self.last_registration.wrapping_add(1) {
            0 | u32::MAX => 1,
            next => next,
        };
        self.last_registration
    }

    fn of_registration(&mut self, registration: u32) -> Option<&mut Registered> {
        self.registered.values_mut().find(|entry| entry.route.registration == registration)
    }

    /// Finds the slots that a schema needs, outside those that are set aside; gives a mask with them in it.
    fn reserve(&self, schema: &Schema, set_aside: u64) -> Option<(Option<u8>, Option<u8>, u64)> {
        let mut slots = self.slots | set_aside;
        let mut take = |needed: bool| {
            if !needed {
                return Some(None);
            }
            let slot = lowest_free::<BLOCKS>(slots)?;
            slots |= bit(Some(slot));
            Some(Some(slot))
        };
        let written = take(schema.is_written())?;
        let published = take(schema.is_published())?;
        Some((written, published, bit(written) | bit(published)))
    }
}

impl Service {
    const fn handler(self) -> Option<u8> {
        match self {
            Self::Handler(index) => Some(index),
            Self::StoreOnly => None,
        }
    }
}

impl Blame {
    /// Gives the bit that stands for it.
    #[must_use]
    pub const fn bit(self) -> u32 {
        match self {
            Self::Late => 1,
            Self::NoAnswer => 2,
        }
    }
}

impl Registered {
    const fn note(&mut self, blame: Blame) {
        self.blamed = self.blamed.wrapping_add(1);
        self.blames |= blame.bit();
    }

    const fn draining(&self) -> Draining {
        Draining {
            registration: self.route.registration,
            written: self.route.written_slot(),
            published: self.route.published_slot(),
            place: self.place,
        }
    }
}

const fn asks_handler(schema: &Schema) -> bool {
    schema.is_read() && matches!(schema.source, crate::schema::ReadSource::Handler)
}

/// Whole cache lines, in bytes.
fn lines(bytes: usize) -> usize {
    bytes.checked_next_multiple_of(64).unwrap_or(usize::MAX)
}

fn lowest_free<const BLOCKS: usize>(used: u64) -> Option<u8> {
    let [place, ..] = used.trailing_ones().to_le_bytes();
    (usize::from(place) < BLOCKS).then_some(place)
}

fn bit(place: Option<u8>) -> u64 {
    place.map_or(0, |place| 1_u64.wrapping_shl(u32::from(place)))
}

impl<R: RawMutex, const BLOCKS: usize> fmt::Debug for HandlerTable<'_, R, BLOCKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerTable").field("handlers", &self.handlers.len()).finish_non_exhaustive()
    }
}
