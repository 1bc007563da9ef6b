//! The model: maps and vectors, no cleverness; and the engine beside it.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use backchannel::{
    BlockHandler, BlockId, BlockMask, Call, HandlerTable, InvalidationTarget, NtStatus, Output, Override,
    Owner, PhysicalFunction, RateClass, ReadSource, RegisterError, Schema, Service, Unclaimed,
    UnregisterError, VfCount, VirtualFunction,
};

use super::host::{BLOCKS, LeafLock, Room, ThreadHost, Vf};
use super::operation::Operation;

/// VFs that there is memory for.
const VFS: u16 = 3;

/// Refuses writes that begin with 0xEE, answers reads with 9 bytes, and tells what it saw.
#[derive(Default)]
struct Handler {
    seen: Mutex<VecDeque<(u16, u32, Vec<u8>)>>,
}

impl BlockHandler for Handler {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let seen = (call.vf().index.value(), call.block().value(), block.to_vec());
        self.seen.lock().expect("nothing fails under it").push_back(seen);
        if block[0] == 0xEE { Err(NtStatus::REVISION_MISMATCH) } else { Ok(()) }
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        out.fill(&[call.vf().index.value().to_le_bytes()[0] + 1; 9])
    }
}

/// What the model knows of a block.
#[derive(Clone, Copy)]
struct Block {
    schema: Schema,
    kind: u8,
    /// Which of the two handlers; `None` stores only.
    handler: Option<u8>,
}

/// What the model knows of a VF.
#[derive(Default)]
struct SlowVf {
    off: bool,
    written: HashMap<u32, Vec<u8>>,
    published: HashMap<u32, Vec<u8>>,
    pending: u64,
}

/// What the engine's side of one life lies in.
pub(crate) struct Memory<'h> {
    vfs: Vec<Vf>,
    table: HandlerTable<'h, LeafLock, BLOCKS>,
    handlers: &'h Handlers,
}

/// The two handlers of one life.
#[derive(Default)]
pub(crate) struct Handlers {
    both: [Handler; 2],
}

impl Handlers {
    /// Gives them as the table takes them.
    pub(crate) fn slice(&self) -> [&dyn BlockHandler; 2] {
        self.both.each_ref().map(|handler| -> &dyn BlockHandler { handler })
    }
}

impl<'h> Memory<'h> {
    pub(crate) fn new(
        handlers: &'h Handlers,
        slice: &'h [&'h dyn BlockHandler],
        unclaimed: Unclaimed,
    ) -> Self {
        let vfs = (0..VFS).map(|_| VirtualFunction::new(Room::new())).collect();
        Self { vfs, table: HandlerTable::new(slice).with_unclaimed(unclaimed), handlers }
    }
}

/// Both of them, step by step.
pub(crate) struct Pair<'m> {
    pf: PhysicalFunction<'m, Room, LeafLock, BLOCKS>,
    host: ThreadHost,
    handlers: &'m [Handler; 2],
    unclaimed: Unclaimed,
    started: Option<u16>,
    last: Option<u16>,
    blocks: HashMap<u32, Block>,
    vfs: Vec<SlowVf>,
}

impl<'m> Pair<'m> {
    pub(crate) fn new(memory: &'m Memory<'m>) -> Self {
        let pf = PhysicalFunction::new(&memory.vfs, &memory.table);
        for vf in 0..VFS {
            // Standing and rates have tests of their own; here every call is judged by what it says.
            pf.decide(pf.index(vf).expect("there is memory"), Override::Exempt);
        }
        Self {
            pf,
            host: ThreadHost::new(),
            handlers: &memory.handlers.both,
            unclaimed: memory.table.unclaimed(),
            started: None,
            last: None,
            blocks: HashMap::new(),
            vfs: (0..VFS).map(|_| SlowVf::default()).collect(),
        }
    }

