//! One physical function: the engine over its VFs' memory, and the handler table.
//!
//! It outlives its device: the interface that the virtualization stack holds is a counted reference to it, and a call
//! through it after the device is gone is answered, not a crash.
#![expect(unsafe_code, reason = "the engine refers to memory that lies beside it")]

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

use backchannel::{
    BlockHandler, BlockId, ChangeLog, HandlerTable, Invalidation, MILLISECOND, Mitigation, NtStatus,
    ParkSpot, Permission, PhysicalFunction, Platform, Schema, Service, Sink, Source, StartError, Unclaimed,
    VfCount, VfMemory, VirtualFunction, abi::pcivirt::SRIOV_INVALIDATE_BLOCK,
};

use lock_api::Mutex;
use wdk_sys::STATUS_DEVICE_BUSY;

use crate::{
    hardware::Hardware,
    irql::{Event, GateCell, Kernel, RaisedSpinLock, unique_id},
    mitigation::Supplied,
    pended::Conversation,
    plugins::Plugins,
    range_updates::RangeUpdates,
    rundown::Rundown,
    storage::{Array, Latest, Reference, Template, Zeroed},
    wdf::{
        irp::File,
        request::{Request, RequestCallbacks},
    },
};

/// How long a stop waits for calls that are inside a handler: 30 seconds, then PnP goes on without them.
const DRAIN: u64 = 30_000 * MILLISECOND;

/// Blocks that can be registered, and blocks that each VF's store has room for.
const BLOCKS: usize = 64;

type Vf = VirtualFunction<GateCell<BLOCKS>, RaisedSpinLock, BLOCKS>;
type Table = HandlerTable<'static, RaisedSpinLock, BLOCKS>;
/// The engine, as this driver uses it.
pub(crate) type Engine = PhysicalFunction<'static, GateCell<BLOCKS>, RaisedSpinLock, BLOCKS>;

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
    mitigation: Option<Supplied>,
    template: Template<Pf>,
}

/// A PF's state, from device add to the last reference.
#[derive(Debug)]
pub(crate) struct Pf {
    table: Table,
    /// What supplies mitigated ranges, if anything does.
    pub(crate) mitigation: Option<Supplied>,
    /// One `Plugins`, where they have a fixed address.
    plugins: Array<Plugins>,
    serving: Latest<Serving>,
    /// There from prepare-hardware to release-hardware, open in D0.
    pub(crate) hardware: Rundown<Hardware>,
    pub(crate) conversation: Conversation,
    pub(crate) range_updates: RangeUpdates,
    /// 0 before the first start.
    pub(crate) luid: AtomicU64,
    /// The device was removed by surprise: nothing of it is touched any more.
    pub(crate) gone: AtomicBool,
    pub(crate) settings: Settings,
    /// The operator's changes.
    pub(crate) changes: Mutex<RaisedSpinLock, ChangeLog>,
}

/// What the hardware key says besides the number of VFs; read at every start.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How long query-stop waits for the VSP, in milliseconds.
    pub(crate) query_stop_timeout: AtomicU32,
    /// How long a call may wait for its VF, and a handler may take, in milliseconds.
    pub(crate) time_budget: AtomicU32,
    /// Whether a request for an invalidation is for the VF that its input names.
    pub(crate) input_is_filter: AtomicBool,
}

/// The engine and the memory of its VFs.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) engine: Engine,
    vfs: Array<Vf>,
    /// What the handlers keep about the VFs.
    #[expect(dead_code, reason = "the engine refers to it")]
    kept: Array<VfMemory<'static, RaisedSpinLock>>,
    pub(crate) events: Array<Event>,
    /// The identifier of each VF.
    pub(crate) luids: Array<AtomicU64>,
}

