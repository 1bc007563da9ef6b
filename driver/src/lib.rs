//! The PF side of the Hyper-V SR-IOV backchannel, as a KMDF driver.
//!
//! This package translates: C arguments in, one call of the engine (`backchannel`), C arguments out. The rules are all in
//! the engine.
//!
//! ```text
//!   VSP ── SRIOV_DEVICE_INTERFACE_STANDARD ──► sriov, members ─┐
//!   VSP ── MITIGABLE_DEVICE_INTERFACE ───────► sriov, members ─┤
//!   VSP ── IOCTL_SRIOV_* ────────────────────► ioctl, pended, range_updates ──┤
//!   IHV ── handler interface ────────────────► handler_interface, plugins ┤
//!   operator ── operator interface ──────────► operator ───────┼─► pf ─► engine ─► handlers
//!   PnP ── KMDF callbacks, three IRPs ───────► device ─────────┤   │
//!   system ── DriverEntry, EvtDriverDeviceAdd ► entry ─────────┘   └─► hardware ─► bus
//! ```
//!
//! It is built twice: as `pf_backchannel.sys`, and as a library for an IHV's own driver, which calls [`add_device`] from
//! its `EvtDriverDeviceAdd`.
#![no_std]

extern crate wdk_panic as _;

mod bus;
mod device;
mod entry;
mod handler_interface;
mod handlers;
mod hardware;
mod ioctl;
mod irql;
mod kernel_object;
mod members;
mod mitigation;
pub mod mlx5;
mod operator;
mod pended;
mod pf;
mod plugin;
mod plugins;
mod range_updates;
mod rundown;
mod sriov;
mod storage;
mod wdf;

pub use entry::{add_device, driver_entry};
pub use irql::RaisedSpinLock;
pub use pf::Handlers;
