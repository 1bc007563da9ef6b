//! One physical function: the engine over its VFs' memory, and the handler table.
//!
//! It outlives its device: the interface that the virtualization stack holds is a counted reference to it, and a call
//! through it after the device is gone is answered, not a crash.
#![expect(unsafe_code, reason = "the engine refers to memory that lies beside it")]

use backchannel::{
    BlockHandler, HandlerTable, MILLISECOND, NtStatus, ParkSpot, PhysicalFunction, Platform, Schema, Service,
    Sink, Source, StartError, VfCount, VirtualFunction,
};

use crate::{
    irql::{Event, GateCell, Kernel, RaisedSpinLock},
    storage::{Array, Latest, Reference, Template, Zeroed},
};

/// How long a stop waits for calls that are inside a handler: 30 seconds, then PnP goes on without them.
const DRAIN: u64 = 30_000 * MILLISECOND;

/// Blocks that can be registered, and blocks that each VF's store has room for.
const BLOCKS: usize = 64;

type Vf = VirtualFunction<GateCell<BLOCKS>, RaisedSpinLock, BLOCKS>;
type Table = HandlerTable<'static, RaisedSpinLock, BLOCKS>;
type Engine = PhysicalFunction<'static, GateCell<BLOCKS>, RaisedSpinLock, BLOCKS>;

// SAFETY: the engine promises that a zeroed VF is a valid one as long as the host's cell and raw lock are; ours are an
// open gate with data of the engine's promise, and an unlocked spin lock.
unsafe impl Zeroed for Vf {}

/// The handlers of a PF, and the blocks that each serves.
///
/// A driver of an IHV that links this package keeps one in a `static` and gives it to [`add_device`](crate::add_device);
/// this package's own image does the same.
#[derive(Debug)]
pub struct Handlers {
    blocks: &'static [&'static [Schema]],
    template: Template<Pf>,
}

/// A PF's state, from device add to the last reference.
#[derive(Debug)]
pub(crate) struct Pf {
    table: Table,
    serving: Latest<Serving>,
}

/// The engine and the memory of its VFs.
#[derive(Debug)]
struct Serving {
    engine: Engine,
    vfs: Array<Vf>,
    events: Array<Event>,
}

impl Handlers {
    /// Lists the handlers, and in the same order the blocks of each; 255 handlers and 64 blocks at most.
    // Inline, so that it exists in constants only: as code it would need a frame of several KiB.
    #[inline]
    #[must_use]
    pub const fn new<const COUNT: usize>(
        handlers: &'static [&'static dyn BlockHandler; COUNT],
        blocks: &'static [&'static [Schema]; COUNT],
    ) -> Self {
        Self { blocks, template: Template::new(Pf::unused(Table::new(handlers))) }
    }
}

impl Pf {
    /// A PF that nobody uses, with its table of handlers.
    const fn unused(table: Table) -> Self {
        Self { table, serving: Latest::new() }
    }

    /// Makes a PF without VFs, with every listed handler registered.
    ///
    /// # Errors
    /// No memory, or the list of handlers is wrong; the status says which.
    pub(crate) fn new(handlers: &'static Handlers) -> Result<Reference<Self>, NtStatus> {
        // SAFETY: an unused table and no `Serving` own nothing.
        let pf = unsafe { Reference::copy_of(&handlers.template) }?;
        for (index, blocks) in (0..u8::MAX).zip(handlers.blocks) {
            for schema in *blocks {
                pf.table
                    .register(schema, Service::Handler(index))
                    .map_err(backchannel::RegisterError::status)?;
            }
        }
        pf.make_room(0)?;
        Ok(pf)
    }

    /// Brings memory for `count` VFs unless it is there.
    ///
    /// IRQL: `PASSIVE_LEVEL`; only PnP calls this, one call at a time.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn make_room(&self, count: u16) -> Result<(), NtStatus> {
        if self.serving.newest().is_some_and(|serving| serving.vfs.len() >= usize::from(count)) {
            return Ok(());
        }
        let vfs = Array::<Vf>::zeroed(usize::from(count))?;
        let spots = usize::from(count).saturating_mul(usize::from(ParkSpot::PER_VF));
        let events = Array::<Event>::zeroed(spots)?;
        for event in events.iter() {
            event.initialize();
        }
        // SAFETY: the VFs' memory goes when the `Serving` that holds both goes; the engine has no drop of its own.
        let lent = unsafe { &*core::ptr::from_ref::<[Vf]>(&vfs) };
        // SAFETY: the table lies in this PF, beside and not inside what `serving` frees, and the PF does not move.
        let table = unsafe { &*core::ptr::from_ref(&self.table) };
        self.serving.push(|| Serving { engine: Engine::new(lent, table), vfs, events })
    }

    /// Serves `count` VFs from now on (D0 entry).
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE`: started already, or [`Pf::make_room`] was not called for so many.
    pub(crate) fn start(&self, count: u16) -> Result<(), NtStatus> {
        let serving = self.serving.newest().ok_or(NtStatus::DEVICE_NOT_READY)?;
        serving.engine.start(VfCount::new(count), &serving.kernel()).map_err(|error| match error {
            StartError::Started | StartError::TooManyVfs => NtStatus::INVALID_DEVICE_STATE,
        })
    }

    /// Serves nobody any more and waits for calls in flight (D0 exit, removal).
    pub(crate) fn stop(&self) {
        let Some(serving) = self.serving.newest() else { return };
        let kernel = serving.kernel();
        // A call that is still inside keeps this memory by its own reference.
        let _drained = serving.engine.stop(kernel.now().saturating_add(DRAIN), &kernel);
    }

    /// Serves a VF's write of a block.
    pub(crate) fn write(&self, vf: u16, block: u32, source: &impl Source) -> NtStatus {
        let Some(serving) = self.serving.newest() else { return NtStatus::DEVICE_NOT_READY };
        serving.engine.write(vf, block, source, &serving.kernel())
    }

    /// Serves a VF's read of a block.
    pub(crate) fn read(&self, vf: u16, block: u32, sink: &mut impl Sink) -> NtStatus {
        let Some(serving) = self.serving.newest() else { return NtStatus::DEVICE_NOT_READY };
        serving.engine.read(vf, block, sink, &serving.kernel())
    }
}

impl Serving {
    const fn kernel(&self) -> Kernel<'_> {
        Kernel::new(&self.events)
    }
}
