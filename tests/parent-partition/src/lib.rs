//! A parent partition in a box: it runs a real driver image and judges it.
//!
//! The image (a PE file for `x86_64-pc-windows-msvc`) is mapped into this Linux process and called with its
//! own calling convention; its imports are Rust functions that behave as the documented kernel and framework
//! routines do, and that end the run when the image breaks a rule. The image is not trusted here: every
//! touch of memory that is not its own, every wrong IRQL and every leak is found and named.
//!
//! | room | holds |
//! | --- | --- |
//! | [`machine`] | threads, kernel stacks, the way into an image and out of it, IRQL, waits, faults |
//! | [`memory`] | pool blocks that end at an inaccessible page |
//! | [`image`] | the PE loader and what is known of each loaded image |
//! | [`exercise`] | any driver, taken through the life of a device |
//! | [`faults`] | a PF's life with each of its calls failing once |
//! | [`frames`] | the stack frames of a file's functions |
//! | [`judge`] | the rules, and how a broken one ends the run |
//! | [`lives`] | lives of a driver in a row, of which none leaves more than the one before |
//! | [`record`], [`supervisor`], [`symbols`] | the parent process: who broke the rule, by function name |
//! | [`scenario`](mod@scenario) | tests as judged processes |
//! | [`kmdf`] | the framework, on top of NT |
//! | [`sys`] | the NT and KMDF types |
//! | [`vmbus`] | what travels between a guest and the parent partition |
//! | [`guest`], [`vpci`] | VF drivers, and the bus driver below them |
//! | [`vsp`] | the VPCI service provider, which calls the PF for the guests |
//! | [`partition`] | driver, VSP and guests put together |
//! | [`plugins`] | foreign drivers that plug in at run time |
//! | [`traffic`] | guests that write without pause |
//! | [`script`], [`demo`] | what the command plays on it |
//! | [`soak`] | guests, resets, rebalances and cancels all at once, and the ledger of what came through |
//! | [`traces`] | recorded traces of the real framework, compared line by line |

pub mod command;
pub mod coverage;
pub mod demo;
pub mod exercise;
pub mod faults;
pub mod frames;
pub mod guest;
pub mod image;
pub mod judge;
pub mod kmdf;
pub mod lives;
pub mod machine;
pub mod memory;
pub mod nt;
pub mod partition;
pub mod pci_bus;
pub mod plugins;
pub mod pnp;
pub mod record;
pub mod scenario;
pub mod script;
pub mod soak;
pub mod supervisor;
pub mod symbols;
pub mod sys;
pub mod traces;
pub mod traffic;
pub mod vmbus;
pub mod vpci;
pub mod vsp;
pub mod wdfldr;
