//! VMBus between one guest and the parent partition: rings, packets, messages.
//!
//! A channel is a pair of rings, one a direction, and carries packets that are matched by transaction
//! id. What travels in the packets are the VPCI messages, byte for byte as a real guest and a real
//! host exchange them. The guest writes its ring as it likes, so everything that arrives from it is
//! parsed before it is believed; nothing here knows what a block means.
//!
//! * [`message`]: what is said.
//! * [`packet`]: how it is wrapped.
//! * [`ring`]: where it waits.
//! * [`channel`]: the two ends that threads hold.

pub mod channel;
pub mod message;
pub mod packet;
pub mod ring;
