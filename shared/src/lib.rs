//! The PF side of the Hyper-V SR-IOV backchannel: every rule and every state of it.
//!
//! A VF driver in a guest writes and reads small blocks; the virtualization stack in the parent partition (the VSP) hands
//! them to the driver of the physical function, and that driver makes one call of this crate for each. Here it is decided
//! whether the call is carried out, by which handler, in which order, for how long, and what the guest is told.
//!
//! **Who is trusted.** Nobody whose bytes or numbers arrive here: guests are hostile, and the VSP passes on what they say.
//! Handlers are trusted with memory but not with time or answers. The host is trusted.
//!
//! **What is promised.** No unsafe code, no allocation, no panic. At most one call of a VF at a time, first come, first
//! served. A refusal has a cause, a counter and a status, and changes nothing else. Nothing of one tenant reaches the
//! next. A handler that was released is never called again. `IMMUNITY.md` beside this crate's manifest lists what went
//! wrong in services like this one, and the test that fails if it did here.
//!
//! # Where to look
//!
//! | question | module |
//! | --- | --- |
//! | what may a block look like? | [`Schema`], [`schema!`] |
//! | what if 128 bytes are not enough? | [`Messages`], [`MessageHandler`], [`MessageClient`] |
//! | what does an IHV write? | [`BlockHandler`], [`Call`], [`Negotiation`] |
//! | what happens to a call? | [`PhysicalFunction::write`], [`PhysicalFunction::read`], [`Refusal`] |
//! | how are calls serialised, and who waits for whom? | [`Gate`], [`Parker`] |
//! | what does a host bring? | [`Platform`], [`Gated`], [`Source`], [`Sink`], zeroed [`VirtualFunction`]s, [`VfMemory`] |
//! | how does a handler come and go? | [`HandlerTable`], [`PhysicalFunction::unregister`] |
//! | what if a guest must not reach a register itself? | [`Mitigation`] |
//! | what if nobody serves a block? | [`Unclaimed`] |
//! | what did a VF write last? | [`PhysicalFunction::written_content`], [`Content`] |
//! | what if a VF misbehaves? | [`Standing`], [`Override`] |
//! | what does the VSP hear from PnP? | [`PnpNotifications`] |
//! | what are the C structures? | [`abi`] |
//!
//! # A whole conversation
//!
//! The host here is the smallest there is: one thread, a clock that counts, nobody ever waits.
//!
//! ```
//! use backchannel::{
//!     BlockHandler, BlockId, BlockMask, Call, Gate, Gated, HandlerTable, InvalidationTarget, NtStatus, Owned, ParkSpot,
//!     Parker, Pass, PhysicalFunction, Platform, ReadSource, Schema, Service, VfCount, VirtualFunction, schema,
//! };
//! use std::sync::{Mutex, MutexGuard};
//!
//! // What the IHV writes: block 3 takes a greeting, and answers by publishing it back in capitals.
//! const GREETING: Schema =
//!     schema!(Schema::exchanged(BlockId::new(3), ReadSource::Published).lengths(1, 128, 1).invalidatable());
//!
//! struct Capitals;
//!
//! impl BlockHandler for Capitals {
//!     fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
//!         let answer = block.to_ascii_uppercase();
//!         call.publish(call.block(), &answer).map_err(|error| error.status())?;
//!         call.invalidate(InvalidationTarget::Vf(call.vf().index), BlockMask::new(1 << 3));
//!         Ok(())
//!     }
//! }
//!
//! // What the host brings: a cell for each VF, a raw lock, a clock.
//! struct Room(Gate, Mutex<Owned<64>>);
//!
//! impl Gated<64> for Room {
//!     type Guard<'a> = MutexGuard<'a, Owned<64>>;
//!
//!     fn gate(&self) -> &Gate {
//!         &self.0
//!     }
//!
//!     fn open<'a>(&'a self, pass: &'a mut Pass<'_>) -> Option<Self::Guard<'a>> {
//!         if pass.is_of(&self.0) { self.1.try_lock().ok() } else { None }
//!     }
//! }
//!
//! struct Host(std::cell::Cell<u64>);
//!
//! impl Parker for Host {
//!     fn enter_critical_region(&self) {}
//!     fn leave_critical_region(&self) {}
//!     fn park(&self, _spot: ParkSpot, _deadline: Option<u64>) -> bool {
//!         unreachable!("there is one thread")
//!     }
//!     fn unpark(&self, _spot: ParkSpot) {}
//!     fn sleep(&self, _until: u64) {}
//! }
//!
//! impl Platform for Host {
//!     fn now(&self) -> u64 {
//!         self.0.replace(self.0.get() + 1)
//!     }
//!     fn thread(&self) -> u64 {
//!         1
//!     }
//! }
//!
//! static TABLE: HandlerTable<'static, spin::mutex::Mutex<()>, 64> = HandlerTable::new(&[&Capitals]);
//! let vfs: Vec<_> =
//!     (0..4).map(|_| VirtualFunction::new(Room(Gate::new(), Mutex::new(Owned::new())))).collect();
//! let (pf, host) = (PhysicalFunction::new(&vfs, &TABLE), Host(Default::default()));
//! pf.register(&GREETING, Service::Handler(0)).expect("the table is empty");
//!
//! // Before the VFs are enabled, a call gets a definite answer.
//! assert_eq!(pf.write(2, 3, &&b"hello"[..], &host), NtStatus::DEVICE_NOT_READY);
//! pf.start(VfCount::new(4), &host).expect("it was stopped");
//!
//! // VF 2 writes, is told to read again, and reads.
//! assert_eq!(pf.write(2, 3, &&b"hello"[..], &host), NtStatus::SUCCESS);
//! let invalidation = pf.take_invalidation(None).expect("the handler posted one");
//! assert_eq!((invalidation.vf().index.value(), invalidation.blocks().bits()), (2, 8));
//! pf.told(invalidation);
//! let mut answer = [0xA5; 8];
//! assert_eq!(pf.read(2, 3, &mut &mut answer[..], &host), NtStatus::SUCCESS);
//! assert_eq!(&answer, b"HELLO\0\0\0");
//!
//! // The VF changes hands: nothing is left.
//! pf.reset_vf(2, &host).expect("it is started");
//! assert_eq!(pf.read(2, 3, &mut &mut answer[..], &host), NtStatus::SUCCESS);
//! assert_eq!(answer, [0; 8]);
//! assert!(pf.stop(host.now() + 1, &host), "nobody is inside");
//! ```
#![cfg_attr(not(any(test, loom, shuttle)), no_std)]
#![forbid(unsafe_code)]
#[cfg(any(test, loom, shuttle))]
extern crate std;

