//! The two ends of a channel, each held by threads of one partition.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use super::packet::{Packet, PacketError, PacketKind};
use super::ring::Ring;
use crate::machine::wait;

/// Opens a channel; the first end is the guest's, the second the host's.
pub fn open() -> (End, End) {
    let to_host = Arc::new(Direction::default());
    let to_guest = Arc::new(Direction::default());
    let guest = End { outgoing: Arc::clone(&to_host), incoming: Arc::clone(&to_guest) };
    (guest, End { outgoing: to_guest, incoming: to_host })
}

/// One side of a channel; clones are the same side.
#[derive(Debug, Clone)]
pub struct End {
    outgoing: Arc<Direction>,
    incoming: Arc<Direction>,
}

/// Nobody reads what would be sent: the channel was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// Why there is no further packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiveError {
    /// The channel was closed, and everything sent before has been taken.
    Closed,
    /// The peer wrote bytes that are no packet.
    Broken(PacketError),
}

impl End {
    /// Sends a packet; waits while the ring is full.
    ///
    /// # Errors
    ///
    /// [`Closed`], and the packet was not sent.
    pub fn send(&self, kind: PacketKind, transaction: u64, payload: Vec<u8>) -> Result<(), Closed> {
        self.send_bytes(&Packet { kind, transaction, payload }.encode())
    }

    /// Sends bytes that claim to be a packet, as a guest can that writes its ring itself; waits while the ring is
    /// full.
    ///
    /// # Errors
    ///
    /// [`Closed`], and nothing was sent.
    pub fn send_bytes(&self, packet: &[u8]) -> Result<(), Closed> {
        wait::until_of(self.outgoing.name(), None, || {
            let mut state = self.outgoing.lock();
            if state.closed {
                return Some(Err(Closed));
            }
            state.ring.put(packet).ok().map(Ok)
        })
        .expect("no time-out")?;
        wait::change_of(self.outgoing.name(), || ());
        Ok(())
    }

    /// Takes the next packet; waits while there is none.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`], one variant a cause.
    pub fn receive(&self) -> Result<Packet, ReceiveError> {
        let taken = wait::until_of(self.incoming.name(), None, || {
            let mut state = self.incoming.lock();
            match state.ring.take() {
                Err(error) => Some(Err(ReceiveError::Broken(error))),
                Ok(Some(packet)) => Some(Ok(packet)),
                Ok(None) => state.closed.then_some(Err(ReceiveError::Closed)),
            }
        })
        .expect("no time-out");
        wait::change_of(self.incoming.name(), || ());
        taken
    }

    /// Closes both directions; whoever waits on either end is woken.
    pub fn close(&self) {
        wait::change(|| {
            self.outgoing.lock().closed = true;
            self.incoming.lock().closed = true;
        });
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(f, "the channel is closed"),
            Self::Broken(error) => write!(f, "the ring holds no packet: {error:?}"),
        }
    }
}

impl std::error::Error for ReceiveError {}

// LOCK: below the dispatcher lock, which alone is waited on; held for one packet.
#[derive(Debug, Default)]
struct Direction(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ring: Ring,
    closed: bool,
}

impl Direction {
    /// What its waiters name.
    fn name(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder panics")
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::packet::PacketKind;
    use super::{Closed, ReceiveError, open};

    #[test]
    fn what_one_end_sends_the_other_receives_and_answers() {
        let (guest, host) = open();
        let server = thread::spawn(move || {
            let request = host.receive().expect("the guest's request");
            assert_eq!((request.kind, request.transaction), (PacketKind::Request, 7));
            host.send(PacketKind::Completion, request.transaction, vec![1; 8]).expect("open");
        });
        guest.send(PacketKind::Request, 7, vec![2; 16]).expect("open");
        let answer = guest.receive().expect("the host's answer");
        assert_eq!(
            (answer.kind, answer.transaction, answer.payload),
            (PacketKind::Completion, 7, vec![1; 8])
        );
        server.join().expect("the server's assertions");
    }

    #[test]
    fn sender_waits_while_the_ring_is_full() {
        const PACKETS: u64 = 1000;
        let (guest, host) = open();
        let sender = thread::spawn(move || {
            for transaction in 0..PACKETS {
                guest.send(PacketKind::Message, transaction, vec![0; 144]).expect("open");
            }
        });
        for transaction in 0..PACKETS {
            assert_eq!(host.receive().expect("sent").transaction, transaction);
        }
        sender.join().expect("all were sent");
    }

    #[test]
    fn packets_sent_before_the_close_still_arrive() {
        let (guest, host) = open();
        guest.send(PacketKind::Message, 1, vec![0; 8]).expect("open");
        host.close();
        assert_eq!(guest.send(PacketKind::Message, 2, vec![0; 8]), Err(Closed));
        assert_eq!(host.receive().expect("sent before").transaction, 1);
        assert_eq!(host.receive(), Err(ReceiveError::Closed));
    }

    #[test]
    fn close_wakes_a_waiting_receiver() {
        let (guest, host) = open();
        let receiver = thread::spawn(move || guest.receive());
        host.close();
        assert_eq!(receiver.join().expect("no panic"), Err(ReceiveError::Closed));
    }
}
