//! The way from a client to the engine, and what happens to blocks on it.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Mutex;

use backchannel::{
    BlockHandler, BlockId, Blocks, Call, HandlerTable, MessageBlocks, MessageClient, MessageHandler,
    MessageLimits, Messages, NtStatus, Outbox, PhysicalFunction, SECOND, SendError, Service, Vf, VfCount,
    VfEvent, VfMemory, VirtualFunction,
};

use super::host::{Pf, Room, Table, ThreadHost, World};

pub(crate) const IDS: MessageBlocks =
    MessageBlocks { control: BlockId::new(10), to_pf: BlockId::new(11), to_vf: BlockId::new(12) };
pub(crate) const LARGE: MessageLimits = MessageLimits { to_pf: 65_536, to_vf: 65_536, time: 3_600 * SECOND };

/// Keeps what it is sent, refuses what begins with "no", and sends the rest back.
#[derive(Default)]
pub(crate) struct Echo {
    taken: Mutex<Vec<Vec<u8>>>,
    pub(crate) to_send: Mutex<Vec<Vec<u8>>>,
    pub(crate) heard: Mutex<Vec<(u16, VfEvent)>>,
    /// The longest message that it could send, as it was told last.
    pub(crate) longest: Mutex<usize>,
}

impl Echo {
    pub(crate) fn taken(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

impl MessageHandler for Echo {
    fn message(&self, _: &Call<'_>, message: &[u8], outbox: &mut Outbox<'_>) -> Result<(), NtStatus> {
        *self.longest.lock().unwrap() = outbox.longest();
        if message.starts_with(b"no") {
            return Err(NtStatus::ACCESS_DENIED);
        }
        self.taken.lock().unwrap().push(message.to_vec());
        outbox.send(message).map_err(SendError::status)
    }

    fn asked(&self, _: &Call<'_>, outbox: &mut Outbox<'_>) {
        let next = self.to_send.lock().unwrap().pop();
        if let Some(message) = next {
            outbox.send(&message).unwrap();
        }
    }

    fn vf_event(&self, vf: Vf, event: VfEvent) {
        self.heard.lock().unwrap().push((vf.index.value(), event));
    }
}

/// A PF with two VFs that speaks messages.
pub(crate) fn world(limits: MessageLimits) -> (&'static World, &'static Echo) {
    let messages: &'static Messages<Echo> = Box::leak(Box::new(Messages::new(Echo::default(), IDS, limits)));
    let handlers: Vec<&'static dyn BlockHandler> = vec![messages];
    let table: &'static Table = Box::leak(Box::new(HandlerTable::new(Vec::leak(handlers))));
    let vfs = Vec::leak((0..2).map(|_| VirtualFunction::new(Room::new())).collect());
    let memory = (0..2).map(|_| VfMemory::new(Vec::leak(vec![0; table.memory()]))).collect();
    let pf: &'static Pf = Box::leak(Box::new(PhysicalFunction::with_memory(vfs, table, Vec::leak(memory))));
    for schema in IDS.schemas() {
        pf.register(&schema, Service::Handler(0)).unwrap();
    }
    let world = World { pf, host: ThreadHost::new() };
    pf.start(VfCount::new(2), &world.host).unwrap();
    (Box::leak(Box::new(world)), messages.handler())
}

/// What happens to a call on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    /// A write does not arrive; of a read the answer does not.
    Lost,
    Repeated,
    /// A write arrives after the next one.
    Overtaken,
}

/// A client's way to one VF of the engine.
pub(crate) struct Way {
    world: &'static World,
    vf: u16,
    fates: Vec<Fate>,
    calls: Cell<usize>,
    held: RefCell<Option<(u32, Vec<u8>)>>,
}

impl Way {
    /// What happens to calls, over and over.
    pub(crate) fn new(world: &'static World, vf: u16, fates: &[Fate]) -> Self {
        Self { world, vf, fates: fates.to_vec(), calls: Cell::new(0), held: RefCell::new(None) }
    }

    pub(crate) fn open(world: &'static World, vf: u16) -> MessageClient<Self> {
        MessageClient::open(Self::new(world, vf, &[]), IDS).unwrap()
    }

    /// From here on the way is as good as the fates.
    pub(crate) fn worsen(&mut self, fates: &[Fate]) {
        self.fates = fates.to_vec();
    }

    fn next(&self) -> Fate {
        let call = self.calls.replace(self.calls.get() + 1);
        // In an order that no client's rounds go in step with: one in step would lose the same pieces each time.
        let place = BuildHasherDefault::<DefaultHasher>::default().hash_one(call);
        let fates = u64::try_from(self.fates.len()).expect("a test has few");
        place
            .checked_rem(fates)
            .map_or(Fate::Arrives, |place| self.fates[usize::try_from(place).expect("it is below")])
    }

    fn arrive(&self, block: u32, bytes: &[u8]) -> Result<(), NtStatus> {
        match self.world.write(self.vf, block, bytes) {
            NtStatus::SUCCESS => Ok(()),
            status => Err(status),
        }
    }
}

impl Blocks for Way {
    type Refusal = NtStatus;

    fn write(&mut self, block: u32, bytes: &[u8]) -> Result<(), NtStatus> {
        let fate = self.next();
        let held = self.held.take();
        let outcome = match fate {
            Fate::Arrives => self.arrive(block, bytes),
            Fate::Lost => Ok(()),
            Fate::Repeated => self.arrive(block, bytes).and_then(|()| self.arrive(block, bytes)),
            Fate::Overtaken => {
                self.held.replace(Some((block, bytes.to_vec())));
                Ok(())
            }
        };
        if let Some((block, bytes)) = held {
            // The guest has its answer; what becomes of this one it does not hear.
            let _unheard = self.arrive(block, &bytes);
        }
        outcome
    }

    fn read(&mut self, block: u32, bytes: &mut [u8]) -> Result<(), NtStatus> {
        let (status, content) = self.world.read(self.vf, block, bytes.len());
        bytes.copy_from_slice(&content);
        match (self.next(), status) {
            (Fate::Lost, _) => Err(NtStatus::IO_TIMEOUT),
            (_, NtStatus::SUCCESS) => Ok(()),
            (_, status) => Err(status),
        }
    }
}