    /// Lets both do one thing; tells the difference.
    pub(crate) fn step(&mut self, operation: &Operation) -> Result<(), String> {
        match *operation {
            Operation::Write { vf, block, length, fill, null } => self.write(vf, block, length, fill, null),
            Operation::Read { vf, block, length, null } => self.read(vf, block, length, null),
            Operation::Publish { vf, block, length, fill } => self.publish(vf, block, length, fill),
            Operation::Reset { vf } => {
                let done = self.pf.reset_vf(vf, &self.host).is_ok();
                let possible = self.started.is_some_and(|count| vf < count);
                if possible {
                    self.begin_next_life(vf);
                }
                same(done, possible)
            }
            Operation::Power { vf, state } => {
                let done = self.pf.set_vf_power(vf, state, &self.host).is_ok();
                let possible = self.started.is_some_and(|count| vf < count) && (1..=4).contains(&state);
                if possible && (state == 1 || state == 4) {
                    self.vfs[usize::from(vf)].off = state == 4;
                }
                same(done, possible)
            }
            Operation::Invalidate { vf, mask } => {
                let target = match vf {
                    None => InvalidationTarget::AllVfs,
                    Some(vf) => match self.pf.index(vf) {
                        Some(index) => InvalidationTarget::Vf(index),
                        None => return Ok(()),
                    },
                };
                self.pf.invalidate(target, BlockMask::new(mask));
                for (place, slow) in (0..VFS).zip(&mut self.vfs) {
                    slow.pending |= if vf.is_none_or(|vf| vf == place) { mask } else { 0 };
                }
                Ok(())
            }
            Operation::TakeInvalidation { vf } => {
                let Some(index) = self.pf.index(vf) else { return Ok(()) };
                let taken = self.pf.take_invalidation(Some(index)).map_or(0, |taken| taken.blocks().bits());
                same(taken, std::mem::take(&mut self.vfs[usize::from(vf)].pending))
            }
            Operation::Register { block, kind } => self.register(block, kind),
            Operation::Unregister { block } => {
                let done = self.pf.unregister(BlockId::new(block), u64::MAX, &self.host);
                let expected = match self.blocks.remove(&block) {
                    Some(_) => Ok(()),
                    None => return same(done, Err(UnregisterError::NotRegistered)),
                };
                for slow in &mut self.vfs {
                    slow.written.remove(&block);
                    slow.published.remove(&block);
                }
                same(done, expected)
            }
            Operation::Replace { block } => {
                let handler = self.blocks.get(&block).map_or(0, |found| 1 - found.handler.unwrap_or(1));
                let done =
                    self.pf.replace(BlockId::new(block), Service::Handler(handler), u64::MAX, &self.host);
                let expected = match self.blocks.get_mut(&block) {
                    Some(found) => {
                        found.handler = Some(handler);
                        Ok(())
                    }
                    None => Err(UnregisterError::NotRegistered),
                };
                same(done, expected)
            }
            Operation::Look { vf, block } => self.look(vf, block),
            Operation::Stop => {
                self.started = None;
                same(self.pf.stop(u64::MAX, &self.host), true)
            }
            Operation::Start { count } => self.start(count),
            Operation::Wrong => Err("wrong on purpose".to_owned()),
        }
    }

    fn write(&mut self, vf: u16, block: u32, length: u32, fill: u8, null: bool) -> Result<(), String> {
        let bytes = vec![fill; usize::try_from(length).unwrap_or(0).min(300)];
        let status = self.pf.write(vf, block, &Caller { length, null, fill }, &self.host);
        let judged = self.judge(vf, block, length, null, |found| {
            if !found.schema.is_written() {
                Err(NtStatus::NOT_SUPPORTED)
            } else if !found.allows(length) {
                Err(NtStatus::INVALID_BUFFER_SIZE)
            } else {
                Ok(())
            }
        });
        let mut expected = judged.map_or_else(|refused| refused, |_| NtStatus::SUCCESS);
        if let Ok(Block { handler, .. }) = judged {
            let refuses = handler.is_some() && fill == 0xEE;
            if refuses {
                expected = NtStatus::REVISION_MISMATCH;
            } else if !self.has_room(vf, block) {
                expected = NtStatus::QUOTA_EXCEEDED;
            } else {
                self.vfs[usize::from(vf)].written.insert(block, bytes.clone());
            }
            if let Some(handler) = handler {
                let seen = self.handlers[usize::from(handler)].seen.lock().expect("as above").pop_front();
                same(seen, Some((vf, block, bytes)))?;
            }
        }
        same(status, expected)?;
        let unseen = self.handlers.iter().all(|handler| handler.seen.lock().expect("as above").is_empty());
        same(unseen, true)
    }