pub mod abi;
mod bar;
mod block;
mod block_store;
mod change_log;
mod config_space;
mod delay;
mod dispatch_view;
mod evidence;
mod gate;
mod halves;
mod handler;
mod handler_memory;
mod handler_table;
mod invalidation;
mod message;
mod mitigation;
mod negotiation;
mod owned;
mod physical_function;
mod places;
mod platform;
mod pnp;
mod policy;
mod recorder;
mod refusal;
mod schema;
mod services;
mod statistics;
mod status;
mod sync;
mod tickets;
mod transfer;
mod unclaimed;
mod vf;
mod virtual_function;

pub use bar::{BARS, MemoryRange, MemoryRanges, NoWindow, ProbedBars, VfWindows};
pub use block::{BLOCK_SIZE, BlockId, BlockLength, BlockMask};
pub use change_log::{Change, ChangeLog};
pub use config_space::{
    ConfigSpace, NoAnswer, SriovCapability, function_level_reset, identity, set_power, sriov_capability,
};
pub use evidence::Evidence;
pub use gate::{Gate, Gated, Pass};
pub use handler::{BlockHandler, Call, Output};
pub use handler_memory::VfMemory;
pub use handler_table::{
    Blame, HandlerTable, LateHandlers, Permission, RegisterError, Service, UnregisterError,
};
pub use invalidation::{Invalidation, InvalidationStatistics, InvalidationTarget};
pub use message::{
    Blocks, ClientError, LONGEST_MESSAGE, MessageBlocks, MessageClient, MessageHandler, MessageLimits,
    Messages, Outbox, SendError,
};
pub use mitigation::{MOST_RANGES, Mitigated, MitigatedRange, Mitigation, Register, RegisterAccess};
pub use negotiation::{Agreement, Negotiation, NegotiationRecord, Offer};
pub use owned::Owned;
pub use physical_function::{Content, Leaving, PhysicalFunction, StartError, VfError};
pub use places::{PlaceState, Places};
pub use platform::{MILLISECOND, ParkSpot, Parker, Platform, SECOND};
pub use pnp::{Answer, Effect, Effects, PfEvent, PnpInput, PnpNotifications, PnpState};
pub use policy::{Override, Standing};
pub use recorder::{EVENTS, Event, Happening};
pub use refusal::Refusal;
pub use schema::{
    Direction, Owner, RateClass, ReadSource, ResetRule, Schema, SchemaBuilder, SchemaError, Shed,
};
pub use services::PublishError;
pub use statistics::{BlockStatistics, HISTOGRAM_PLACES};
pub use status::NtStatus;
pub use tickets::{Ticket, TooLate};
pub use transfer::{Sink, Source};
pub use unclaimed::Unclaimed;
pub use vf::{Generation, Vf, VfCount, VfEvent, VfIndex, VfPowerState, VfState};
pub use virtual_function::VirtualFunction;
