//! The NT seam: the exports of ntoskrnl.exe and hal.dll, with NT's own structures.
//!
//! An image reaches these routines by name, a framework that is part of the simulator by path; both find the same
//! routines, and both are judged. Each routine's page is the one of its name in the DDI reference; what its doc lists as
//! *judged* ends the run.
//!
//! | rooms | hold |
//! | --- | --- |
//! | [`irql`], [`critical_region`], [`spin_lock`], [`fast_mutex`], [`mutex`], [`rundown`], [`event`], [`wait`], [`timer`], [`ex_timer`], [`dpc`], [`interrupt`], [`time`] | processors and waiting |
//! | [`pool`], [`pageable`], [`lookaside`], [`singly_linked_list`], [`memory_list`], [`runtime`], [`probe`], [`string`], [`converted_string`], [`mod@format`] | memory and text |
//! | [`object`], [`handle`], `left`, [`thread`], [`work_item`], [`callback_object`], `namespace` | objects, their names and handles |
//! | [`driver`], [`device`], [`mod@file`], `device_node`, [`device_interface`], `create_file`, `pnp_notification` | drivers, devices and how they are found |
//! | [`irp`], [`call`], [`complete`], [`cancel`], `flight`, [`build_request`], [`request`], [`control`], [`power`], [`remove_lock`] | I/O request packets |
//! | [`hive`], [`registry`], [`registry_query`] | the registry |
//! | [`etw`], [`wmi`], [`debug`], [`exception`], [`bugcheck`], [`system`], [`shared_data`], [`watch`] | diagnostics and the rest |

#![expect(non_snake_case, reason = "the routines have NT's names")]

pub mod bugcheck;
pub mod build_request;
pub mod call;
pub mod callback_object;
pub mod cancel;
pub mod complete;
pub mod control;
pub mod converted_string;
pub(crate) mod create_file;
pub mod critical_region;
pub mod debug;
pub mod device;
pub mod device_interface;
pub(crate) mod device_node;
mod dispatcher;
pub mod dpc;
pub mod driver;
pub mod etw;
pub mod event;
pub mod ex_timer;
pub mod exception;
mod exports;
pub mod fast_mutex;
pub mod file;
pub(crate) mod flight;
mod format;
pub mod handle;
pub mod hive;
pub mod interrupt;
pub mod irp;
pub mod irql;
pub(crate) mod left;
pub mod lookaside;
pub mod memory_list;
pub mod mutex;
pub(crate) mod namespace;
mod not_served;
pub mod object;
pub mod pageable;
pub(crate) mod pnp_notification;
pub mod pool;
pub mod power;
pub mod probe;
pub mod registry;
pub mod registry_query;
pub mod remove_lock;
pub mod request;
pub mod rundown;
pub mod runtime;
pub mod shared_data;
pub mod singly_linked_list;
pub mod spin_lock;
pub mod status;
pub mod string;
pub mod system;
pub mod thread;
pub mod time;
pub mod timer;
pub mod wait;
pub mod watch;
pub mod wmi;
pub mod work_item;

pub use exports::exports;
pub use not_served::not_served;
