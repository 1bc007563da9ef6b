//! What the scenarios share: running the command, and making driver images from C.
//!
//! A scenario runs the command `parent-partition` on a real image and judges what it prints and how it ends. Nothing
//! here is called by the command, and nothing of the simulator is called from here.

pub mod c_driver;
pub mod command;
pub mod framework;
mod places;
pub mod script;
