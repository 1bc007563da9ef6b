//! The PF side of the Hyper-V SR-IOV backchannel: every rule and every state of it.
#![cfg_attr(not(any(test, loom)), no_std)]
#![forbid(unsafe_code)]
#[cfg(any(test, loom))]
extern crate std;

pub mod abi;
mod block;
mod block_store;
mod dispatch_view;
mod gate;
mod handler;
mod handler_table;
mod invalidation;
mod owned;
mod physical_function;
mod platform;
mod refusal;
mod schema;
mod services;
mod statistics;
mod status;
mod sync;
mod transfer;
mod vf;
mod virtual_function;

pub use block::{BLOCK_SIZE, BlockId, BlockLength, BlockMask};
pub use gate::{Gate, Gated, Pass};
pub use handler::{BlockHandler, Call, Output};
pub use handler_table::{HandlerTable, RegisterError, Service, UnregisterError};
pub use invalidation::InvalidationTarget;
pub use owned::Owned;
pub use physical_function::{PhysicalFunction, StartError, VfError};
pub use platform::{MILLISECOND, ParkSpot, Parker, Platform, SECOND};
pub use refusal::Refusal;
pub use schema::{
    Direction, Owner, RateClass, ReadSource, ResetRule, Schema, SchemaBuilder, SchemaError, Shed,
};
pub use services::PublishError;
pub use statistics::{BlockStatistics, HISTOGRAM_PLACES};
pub use status::NtStatus;
pub use transfer::{Sink, Source};
pub use vf::{Generation, Vf, VfCount, VfEvent, VfIndex, VfPowerState, VfState};
pub use virtual_function::VirtualFunction;