    fn read(&mut self, vf: u16, block: u32, length: u32, null: bool) -> Result<(), String> {
        let mut filled = Vec::new();
        let status = self.pf.read(vf, block, &mut Reader { length, null, filled: &mut filled }, &self.host);
        let judged = self.judge(vf, block, length, null, |found| {
            if !found.schema.is_read() {
                Err(NtStatus::NOT_SUPPORTED)
            } else if length < u32::from(found.shortest()) && !found.is_truncatable() {
                Err(NtStatus::BUFFER_TOO_SMALL)
            } else {
                Ok(())
            }
        });
        let answered = judged.and_then(|found| {
            let content = match found.kind % 6 {
                1 | 4 => self.vfs[usize::from(vf)].published.get(&block).cloned().unwrap_or_default(),
                2 => self.vfs[usize::from(vf)].written.get(&block).cloned().unwrap_or_default(),
                _ => vec![vf.to_le_bytes()[0] + 1; 9],
            };
            let fits = content.len() <= usize::try_from(length).unwrap_or(0);
            if fits || found.is_truncatable() { Ok(content) } else { Err(NtStatus::BUFFER_TOO_SMALL) }
        });
        let mut content = answered.clone().unwrap_or_default();
        content.resize(usize::try_from(length).unwrap_or(0).min(128), 0);
        let touched = !null && (1..=128).contains(&length);
        same(status, answered.map_or_else(|refused| refused, |_| NtStatus::SUCCESS))?;
        same(filled, if touched { content } else { Vec::new() })
    }

    /// The checks in their order, up to those of direction and length.
    fn judge(
        &self,
        vf: u16,
        block: u32,
        length: u32,
        null: bool,
        rest: impl FnOnce(&Block) -> Result<(), NtStatus>,
    ) -> Result<Block, NtStatus> {
        let count = self.started.ok_or(NtStatus::DEVICE_NOT_READY)?;
        if vf >= count || null || !(1..=128).contains(&length) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        if self.vfs[usize::from(vf)].off {
            return Err(NtStatus::INVALID_DEVICE_STATE);
        }
        let found = self.blocks.get(&block).copied().or_else(|| self.default_service(block));
        let found = found.ok_or(NtStatus::INVALID_PARAMETER)?;
        rest(&found).map(|()| found)
    }

    /// What serves a block that nobody registered.
    fn default_service(&self, block: u32) -> Option<Block> {
        let id = BlockId::new(block);
        let (builder, kind) = match self.unclaimed {
            Unclaimed::Refuse => return None,
            Unclaimed::Store(_) => (Schema::written(id), 0),
            Unclaimed::Echo(_) => (Schema::exchanged(id, ReadSource::Echo), 2),
        };
        let schema = builder.lengths(1, 128, 1).build().expect("both are right");
        Some(Block { schema, kind, handler: None })
    }

    /// Says whether a VF may write a block as far as the room for unclaimed ones goes.
    fn has_room(&self, vf: u16, block: u32) -> bool {
        let written = &self.vfs[usize::from(vf)].written;
        let room = match self.unclaimed {
            Unclaimed::Refuse => 0,
            Unclaimed::Store(slots) | Unclaimed::Echo(slots) => usize::from(slots),
        };
        let in_use = written.keys().filter(|known| !self.blocks.contains_key(known)).count();
        self.blocks.contains_key(&block) || written.contains_key(&block) || in_use < room
    }

    /// Compares what the PF side sees of a block.
    fn look(&self, vf: u16, block: u32) -> Result<(), String> {
        let Some(index) = self.pf.index(vf) else { return Ok(()) };
        let (slow, id, mut bytes) = (&self.vfs[usize::from(vf)], BlockId::new(block), [0xA5; 128]);
        let written = self.pf.written_content(index, id, &mut bytes);
        let written = written.map(|content| bytes[..usize::from(content.length)].to_vec());
        same(written.as_ref(), slow.written.get(&block))?;
        let published = self.pf.published_content(index, id, &mut bytes);
        let published = published.map(|content| bytes[..usize::from(content.length)].to_vec());
        same(published.as_ref(), slow.published.get(&block))
    }

