//! The simulated KMDF 1.33: a framework that sits on NT like a driver.
//!
//! A driver image binds to it through WDFLDR.SYS (`bind`) and gets a table of 458 functions; each that is not served
//! ends the run by its name. Below, the framework uses the routines that NT exports to any driver (`kernel`) and nothing
//! else. What it does, in which order and with which status, is what the recorded traces of the real framework show; each
//! function cites its page or its trace. Handles are opaque and typed; what the framework's verifier finds ends the run.
//!
//! | part | files |
//! | --- | --- |
//! | seam to images | `loader`, `table`, `driver_memory`, `callback`, `verify` |
//! | seam to NT | `kernel`, `irp`, `dispatch` |
//! | objects | `object`, `handle`, `attributes`, `context`, `object_calls` |
//! | a driver and its devices | `driver`, `device_init`, `device`, `pnp`, `power`, `power_irp`, `query_interface`, `device_interface`, `file`, `io_target` |
//! | requests | `queue*`, `request*` |
//! | the rest | `memory`, `string`, `collection`, `resource_list`, `registry`, `spin_lock`, `wait_lock`, `timer`, `dpc`, `work_item` |

#![expect(non_snake_case, reason = "the framework's functions have the names of their pages")]

mod attributes;
mod callback;
mod collection;
mod context;
mod device;
mod device_init;
mod device_interface;
mod dispatch;
mod dpc;
mod driver;
mod driver_memory;
mod file;
mod handle;
mod io_target;
mod irp;
mod kernel;
mod loader;
mod memory;
mod object;
mod object_calls;
mod pnp;
mod power;
mod power_irp;
mod query_interface;
mod queue;
mod queue_control;
mod queue_events;
mod queue_retrieve;
mod queue_set;
mod queue_state;
mod registry;
mod request;
mod request_buffer;
mod request_cancel;
mod request_completion;
mod resource_list;
mod spin_lock;
mod status;
mod string;
pub(crate) mod table;
mod timer;
mod verify;
mod wait_lock;
mod work_item;

pub use driver_memory::watch_structures;
pub(crate) use loader::{bind, unbind};
pub use verify::{go_on_after_findings, set_verifier};

/// Every framework function that is served.
fn routines() -> Vec<table::Routine> {
    let mut all = Vec::new();
    all.extend(collection::routines());
    all.extend(device::routines());
    all.extend(device_init::routines());
    all.extend(device_interface::routines());
    all.extend(dispatch::routines());
    all.extend(dpc::routines());
    all.extend(driver::routines());
    all.extend(file::routines());
    all.extend(io_target::routines());
    all.extend(memory::routines());
    all.extend(object_calls::routines());
    all.extend(query_interface::routines());
    all.extend(queue::routines());
    all.extend(queue_control::routines());
    all.extend(queue_retrieve::routines());
    all.extend(registry::routines());
    all.extend(request::routines());
    all.extend(request_buffer::routines());
    all.extend(request_cancel::routines());
    all.extend(request_completion::routines());
    all.extend(resource_list::routines());
    all.extend(spin_lock::routines());
    all.extend(string::routines());
    all.extend(timer::routines());
    all.extend(wait_lock::routines());
    all.extend(work_item::routines());
    all
}
