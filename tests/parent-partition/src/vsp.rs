//! The VPCI service provider of the parent partition: it speaks to the PF for all guests.
//!
//! A guest's messages arrive on its channel, one thread a channel. What they say is the guest's word: the
//! slot is looked up, the byte count is held against what arrived, and everything else is the PF's to judge.
//! Which VF a channel stands for is the VSP's own knowledge.
//!
//! Towards the PF the VSP is a client as the platform has it: it finds the device by its interface class,
//! keeps it open, asks for the interface, and gives everything back before the device is removed. It judges
//! what it gets: buffers end at an inaccessible page, and a read that succeeds must have filled its buffer.
//!
//! * [`buffer`]: the memory lent to the PF.
//! * [`pf`]: the connection to the PF.
//! * [`members`]: the routines of the interface beside those of blocks.
//! * [`door`]: who is inside the PF, and how it is left.
//! * [`invalidations`]: the request that is kept parked at the PF, and who is told of what it brings.
//! * [`service`]: what is done with a guest's message.
//! * [`provider`]: the connections together.

pub mod buffer;
pub mod door;
pub mod invalidations;
pub mod members;
pub mod pf;
pub mod provider;
pub mod service;