    fn register(&mut self, block: u32, kind: u8) -> Result<(), String> {
        let id = BlockId::new(block);
        let (builder, handler) = match kind % 6 {
            0 => (Schema::written(id).lengths(1, 128, 1), Some(0)),
            1 => (Schema::published(id).lengths(4, 128, 4).owner(Owner::Operator).keep_on_reset(), None),
            2 => (Schema::exchanged(id, ReadSource::Echo).lengths(1, 128, 1), Some(1)),
            3 => (Schema::exchanged(id, ReadSource::Handler).length(128), Some(0)),
            4 => (Schema::exchanged(id, ReadSource::Published).lengths(2, 100, 1).truncatable(), None),
            _ => (Schema::answered(id).lengths(1, 20, 1).truncatable(), Some(1)),
        };
        let schema = builder.rate(RateClass::Unlimited).build().expect("all six are right");
        let service = handler.map_or(Service::StoreOnly, Service::Handler);
        let done = self.pf.register(&schema, service);
        if self.blocks.contains_key(&block) {
            return same(done, Err(RegisterError::Taken));
        }
        self.blocks.insert(block, Block { schema, kind, handler });
        for slow in &mut self.vfs {
            // What was written before the block had a schema is not its content.
            slow.written.remove(&block);
        }
        same(done, Ok(()))
    }

    fn start(&mut self, count: u16) -> Result<(), String> {
        let done = self.pf.start(VfCount::new(count), &self.host).is_ok();
        let possible = self.started.is_none() && count <= VFS;
        if possible {
            let changed = self.last.is_some_and(|last| last != count);
            self.started = Some(count);
            self.last = Some(count);
            for vf in 0..VFS {
                if vf < count {
                    self.vfs[usize::from(vf)].off = false;
                }
                if changed {
                    self.begin_next_life(vf);
                    self.vfs[usize::from(vf)].pending = u64::MAX;
                }
            }
        }
        same(done, possible)
    }

    fn publish(&mut self, vf: u16, block: u32, length: usize, fill: u8) -> Result<(), String> {
        let content = vec![fill; length];
        let done = match self.pf.index(vf) {
            Some(index) => self.pf.publish(index, BlockId::new(block), &content, 0).is_ok(),
            None => false,
        };
        let possible = vf < VFS && self.blocks.get(&block).is_some_and(|found| found.publishes(length));
        if possible {
            self.vfs[usize::from(vf)].published.insert(block, content);
        }
        same(done, possible)
    }

    fn begin_next_life(&mut self, vf: u16) {
        let kept = |block: &u32| self.blocks.get(block).is_some_and(|found| found.kind % 6 == 1);
        let slow = &mut self.vfs[usize::from(vf)];
        slow.written.clear();
        slow.published.retain(|block, _| kept(block));
        slow.pending = 0;
    }
}

impl Block {
    fn publishes(&self, length: usize) -> bool {
        match self.kind % 6 {
            1 => (4..=128).contains(&length) && length.is_multiple_of(4),
            4 => (2..=100).contains(&length),
            _ => false,
        }
    }

    fn allows(&self, length: u32) -> bool {
        match self.kind % 6 {
            3 => length == 128,
            4 => (2..=100).contains(&length),
            _ => true,
        }
    }

    fn shortest(&self) -> u8 {
        match self.kind % 6 {
            1 => 4,
            3 => 128,
            4 => 2,
            _ => 1,
        }
    }

    fn is_truncatable(&self) -> bool {
        matches!(self.kind % 6, 4 | 5)
    }
}

struct Caller {
    length: u32,
    null: bool,
    fill: u8,
}

impl backchannel::Source for Caller {
    fn is_null(&self) -> bool {
        self.null
    }

    fn length(&self) -> u32 {
        self.length
    }

    fn copy_to(&self, staging: &mut [u8]) {
        staging.fill(self.fill);
    }
}

struct Reader<'a> {
    length: u32,
    null: bool,
    filled: &'a mut Vec<u8>,
}

impl backchannel::Sink for Reader<'_> {
    fn is_null(&self) -> bool {
        self.null
    }

    fn length(&self) -> u32 {
        self.length
    }

    fn fill(&mut self, content: &[u8]) {
        assert!(self.filled.is_empty(), "the buffer is filled twice");
        self.filled.extend_from_slice(content);
        self.filled.resize(usize::try_from(self.length).expect("at most 128"), 0);
    }
}

fn same<T: PartialEq + std::fmt::Debug>(engine: T, model: T) -> Result<(), String> {
    if engine == model { Ok(()) } else { Err(format!("the engine says {engine:?}, the model {model:?}")) }
}
