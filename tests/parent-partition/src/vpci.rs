//! The VPCI bus driver of a guest: what a VF driver finds below it.
//!
//! It owns the VF's device object and has two ways in, as `vpci.h` has: an interface whose routines return
//! when the PF has answered, and device controls that are pended and completed. Both become messages on the
//! VMBus channel. It refuses by itself only what the messages cannot carry or a buffer cannot hold; what a
//! block means, and whether the VF may touch it, is for the other side.
//!
//! * [`device`]: the VF's device object and its dispatch routines.
//! * [`interface`]: the synchronous way in.
//! * [`ioctl`]: the asynchronous way in.
//! * [`link`]: questions to the VSP and who waits for which answer.

pub mod device;
pub mod interface;
pub mod ioctl;
pub mod link;

#[cfg(test)]
mod tests;
