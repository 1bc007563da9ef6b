//! Every entry of the engine in a library whose panic handler calls a function that does not exist.
//!
//! If an optimised build of the engine could reach a panic, the handler would be linked, and the linker would name the
//! function that is missing.
#![no_std]

use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU64, Ordering};

use backchannel::{
    Answer, BlockHandler, BlockId, BlockMask, Blocks, Call, Effect, Gate, Gated, HandlerTable,
    InvalidationTarget, MessageBlocks, MessageClient, MessageHandler, MessageLimits, Messages, NtStatus,
    Outbox, Output, Override, Owned, ParkSpot, Parker, Pass, PhysicalFunction, Platform, PnpInput,
    PnpNotifications, Refusal, Schema, SendError, Service, Sink, Source, Unclaimed, Vf, VfCount, VfEvent,
    VfMemory, VirtualFunction,
};

unsafe extern "C" {
    fn the_engine_can_panic() -> !;
}

/// Compilers put calls of `memcpy` into any code.
#[link(name = "c")]
unsafe extern "C" {}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe { the_engine_can_panic() }
}

type Lock = spin::mutex::Mutex<()>;
type Pf = PhysicalFunction<'static, Room, Lock, 64>;

struct Room {
    gate: Gate,
    owned: UnsafeCell<Owned<64>>,
}

unsafe impl Sync for Room {}

impl Gated<64> for Room {
    type Guard<'a> = &'a mut Owned<64>;

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn open<'a>(&'a self, pass: &'a mut Pass<'_>) -> Option<Self::Guard<'a>> {
        if pass.is_of(&self.gate) { Some(unsafe { &mut *self.owned.get() }) } else { None }
    }
}

struct Host;

static CLOCK: AtomicU64 = AtomicU64::new(0);

impl Parker for Host {
    fn enter_critical_region(&self) {}

    fn leave_critical_region(&self) {}

    fn park(&self, spot: ParkSpot, _deadline: Option<u64>) -> bool {
        CLOCK.fetch_add(u64::from(spot.waiter), Ordering::SeqCst) % 2 == 0
    }

    fn unpark(&self, spot: ParkSpot) {
        CLOCK.store(u64::from(spot.vf), Ordering::SeqCst);
    }

    fn sleep(&self, until: u64) {
        CLOCK.store(until, Ordering::SeqCst);
    }
}

impl Platform for Host {
    fn now(&self) -> u64 {
        CLOCK.fetch_add(1, Ordering::SeqCst)
    }

    fn thread(&self) -> u64 {
        CLOCK.load(Ordering::SeqCst)
    }
}

struct Handler;

impl BlockHandler for Handler {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        #[cfg(feature = "one-index")]
        CLOCK.store(u64::from(block[usize::from(call.vf().index.value())]), Ordering::SeqCst);
        call.invalidate(InvalidationTarget::AllVfs, BlockMask::new(call.time()));
        call.publish(call.block(), block).map_err(|error| error.status())?;
        call.publish_to(call.vf().index, call.block(), block).map_err(|error| error.status())
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        out.fill(&call.time().to_le_bytes())
    }

    fn vf_event(&self, vf: Vf, event: VfEvent) {
        CLOCK.store(u64::from(vf.generation.value()) + u64::from(event == VfEvent::Reset), Ordering::SeqCst);
    }
}

struct Raw(*mut u8, u32);

impl Source for Raw {
    fn is_null(&self) -> bool {
        self.0.is_null()
    }

    fn length(&self) -> u32 {
        self.1
    }

    fn copy_to(&self, staging: &mut [u8]) {
        unsafe { core::ptr::copy_nonoverlapping(self.0, staging.as_mut_ptr(), staging.len()) };
    }
}

impl Sink for Raw {
    fn is_null(&self) -> bool {
        self.0.is_null()
    }

    fn length(&self) -> u32 {
        self.1
    }

    fn fill(&mut self, content: &[u8]) {
        unsafe { core::ptr::copy_nonoverlapping(content.as_ptr(), self.0, content.len()) };
    }
}

/// Sends each message back, and one of its own when it is asked.
struct Echo;

impl MessageHandler for Echo {
    fn message(&self, _: &Call<'_>, message: &[u8], outbox: &mut Outbox<'_>) -> Result<(), NtStatus> {
        outbox.send(message).map_err(SendError::status)
    }

    fn asked(&self, call: &Call<'_>, outbox: &mut Outbox<'_>) {
        let mut bytes = [0; 9];
        let length = usize::from(call.published(call.block(), &mut bytes));
        let _sent = outbox.send(bytes.get(..length).unwrap_or_default());
    }
}

const IDS: MessageBlocks =
    MessageBlocks { control: BlockId::new(1), to_pf: BlockId::new(2), to_vf: BlockId::new(3) };
static MESSAGES: Messages<Echo> = Messages::new(Echo, IDS, MessageLimits::DEFAULT);

/// A VF driver's way to the PF, without a guest between.
struct Way<'a>(&'a Pf);

impl Blocks for Way<'_> {
    type Refusal = i32;

    fn write(&mut self, block: u32, bytes: &[u8]) -> Result<(), i32> {
        match self.0.write(0, block, &bytes, &Host) {
            NtStatus::SUCCESS => Ok(()),
            status => Err(status.raw()),
        }
    }

    fn read(&mut self, block: u32, mut bytes: &mut [u8]) -> Result<(), i32> {
        match self.0.read(0, block, &mut bytes, &Host) {
            NtStatus::SUCCESS => Ok(()),
            status => Err(status.raw()),
        }
    }
}

