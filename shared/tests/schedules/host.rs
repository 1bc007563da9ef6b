//! A host made of the checker's threads, locks and cells.
#![expect(unsafe_code, reason = "the cell of a VF, and a raw lock")]

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
pub(crate) use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{OnceLock, Weak};

use backchannel::{
    BlockHandler, BlockId, Call, Gate, Gated, HandlerTable, NtStatus, Owned, ParkSpot, Parker, Pass,
    PhysicalFunction, Platform, ReadSource, Schema, Service, VfCount, VfEvent, VirtualFunction,
};
use lock_api::{GuardSend, RawMutex};

#[cfg(loom)]
pub(crate) use loom::thread;
#[cfg(shuttle)]
pub(crate) use shuttle::thread;

#[cfg(loom)]
use loom::sync::{Condvar, Mutex};
#[cfg(shuttle)]
use shuttle::sync::{Condvar, Mutex};

pub(crate) type Vf = VirtualFunction<Room, Spin, 2>;
pub(crate) type Table = HandlerTable<'static, Spin, 2>;
pub(crate) type Pf = PhysicalFunction<'static, Room, Spin, 2>;

/// Runs a model under all schedules with up to three preemptions, or under many random ones.
pub(crate) fn check(model: impl Fn() + Sync + Send + 'static) {
    #[cfg(loom)]
    {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }
    #[cfg(shuttle)]
    shuttle::check_random(model, 20_000);
}

/// A gate and its cell; loom's cell notices two callers, and one that does not see what the last one did.
pub(crate) struct Room {
    gate: Gate,
    #[cfg(loom)]
    owned: loom::cell::UnsafeCell<Owned<2>>,
    #[cfg(shuttle)]
    owned: std::sync::Mutex<Owned<2>>,
}

// SAFETY: the cell is opened against the one pass of its gate only, which is what the models check.
#[cfg(loom)]
unsafe impl Sync for Room {}

#[cfg(loom)]
pub(crate) struct Lent<'a>(loom::cell::MutPtr<Owned<2>>, std::marker::PhantomData<&'a mut ()>);
#[cfg(shuttle)]
pub(crate) struct Lent<'a>(std::sync::MutexGuard<'a, Owned<2>>);

impl Deref for Lent<'_> {
    type Target = Owned<2>;

    fn deref(&self) -> &Owned<2> {
        #[cfg(loom)]
        // SAFETY: loom fails the model when anybody else is at the cell.
        return unsafe { self.0.deref() };
        #[cfg(shuttle)]
        &self.0
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Owned<2> {
        #[cfg(loom)]
        // SAFETY: as above.
        return unsafe { self.0.deref() };
        #[cfg(shuttle)]
        &mut self.0
    }
}

impl Room {
    fn new() -> Self {
        #[cfg(loom)]
        let owned = loom::cell::UnsafeCell::new(Owned::new());
        #[cfg(shuttle)]
        let owned = std::sync::Mutex::new(Owned::new());
        Self { gate: Gate::new(), owned }
    }
}

impl Gated<2> for Room {
    type Guard<'a> = Lent<'a>;

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn open<'a>(&'a self, pass: &'a mut Pass<'_>) -> Option<Lent<'a>> {
        assert!(pass.is_of(&self.gate));
        #[cfg(loom)]
        return Some(Lent(self.owned.get_mut(), std::marker::PhantomData));
        #[cfg(shuttle)]
        return Some(Lent(self.owned.try_lock().expect("two callers are inside one gate")));
    }
}

