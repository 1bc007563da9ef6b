//! What a driver of an IHV in Rust is written against to serve blocks at run time.
//!
//! The driver is a `.sys` of its own beside the PF's. Its source needs no `unsafe`: this crate holds the entry point, finds the
//! PF, opens it, and keeps handlers registered over the C interface (`driver/include/pf_backchannel.h`) while the PF is there.
//!
//! ```ignore
//! #![no_std]
//! #![forbid(unsafe_code)]
//!
//! use pf_backchannel_plugin::{Block, Call, Handler, NtStatus, Service, plugin};
//!
//! struct SerialNumber;
//!
//! impl Handler for SerialNumber {
//!     fn read(&self, call: &Call<'_>, out: &mut [u8]) -> Result<(), NtStatus> {
//!         call.fill(out, &call.vf().to_le_bytes())
//!     }
//! }
//!
//! plugin!(services: [Service::new(Block::answered(7).length(2), &SerialNumber)]);
//! ```
//!
//! The rules for a handler are those of the header: one call a VF at a time, at `PASSIVE_LEVEL`, within the time budget; the
//! services of a [`Call`] never wait for a VF.
#![no_std]

extern crate wdk_panic as _;

mod block;
mod callbacks;
mod connection;
mod entry;
mod handler;
mod kernel;
mod pf;

pub use backchannel::{NtStatus, VfEvent};
pub use block::{Block, Service};
pub use entry::{Plugin, driver_entry};
pub use handler::{Call, Handler, Operator};
pub use pf::Pf;

/// The types that [`plugin!`] names.
#[doc(hidden)]
pub use wdk_sys::{NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT};
