//! Guests: VF drivers that speak to the PF through the backchannel.
//!
//! A guest is not trusted by the parent partition, and in a test it is the only witness of what was sent:
//! what a check expects of the PF comes from here and never from the PF's side.
//!
//! * [`backchannel`]: what a VF driver sees of the way to the PF.
//! * [`vf`]: a VF driver's two ways to its bus.
//! * [`mlx5`]: a VF driver that behaves as the one of Linux for mlx5 devices.
//! * [`statistics`]: the counters that it sends, and the pieces that carry them.

pub mod backchannel;
pub mod mlx5;
pub mod statistics;
pub mod vf;