impl Handlers {
    /// Lists the handlers, and in the same order the blocks of each; 191 handlers and 64 blocks at most.
    // Inline, so that it exists in constants only: as code it would need a frame of several KiB.
    #[inline]
    #[must_use]
    pub const fn new<const COUNT: usize>(
        handlers: &'static [&'static dyn BlockHandler; COUNT],
        blocks: &'static [&'static [Schema]; COUNT],
    ) -> Self {
        Self::with_unclaimed(handlers, blocks, Unclaimed::Refuse)
    }

    /// As [`Handlers::new`], and says what becomes of calls for blocks that are in no list.
    ///
    /// What [`Unclaimed`] sets aside is not there for listed blocks.
    #[inline]
    #[must_use]
    pub const fn with_unclaimed<const COUNT: usize>(
        handlers: &'static [&'static dyn BlockHandler; COUNT],
        blocks: &'static [&'static [Schema]; COUNT],
        unclaimed: Unclaimed,
    ) -> Self {
        let table = Table::new(handlers).with_unclaimed(unclaimed);
        Self { blocks, mitigation: None, template: Template::new(Pf::unused(table)) }
    }

    /// Adds what supplies mitigated ranges of the VFs; the PF then has the interface `MITIGABLE_DEVICE_INTERFACE`.
    #[inline]
    #[must_use]
    pub const fn with_mitigation(mut self, mitigation: &'static dyn Mitigation) -> Self {
        self.mitigation = Some(Supplied::new(mitigation));
        self
    }
}

impl Pf {
    /// A PF that nobody uses, with its table of handlers.
    // Inline, as in `Handlers::new`.
    #[inline]
    const fn unused(table: Table) -> Self {
        Self {
            table,
            mitigation: None,
            plugins: Array::EMPTY,
            serving: Latest::new(),
            hardware: Rundown::new(),
            conversation: Conversation::new(),
            range_updates: RangeUpdates::new(),
            luid: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            settings: Settings {
                query_stop_timeout: AtomicU32::new(0),
                time_budget: AtomicU32::new(0),
                input_is_filter: AtomicBool::new(false),
            },
            changes: Mutex::new(ChangeLog::new()),
        }
    }

