//! The PnP manager: loads drivers, builds device stacks, starts, stops and removes them.
//!
//! ```text
//!  load_driver ─► add_device ─► start ─► query_stop ─► stop ─► start ...
//!                                 │          └► cancel_stop
//!                                 ├► query_remove ─► cancel_remove
//!                                 ├► surprise_remove
//!                                 └► remove ─► unload (what the driver left behind is found)
//! ```
//!
//! Every IRP goes to the top of the stack at PASSIVE_LEVEL with STATUS_NOT_SUPPORTED in it, as the "PnP" part of the
//! kernel's design guide asks.

mod device;
mod leaks;
mod loader;
mod minor;
mod power;
mod queries;
pub(crate) mod resources;

pub use device::{
    DeviceRef, add_device, add_device_stack, add_rooted_device, cancel_remove, cancel_stop, query_remove,
    query_stop, remove, start, stop, surprise_remove,
};
pub use leaks::settle;
pub use loader::{DriverRef, LoadError, boot, load_driver, unload, unload_forgiving};
pub use minor::{Minor, query_interface, send};
pub use power::{SystemState, query_power, resume, set_power, sleep};
