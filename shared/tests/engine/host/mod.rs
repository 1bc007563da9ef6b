//! A host for the engine made of threads, which fails the test when the engine breaks one of its promises.
//!
//! * The cell of a VF is a mutex that is only ever tried: two callers inside one gate fail the test.
//! * A leaf lock fails the test when it is taken while another one is held, or while the thread waits.
//! * A critical region that is left open, or left twice, fails the test.

mod clock;
mod handlers;
mod leaf_lock;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use backchannel::{
    BlockId, Gate, Gated, HandlerTable, NtStatus, Owned, Pass, PhysicalFunction, SECOND, Schema, Service,
    Sink, Source, Unclaimed, VfCount, VfIndex, VfMemory, VirtualFunction,
};

pub(crate) use clock::ThreadHost;
pub(crate) use handlers::{Answering, Blocking, Log, Recording, Refusing};
pub(crate) use leaf_lock::LeafLock;

pub(crate) const BLOCKS: usize = 64;

pub(crate) type Vf = VirtualFunction<Room, LeafLock, BLOCKS>;
pub(crate) type Table = HandlerTable<'static, LeafLock, BLOCKS>;
pub(crate) type Pf = PhysicalFunction<'static, Room, LeafLock, BLOCKS>;

/// A gate, and a cell that notices when the gate fails.
pub(crate) struct Room {
    gate: Gate,
    owned: Mutex<Owned<BLOCKS>>,
}

impl Room {
    pub(crate) const fn new() -> Self {
        Self { gate: Gate::new(), owned: Mutex::new(Owned::new()) }
    }
}

impl Gated<BLOCKS> for Room {
    type Guard<'a> = MutexGuard<'a, Owned<BLOCKS>>;

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn open<'a>(&'a self, pass: &'a mut Pass<'_>) -> Option<Self::Guard<'a>> {
        assert!(pass.is_of(&self.gate), "the engine opened a cell with a pass for another gate");
        Some(self.owned.try_lock().expect("two callers are inside one gate"))
    }
}

/// A started PF with its host.
pub(crate) struct World {
    pub(crate) pf: &'static Pf,
    pub(crate) host: ThreadHost,
}

impl World {
    /// Starts a PF with `vfs` VFs and the given blocks, each with its handler.
    pub(crate) fn start(
        vfs: u16,
        blocks: &[(Schema, Option<&'static dyn backchannel::BlockHandler>)],
    ) -> Self {
        let world = Self::stopped(vfs, blocks);
        world.pf.start(VfCount::new(vfs), &world.host).expect("it was stopped");
        world
    }

    pub(crate) fn stopped(
        vfs: u16,
        blocks: &[(Schema, Option<&'static dyn backchannel::BlockHandler>)],
    ) -> Self {
        Self::stopped_with(vfs, blocks, Unclaimed::Refuse)
    }

    /// Starts a PF that has a default service for blocks that are not registered.
    pub(crate) fn start_with(
        vfs: u16,
        blocks: &[(Schema, Option<&'static dyn backchannel::BlockHandler>)],
        unclaimed: Unclaimed,
    ) -> Self {
        let world = Self::stopped_with(vfs, blocks, unclaimed);
        world.pf.start(VfCount::new(vfs), &world.host).expect("it was stopped");
        world
    }

    fn stopped_with(
        vfs: u16,
        blocks: &[(Schema, Option<&'static dyn backchannel::BlockHandler>)],
        unclaimed: Unclaimed,
    ) -> Self {
        let handlers: Vec<&'static dyn backchannel::BlockHandler> =
            blocks.iter().filter_map(|(_, handler)| *handler).collect();
        let table = HandlerTable::new(Vec::leak(handlers)).with_unclaimed(unclaimed);
        let table: &'static Table = Box::leak(Box::new(table));
        let storage: &'static [Vf] = Vec::leak((0..vfs).map(|_| VirtualFunction::new(Room::new())).collect());
        let memory = storage.iter().map(|_| VfMemory::new(Vec::leak(vec![0; table.memory()]))).collect();
        let pf = PhysicalFunction::with_memory(storage, table, Vec::leak(memory));
        let pf: &'static Pf = Box::leak(Box::new(pf));
        let mut place = 0;
        for (schema, handler) in blocks {
            let service = match handler {
                Some(_) => {
                    place += 1;
                    Service::Handler(place - 1)
                }
                None => Service::StoreOnly,
            };
            pf.register(schema, service).expect("the blocks of a test fit");
        }
        Self { pf, host: ThreadHost::new() }
    }

    pub(crate) fn write(&self, vf: u16, block: u32, bytes: &[u8]) -> NtStatus {
        self.pf.write(vf, block, &bytes, &self.host)
    }

    /// Makes a call whose time budget runs out once it waits.
    pub(crate) fn out_of_time<T>(&self, call: impl FnOnce() -> T) -> T {
        let has_ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while self.host.waiters() == 0 && !has_ended.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                self.host.advance(SECOND);
            });
            let answer = call();
            has_ended.store(true, Ordering::Release);
            answer
        })
    }

    /// Reads; the buffer was full of 0xA5 before.
    pub(crate) fn read(&self, vf: u16, block: u32, length: usize) -> (NtStatus, Vec<u8>) {
        let mut bytes = vec![0xA5; length];
        let status = self.pf.read(vf, block, &mut &mut bytes[..], &self.host);
        (status, bytes)
    }

    pub(crate) fn publish(
        &self,
        vf: u16,
        block: u32,
        content: &[u8],
    ) -> Result<(), backchannel::PublishError> {
        self.pf.publish(self.vf(vf), BlockId::new(block), content, 0)
    }

    pub(crate) fn vf(&self, vf: u16) -> VfIndex {
        self.pf.index(vf).expect("the test has so many VFs")
    }
}

/// A buffer that states what the test wants it to, and remembers what was done to it.
pub(crate) struct Buffer {
    pub(crate) is_null: bool,
    pub(crate) length: u32,
    pub(crate) copies: std::cell::Cell<u32>,
    pub(crate) filled: Option<Vec<u8>>,
}

impl Buffer {
    pub(crate) fn null(length: u32) -> Self {
        Self { is_null: true, length, copies: std::cell::Cell::new(0), filled: None }
    }

    pub(crate) fn of_length(length: u32) -> Self {
        Self { is_null: false, ..Self::null(length) }
    }
}

impl Source for Buffer {
    fn is_null(&self) -> bool {
        self.is_null
    }

    fn length(&self) -> u32 {
        self.length
    }

    fn copy_to(&self, staging: &mut [u8]) {
        assert!(!self.is_null, "the engine copied from NULL");
        assert_eq!(
            u32::try_from(staging.len()),
            Ok(self.length),
            "the engine copied another length than the stated"
        );
        self.copies.set(self.copies.get() + 1);
        staging.fill(0x5C);
    }
}

impl Sink for Buffer {
    fn is_null(&self) -> bool {
        self.is_null
    }

    fn length(&self) -> u32 {
        self.length
    }

    fn fill(&mut self, content: &[u8]) {
        assert!(!self.is_null, "the engine filled NULL");
        assert!((1..=128).contains(&self.length), "the engine filled a buffer of {} bytes", self.length);
        assert!(self.filled.is_none(), "the engine filled a buffer twice");
        let mut bytes = content.to_vec();
        bytes.resize(usize::try_from(self.length).expect("at most 128"), 0);
        self.filled = Some(bytes);
    }
}
