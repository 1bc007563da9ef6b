//! The PF side of the Hyper-V SR-IOV backchannel: every rule and every state of it.
#![cfg_attr(not(any(test, loom, shuttle)), no_std)]
#![forbid(unsafe_code)]
#[cfg(any(test, loom, shuttle))]
extern crate std;

pub mod abi;
mod block;
mod block_store;
mod delay;
mod dispatch_view;
mod evidence;
mod gate;
mod handler;
mod handler_table;
mod invalidation;
mod negotiation;
mod owned;
mod physical_function;
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
mod vf;
mod virtual_function;

pub use block::{BLOCK_SIZE, BlockId, BlockLength, BlockMask};
pub use evidence::Evidence;
pub use gate::{Gate, Gated, Pass};
pub use handler::{BlockHandler, Call, Output};
pub use handler_table::{HandlerTable, RegisterError, Service, UnregisterError};
pub use invalidation::{Invalidation, InvalidationStatistics, InvalidationTarget};
pub use negotiation::{Agreement, Negotiation, NegotiationRecord, Offer};
pub use owned::Owned;
pub use physical_function::{PhysicalFunction, StartError, VfError};
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
pub use vf::{Generation, Vf, VfCount, VfEvent, VfIndex, VfPowerState, VfState};
pub use virtual_function::VirtualFunction;