/// A raw lock over the checker's atomics, which have no constant to begin with: each lock is found by its address.
pub(crate) struct Spin(#[expect(dead_code, reason = "gives each lock an address of its own")] u8);

#[cfg(loom)]
loom::lazy_static! {
    static ref LOCKS: Mutex<HashMap<usize, Arc<Flag>>> = Mutex::new(HashMap::new());
}
#[cfg(shuttle)]
shuttle::lazy_static! {
    static ref LOCKS: Mutex<HashMap<usize, Arc<Flag>>> = Mutex::new(HashMap::new());
}

#[cfg(loom)]
type Flag = loom::sync::atomic::AtomicBool;
#[cfg(shuttle)]
type Flag = shuttle::sync::atomic::AtomicBool;

impl Spin {
    fn flag(&self) -> Arc<Flag> {
        let address = std::ptr::from_ref(self).addr();
        let mut locks = LOCKS.lock().expect("nothing fails under it");
        Arc::clone(locks.entry(address).or_insert_with(|| Arc::new(Flag::new(false))))
    }
}

// SAFETY: only the thread whose exchange turned `false` into `true` holds the lock until it unlocks.
unsafe impl RawMutex for Spin {
    #[expect(clippy::declare_interior_mutable_const, reason = "lock_api asks for a constant")]
    const INIT: Self = Self(0);

    type GuardMarker = GuardSend;

    fn lock(&self) {
        while !self.try_lock() {
            thread::yield_now();
        }
    }

    fn try_lock(&self) -> bool {
        self.flag().compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    unsafe fn unlock(&self) {
        self.flag().store(false, Ordering::Release);
    }
}

/// Events, and a clock that stands still. A hasty host's waiters run out of time at once.
pub(crate) struct Host {
    events: Vec<(Mutex<bool>, Condvar)>,
    hasty: bool,
}

impl Host {
    pub(crate) fn new(hasty: bool) -> Self {
        Self {
            events: (0..usize::from(ParkSpot::PER_VF)).map(|_| (Mutex::new(false), Condvar::new())).collect(),
            hasty,
        }
    }
}

impl Parker for Host {
    fn enter_critical_region(&self) {}

    fn leave_critical_region(&self) {}

    fn park(&self, spot: ParkSpot, deadline: Option<u64>) -> bool {
        let (signalled, changed) = &self.events[usize::from(spot.waiter)];
        let mut signalled = signalled.lock().expect("nothing fails under it");
        while !*signalled {
            if self.hasty && deadline.is_some() {
                return false;
            }
            signalled = changed.wait(signalled).expect("nothing fails under it");
        }
        *signalled = false;
        true
    }

    fn unpark(&self, spot: ParkSpot) {
        let (signalled, changed) = &self.events[usize::from(spot.waiter)];
        let mut signalled = signalled.lock().expect("nothing fails under it");
        assert!(!*signalled, "a spot is unparked twice before it is consumed");
        *signalled = true;
        changed.notify_one();
    }

    fn sleep(&self, _until: u64) {
        thread::yield_now();
    }
}

impl Platform for Host {
    fn now(&self) -> u64 {
        1
    }

    fn thread(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        thread::current().id().hash(&mut hasher);
        hasher.finish() | 1
    }
}

/// Counts its calls, and fails the model when it is called after it was poisoned.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) calls: AtomicU32,
    pub(crate) generation: AtomicU32,
    /// Resets the VF in the middle of each call, as the VSP may do from another thread.
    resets: OnceLock<Weak<World>>,
    poisoned: AtomicBool,
}

impl Watched {
    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::SeqCst);
    }

    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl BlockHandler for Watched {
    fn write(&self, call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
        assert!(!self.poisoned.load(Ordering::SeqCst), "a handler is called after it was released");
        self.generation.store(call.vf().generation.value(), Ordering::SeqCst);
        if let Some(world) = self.resets.get().and_then(Weak::upgrade) {
            world.pf.reset_vf(0, &world.host).expect("it is started");
        }
        thread::yield_now();
        assert!(!self.poisoned.load(Ordering::SeqCst), "a handler is released while it runs");
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn vf_event(&self, _vf: backchannel::Vf, _event: VfEvent) {
        assert!(!self.poisoned.load(Ordering::SeqCst), "a handler hears of an event after it was released");
        thread::yield_now();
        assert!(!self.poisoned.load(Ordering::SeqCst), "a handler is released while it hears of an event");
    }
}

/// One VF, two handlers: block 1 is served by the first and echoed, block 2 is served by the second.
pub(crate) struct World {
    pub(crate) pf: Pf,
    pub(crate) host: Host,
    pub(crate) handlers: [&'static Watched; 2],
}

pub(crate) const BLOCK: BlockId = BlockId::new(1);
pub(crate) const OTHER: BlockId = BlockId::new(2);

impl World {
    pub(crate) fn start(hasty: bool) -> Arc<Self> {
        let handlers: [&'static Watched; 2] = [Box::leak(Box::default()), Box::leak(Box::default())];
        let slice: &'static [&'static dyn BlockHandler] = vec![handlers[0] as _, handlers[1] as _].leak();
        let table: &'static Table = Box::leak(Box::new(HandlerTable::new(slice)));
        let vfs: &'static [Vf] = vec![VirtualFunction::new(Room::new())].leak();
        let pf = PhysicalFunction::new(vfs, table);
        let schema =
            Schema::exchanged(BLOCK, ReadSource::Echo).length(8).build().expect("the schema is right");
        pf.register(&schema, Service::Handler(0)).expect("there is room");
        let other = Schema::written(OTHER).length(8).build().expect("the schema is right");
        pf.register(&other, Service::Handler(1)).expect("there is room");
        let host = Host::new(hasty);
        pf.start(VfCount::new(1), &host).expect("it was stopped");
        Arc::new(Self { pf, host, handlers })
    }

    pub(crate) fn write(&self) -> NtStatus {
        self.pf.write(0, BLOCK.value(), &&[7_u8; 8][..], &self.host)
    }

    /// Lets the second handler reset the VF in the middle of its calls.
    pub(crate) fn reset_in_calls_of_the_other(self: &Arc<Self>) {
        self.handlers[1].resets.set(Arc::downgrade(self)).expect("said once");
    }

    pub(crate) fn write_other(&self) -> NtStatus {
        self.pf.write(0, OTHER.value(), &&[7_u8; 8][..], &self.host)
    }

    pub(crate) fn read(&self) -> [u8; 8] {
        let mut bytes = [0xA5; 8];
        assert!(self.pf.read(0, BLOCK.value(), &mut &mut bytes[..], &self.host).is_success());
        bytes
    }
}
