//! The engine, all features on, over the lock that the driver uses, too.
//!
//! It is a package of its own because the engine's generic code is compiled where its types are made known: here, as the
//! driver's image has it.
#![expect(unsafe_code, reason = "the cell that a VF's gate guards, as the driver has it")]

use std::cell::UnsafeCell;

use backchannel::{
    BlockHandler, BlockId, Call, Gate, Gated, HandlerTable, NtStatus, Owned, ParkSpot, Parker, Pass,
    PhysicalFunction, Platform, Schema, Service, Source, VfCount, VirtualFunction,
};

pub mod clock;
mod handlers;

pub use handlers::{Checks, Handler};

const BLOCKS: usize = 64;

type Lock = spin::mutex::Mutex<()>;
type Vf = VirtualFunction<Cell, Lock, BLOCKS>;

/// A gate and what it guards.
#[repr(C)]
struct Cell {
    gate: Gate,
    owned: UnsafeCell<Owned<BLOCKS>>,
}

// SAFETY: the cell is opened against the one pass of its gate only.
unsafe impl Sync for Cell {}

impl Gated<BLOCKS> for Cell {
    type Guard<'a> = &'a mut Owned<BLOCKS>;

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

/// A host whose callers never wait: each benchmark thread has VFs of its own.
struct Host;

impl Parker for Host {
    fn enter_critical_region(&self) {}

    fn leave_critical_region(&self) {}

    fn park(&self, _spot: ParkSpot, _deadline: Option<u64>) -> bool {
        std::thread::yield_now();
        true
    }

    fn unpark(&self, _spot: ParkSpot) {}

    fn sleep(&self, _until: u64) {
        std::thread::yield_now();
    }
}

impl Platform for Host {
    fn now(&self) -> u64 {
        clock::now()
    }

    fn thread(&self) -> u64 {
        1
    }
}

/// The caller's buffer, copied as the driver copies it.
struct Buffer<'a>(&'a [u8; 128]);

impl Source for Buffer<'_> {
    fn is_null(&self) -> bool {
        false
    }

    fn length(&self) -> u32 {
        128
    }

    fn copy_to(&self, staging: &mut [u8]) {
        if let Ok(staging) = <&mut [u8; 128]>::try_from(staging) {
            *staging = *self.0;
        }
    }
}

impl<const SEED: u8> BlockHandler for Checks<SEED> {
    fn write(&self, _call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        if self.take(block) { Ok(()) } else { Err(NtStatus::UNSUCCESSFUL) }
    }
}

fn reference(block: u32) -> &'static dyn BlockHandler {
    fn leak(handler: impl BlockHandler + 'static) -> &'static dyn BlockHandler {
        Box::leak(Box::new(handler))
    }
    handler!(block, leak)
}

/// The engine with so many VFs, and blocks from 0 up.
pub struct Ours {
    pf: PhysicalFunction<'static, Cell, Lock, BLOCKS>,
}

impl Ours {
    /// Starts a PF.
    ///
    /// # Panics
    ///
    /// More than 64 blocks.
    #[must_use]
    pub fn new(vf_count: u16, blocks: u32) -> Self {
        let handlers: Vec<&'static dyn BlockHandler> = (0..blocks).map(reference).collect();
        let cell = || Cell { gate: Gate::new(), owned: UnsafeCell::new(Owned::new()) };
        let vfs: &'static [Vf] = Vec::leak((0..vf_count).map(|_| VirtualFunction::new(cell())).collect());
        let table = Box::leak(Box::new(HandlerTable::new(Vec::leak(handlers))));
        let pf = PhysicalFunction::new(vfs, table);
        for block in 0..blocks {
            let schema =
                Schema::written(BlockId::new(block)).length(128).build().expect("128 bytes are legal");
            let place = u8::try_from(block).expect("at most 64 handlers");
            pf.register(&schema, Service::Handler(place)).expect("the table has 64 places");
        }
        pf.start(VfCount::new(vf_count), &Host).expect("it was not started");
        Self { pf }
    }

    /// Takes one block; says whether it was accepted.
    #[must_use]
    pub fn write(&self, vf: u16, block: u32, bytes: &[u8; 128]) -> bool {
        self.pf.write(vf, block, &Buffer(bytes), &Host).is_success()
    }
}

/// The memory of one VF, in bytes.
pub const BYTES_PER_VF: usize = size_of::<Vf>();