/// What a VF driver does with messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn converse(pf: &Pf, bytes: *mut u8, length: usize) -> u32 {
    let bytes = unsafe { core::slice::from_raw_parts_mut(bytes, length) };
    let Ok(mut client) = MessageClient::open(Way(pf), IDS) else { return 0 };
    let sent = client.send(bytes).is_ok();
    let received = client.receive(bytes).ok().flatten();
    u32::from(sent) + u32::from(received > Some(2)) + client.longest_to_pf() + client.longest_to_vf()
}

static TABLE: HandlerTable<'static, Lock, 64> =
    HandlerTable::new(&[&Handler, &MESSAGES]).with_unclaimed(Unclaimed::Echo(3));
static VFS: [VirtualFunction<Room, Lock, 64>; 2] =
    [const { VirtualFunction::new(Room { gate: Gate::new(), owned: UnsafeCell::new(Owned::new()) }) }; 2];

/// Makes the PF.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn make(to: *mut Pf, memory: &'static [VfMemory<'static, Lock>]) {
    unsafe { to.write(PhysicalFunction::with_memory(&VFS, &TABLE, memory)) };
}

/// What VFs do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call(pf: &Pf, vf: u16, block: u32, buffer: *mut u8, length: u32) -> i32 {
    let written = pf.write(vf, block, &Raw(buffer, length), &Host);
    let slice: &[u8] = if buffer.is_null() { &[] } else { unsafe { core::slice::from_raw_parts(buffer, 7) } };
    let written_too = pf.write(vf, block, &slice, &Host);
    let read = pf.read(vf, block, &mut Raw(buffer, length), &Host);
    let mut bytes = [0; 9];
    let read_too = pf.read(vf, block, &mut &mut bytes[..], &Host);
    written.raw() ^ written_too.raw() ^ read.raw() ^ read_too.raw()
}

/// What the virtualization stack and PnP do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn manage(pf: &Pf, pnp: &mut PnpNotifications, vf: u16, number: i32) -> i32 {
    let started = pf.start(VfCount::new(vf), &Host).is_ok();
    let reset = pf.reset_vf(vf, &Host).is_ok();
    let powered = pf.set_vf_power(vf, number, &Host).is_ok();
    let stopped = pf.stop(CLOCK.load(Ordering::SeqCst), &Host);
    pf.set_time_budget(u64::from(vf));
    let status = NtStatus::from_raw(number);
    let input = match number {
        0 => PnpInput::Attach,
        1 => PnpInput::AttachCancelled,
        2 => PnpInput::Detach,
        3 => PnpInput::Notification,
        4 => PnpInput::NotificationCancelled,
        5 => PnpInput::QueryStop,
        6 => PnpInput::QueryStopTimedOut,
        7 => PnpInput::CancelStop,
        8 => PnpInput::Started,
        9 => PnpInput::Removed,
        _ => PnpInput::EventComplete(status),
    };
    let (answer, effects) = pnp.step(input);
    let told = effects.iter().any(|effect| matches!(effect, Effect::CompleteNotification(_)));
    let waits = matches!(answer, Answer::Wait);
    i32::from(started)
        + i32::from(reset)
        + i32::from(powered)
        + i32::from(stopped)
        + i32::from(told)
        + i32::from(waits)
}

/// What the PF driver, its handlers and the operator do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn serve(pf: &Pf, vf: u16, block: u32, bytes: *mut u8, length: usize) -> i32 {
    let id = BlockId::new(block);
    let [low, high, ..] = block.to_le_bytes();
    let mut done = 0;
    for builder in [Schema::written(id), Schema::published(id), Schema::answered(id)] {
        if let Ok(schema) = builder.lengths(low, high, 3).truncatable().build() {
            done += i32::from(pf.register(&schema, Service::Handler(high)).is_ok());
        }
    }
    let content = unsafe { core::slice::from_raw_parts_mut(bytes, length) };
    if let Some(index) = pf.index(vf) {
        done += i32::from(pf.publish(index, id, content, 0).is_ok());
        done += i32::from(pf.evidence(index, content).is_some());
        done += i32::from(pf.written_content(index, id, content).is_some_and(|value| value.length > 3));
        done += i32::from(pf.published_content(index, id, content).is_some_and(|value| value.by_operator));
        done += i32::from(pf.event(index, length).is_some_and(|event| event.count > 2));
        done += i32::from(pf.block_statistics(index, id).is_some());
        done += i32::from(pf.handler_times(index, length) > 1) + i32::from(pf.faults(index) > 1);
        done += i32::from(pf.vf_refusals(index, Refusal::Length) > pf.refusals(Refusal::Length));
        pf.decide(index, if low > 7 { Override::Exempt } else { Override::None });
        pf.release(index);
        pf.invalidate(InvalidationTarget::Vf(index), BlockMask::ALL);
        done +=
            i32::from(pf.invalidation_statistics(index).told > 1) + i32::from(pf.late_completions(index) > 1);
    }
    while let Some(taken) = pf.take_invalidation(pf.index(vf)) {
        if taken.blocks().is_empty() { pf.put_back(taken) } else { pf.told(taken) }
    }
    if let Some(taken) = pf.take_invalidation(None) {
        pf.put_back(taken);
    }
    pf.drop_invalidations();
    done += i32::from(pf.unregister(id, 9, &Host).is_ok());
    done += i32::from(pf.replace(id, Service::StoreOnly, 9, &Host).is_ok());
    done += i32::from(pf.blame_late_handlers(&Host) > 1) + i32::from(pf.is_stuck(id));
    done
}