    /// Makes a PF without VFs, with every listed handler registered.
    ///
    /// # Errors
    /// No memory, or the list of handlers is wrong; the status says which.
    pub(crate) fn new(handlers: &'static Handlers) -> Result<Reference<Self>, NtStatus> {
        // SAFETY: an unused table, no `Serving`, no hardware and nobody who waits own nothing.
        let mut pf = unsafe { Reference::copy_of(&handlers.template) }?;
        Self::make_plugins(&mut pf)?;
        if let Some(pf) = pf.alone() {
            pf.mitigation = handlers.mitigation;
        }
        pf.conversation.initialize();
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

    /// Brings memory for handlers of other drivers.
    fn make_plugins(pf: &mut Reference<Self>) -> Result<(), NtStatus> {
        let plugins = Array::<Plugins>::zeroed(1)?;
        if let Some(pf) = pf.alone() {
            pf.plugins = plugins;
            if let [plugins] = &*pf.plugins {
                // SAFETY: the memory goes when this PF goes, together with the table, and does not move.
                let lent = unsafe { &*core::ptr::from_ref(plugins) };
                pf.table.set_late_handlers(lent);
            }
        }
        Ok(())
    }

    /// The handlers of other drivers.
    pub(crate) fn plugins(&self) -> Option<&Plugins> {
        self.plugins.first()
    }

    /// The number by which the engine knows the first handler of another driver.
    pub(crate) fn first_late_handler(&self) -> u8 {
        self.table.first_late_handler()
    }

    /// What a block was registered as.
    pub(crate) fn schema(&self, block: BlockId) -> Option<Schema> {
        self.table.schema(block)
    }

    /// Brings memory for `count` VFs unless it is there.
    ///
    /// IRQL: `PASSIVE_LEVEL`; only PnP calls this, one call at a time.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn make_room(&self, count: u16) -> Result<(), NtStatus> {
        if let Some(supplied) = self.mitigation {
            supplied.surface.make_room(self, count)?;
        }
        if self.serving.newest().is_some_and(|serving| serving.vfs.len() >= usize::from(count)) {
            return Ok(());
        }
        if let Some(serving) = self.serving.newest() {
            // A handler that has not returned since the last stop is known to the VFs of that time only.
            let kernel = serving.kernel();
            if !serving.engine.stop(kernel.now(), &kernel) {
                return Err(NtStatus::from_raw(STATUS_DEVICE_BUSY));
            }
        }
        let vfs = Array::<Vf>::zeroed(usize::from(count))?;
        let spots = usize::from(count).saturating_mul(usize::from(ParkSpot::PER_VF));
        let events = Array::<Event>::zeroed(spots)?;
        for event in events.iter() {
            event.initialize();
        }
        let luids = self.identifiers(count)?;
        // SAFETY: the engine, which goes with the `Serving`, refers to the items and copies none.
        let kept = unsafe { Array::around(usize::from(count), self.table.memory(), VfMemory::new) }?;
        // SAFETY: the VFs' memory goes when the `Serving` that holds both goes; the engine has no drop of its own.
        let lent = unsafe { &*core::ptr::from_ref::<[Vf]>(&vfs) };
        // SAFETY: the table lies in this PF, beside and not inside what `serving` frees, and the PF does not move.
        let table = unsafe { &*core::ptr::from_ref(&self.table) };
        // SAFETY: as for the VFs.
        let memory = unsafe { &*core::ptr::from_ref::<[VfMemory<'_, _>]>(&kept) };
        self.serving.push(|| Serving {
            engine: Engine::with_memory(lent, table, memory),
            vfs,
            kept,
            events,
            luids,
        })
    }

    /// Gives `count` VFs their identifiers; a VF keeps its own as long as the PF is there.
    fn identifiers(&self, count: u16) -> Result<Array<AtomicU64>, NtStatus> {
        let luids = Array::<AtomicU64>::zeroed(usize::from(count))?;
        let known = self.serving.newest().map_or(&[][..], |serving| &*serving.luids);
        for (index, luid) in luids.iter().enumerate() {
            let value = match known.get(index) {
                Some(known) => known.load(Ordering::Relaxed),
                None => unique_id()?,
            };
            luid.store(value, Ordering::Relaxed);
        }
        Ok(luids)
    }

    /// Serves `count` VFs from now on (D0 entry).
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE`: started already, or [`Pf::make_room`] was not called for so many.
    pub(crate) fn start(&self, count: u16) -> Result<(), NtStatus> {
        let serving = self.serving.newest().ok_or(NtStatus::DEVICE_NOT_READY)?;
        let budget = u64::from(self.settings.time_budget.load(Ordering::Relaxed));
        serving.engine.set_time_budget(budget.saturating_mul(MILLISECOND));
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
        let Some(serving) = self.serving() else { return NtStatus::DEVICE_NOT_READY };
        let status = serving.engine.write(vf, block, source, &serving.kernel());
        self.tell_invalidations();
        status
    }

    /// Serves a VF's read of a block.
    ///
    /// SPEC: abi 6.26: nothing says how many bytes were read, so every byte of the sink is written.
    pub(crate) fn read(&self, vf: u16, block: u32, sink: &mut impl Sink) -> NtStatus {
        let Some(serving) = self.serving() else { return NtStatus::DEVICE_NOT_READY };
        let status = serving.engine.read(vf, block, sink, &serving.kernel());
        self.tell_invalidations();
        status
    }

    /// The engine and what belongs to it; there from the beginning.
    pub(crate) fn serving(&self) -> Option<&Serving> {
        self.serving.newest()
    }

    /// A file of the device is closed: what waits for it is completed, and a VSP that used it is gone.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    pub(crate) fn closed(&self, file: File) {
        self.end_registrations_of(file);
        self.cancel_range_updates(Some(file));
        if self.conversation.closed(file) {
            self.detached();
        }
    }

    /// The device goes: completes everything that waits. IRQL: up to `DISPATCH_LEVEL`.
    pub(crate) fn end_waiting(&self) {
        self.conversation.end();
        self.cancel_range_updates(None);
    }

    fn cancel_range_updates(&self, of: Option<File>) {
        if let Some(supplied) = self.mitigation {
            supplied.surface.cancel(self, of);
        }
    }

    /// A waiting request was cancelled.
    pub(crate) fn cancelled(&self, request: Request) {
        if let Some(supplied) = self.mitigation {
            supplied.surface.forget(self, &request);
        }
        self.conversation.cancelled(request);
    }

    /// Nobody is attached any more: what was posted for its guests is dropped.
    pub(crate) fn detached(&self) {
        if let Some(serving) = self.serving() {
            serving.engine.drop_invalidations();
            serving.engine.drop_range_updates();
        }
    }

    /// How long to wait before handlers are looked at again, in units of 100 ns.
    pub(crate) fn watch_interval(&self) -> u64 {
        let budget = u64::from(self.settings.time_budget.load(Ordering::Relaxed));
        (budget.saturating_mul(MILLISECOND) / 4).clamp(10 * MILLISECOND, 250 * MILLISECOND)
    }

    /// Blames handlers that take too long; says whether VFs are served, so that there is something to look at again.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    pub(crate) fn watch(&self) -> bool {
        self.serving().is_some_and(|serving| {
            let _blamed = serving.engine.blame_late_handlers(&serving.kernel());
            serving.engine.vf_count().value() != 0
        })
    }

    /// The time by the engine's clock.
    pub(crate) fn now(&self) -> u64 {
        self.serving().map_or(0, |serving| serving.kernel().now())
    }

    /// Permits what VFs do with a block; says whether there is one.
    pub(crate) fn permit(&self, block: BlockId, permission: Permission) -> bool {
        self.table.permit(block, permission)
    }

    /// Takes a request that waits for an invalidation, of one VF or of any.
    pub(crate) fn wait_for_invalidation<T: RequestCallbacks>(&self, request: Request, only: Option<u16>) {
        self.conversation.park_invalidation::<T>(request, only);
        // INVARIANT: see `tell_invalidations`.
        fence(Ordering::SeqCst);
        self.tell_invalidations();
    }

    /// Completes requests that wait with the invalidations that there are.
    ///
    /// SPEC: abi 6.5, 6.29: an inverted call: the request's output tells what is to be read again; what was posted before it
    /// is told is one mask.
    ///
    /// IRQL: up to `DISPATCH_LEVEL`.
    pub(crate) fn tell_invalidations(&self) {
        let Some(Serving { engine, .. }) = self.serving() else { return };
        if engine.has_range_updates()
            && let Some(supplied) = self.mitigation
        {
            supplied.surface.tell(self);
        }
        if !engine.has_invalidations() {
            return;
        }
        // INVARIANT: who posts looks for one who waits, and who waits looks for what is posted; one of the two sees the other.
        fence(Ordering::SeqCst);
        if self.conversation.invalidation_requests() == 0 {
            return;
        }
        let take = |only: Option<u16>| -> Option<Invalidation> {
            match only {
                Some(vf) => engine.take_invalidation(Some(engine.index(vf)?)),
                None => engine.take_invalidation(None),
            }
        };
        while let Some((request, invalidation)) =
            self.conversation.next_invalidation(take, |invalidation| engine.put_back(invalidation))
        {
            // SPEC: abi 6.6: the mask has a bit for each block. The padding goes to another party: zeros.
            request.answer(&SRIOV_INVALIDATE_BLOCK {
                VfIndex: invalidation.vf().index.value(),
                Padding: [0; 6],
                BlockMask: invalidation.blocks().bits(),
            });
            engine.told(invalidation);
        }
    }
}

impl Serving {
    /// The engine's host.
    pub(crate) const fn kernel(&self) -> Kernel<'_> {
        Kernel::new(&self.events)
    }
}
