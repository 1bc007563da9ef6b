//! Questions to the VSP, matched with their answers by transaction id.
//!
//! ```text
//!   connect ──► Connected ── Eject from the VSP, or the channel closes ──► Ejected ── connect ──► ...
//! ```
//!
//! Each question has one waiter. It is told the answer, or that the device is gone, or, where it gave up
//! before, nothing: a late answer is counted and dropped.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::machine::{thread, wait};
use crate::nt::status;
use crate::vmbus::channel::End;
use crate::vmbus::message::{GuestMessage, HostMessage, Slot};
use crate::vmbus::packet::PacketKind;

/// The guest's side of a VF's channel; clones are the same link.
#[derive(Debug, Clone)]
pub struct Link(Arc<Shared>);

/// The completion packet's payload.
pub type Answer = Result<Vec<u8>, Ejected>;

/// The VSP took the device away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejected;

/// Whose habits the messages have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A write message is as long as its bytes.
    Windows,
    /// A write message has four bytes more.
    // SPEC: pci-hyperv.c adds them for hosts of 2018, which miscomputed the packet size they expected.
    Linux,
}

impl Link {
    /// A link without a channel yet.
    pub fn new(slot: Slot, client: Client) -> Self {
        Self(Arc::new(Shared {
            slot,
            client,
            next_transaction: AtomicU64::new(1),
            late_answers: AtomicU32::new(0),
            state: Mutex::new(State::default()),
        }))
    }

    /// Takes a channel into use; its packets are received on a thread of their own, which ends with it. The
    /// thread of the channel before must have ended.
    ///
    /// # Panics
    ///
    /// When the link has a channel already, or the host has no more threads.
    pub fn connect(&self, end: End) -> thread::JoinHandle<()> {
        let before = self.0.lock().end.replace(end.clone());
        assert!(before.is_none(), "one channel at a time");
        let shared = Arc::clone(&self.0);
        thread::spawn("vpci receiver", move || shared.receive(&end)).expect("a host thread")
    }

    /// Notes that `then` waits for an answer, and returns the transaction id under which to [`Link::post`] the
    /// question; `then` is called on the receiving thread.
    ///
    /// # Errors
    ///
    /// [`Ejected`], and `then` is not called.
    pub fn register(&self, then: impl FnOnce(Answer) + Send + 'static) -> Result<u64, Ejected> {
        self.register_if(|_| true, then).map(|transaction| transaction.expect("nobody objected"))
    }

    /// As [`Link::register`], for a waiter that may give up: before anybody can tell it anything, `accept` is
    /// called with the transaction id, and says whether it still waits.
    ///
    /// LOCK: `accept` runs under the link's lock and calls nothing of the link.
    ///
    /// # Errors
    ///
    /// [`Ejected`], and neither is called.
    pub fn register_if(
        &self,
        accept: impl FnOnce(u64) -> bool,
        then: impl FnOnce(Answer) + Send + 'static,
    ) -> Result<Option<u64>, Ejected> {
        let transaction = self.0.next_transaction.fetch_add(1, Ordering::Relaxed);
        let mut state = self.0.lock();
        if state.end.is_none() {
            return Err(Ejected);
        }
        if !accept(transaction) {
            return Ok(None);
        }
        state.waiters.insert(transaction, Box::new(then));
        Ok(Some(transaction))
    }

    /// Sends the question of a waiter; one that cannot be sent any more has its waiter told so.
    pub fn post(&self, transaction: u64, question: &GuestMessage) {
        let mut payload = question.encode();
        if self.0.client == Client::Linux && matches!(question, GuestMessage::WriteBlock { .. }) {
            payload.extend_from_slice(&[0; 4]);
        }
        let end = self.0.lock().end.clone();
        let sent = end.is_some_and(|end| end.send(PacketKind::Request, transaction, payload).is_ok());
        if !sent {
            let waiter = self.0.lock().waiters.remove(&transaction);
            if let Some(waiter) = waiter {
                waiter(Err(Ejected));
            }
        }
    }

    /// Sends a question and waits for its answer.
    ///
    /// # Errors
    ///
    /// [`Ejected`], before or while the question was under way.
    pub fn ask(&self, question: &GuestMessage) -> Answer {
        let answer = Arc::new(Mutex::new(None));
        let waiter = Arc::clone(&answer);
        let name = Arc::as_ptr(&answer).addr();
        let transaction = self.register(move |arrived| {
            wait::change_of(name, || *waiter.lock().expect("no holder panics") = Some(arrived));
        })?;
        self.post(transaction, question);
        wait::until_of(name, None, || answer.lock().expect("no holder panics").take()).expect("no time-out")
    }

    /// Has `then` told the mask of blocks with new content, once there are any; before that, `accept` is called as in
    /// [`Link::register_if`].
    ///
    /// LOCK: `accept` runs under the link's lock and calls nothing of the link.
    ///
    /// # Errors
    ///
    /// [`Ejected`], and neither is called.
    pub fn listen_if(
        &self,
        accept: impl FnOnce(u64) -> bool,
        then: impl FnOnce(Result<u64, Ejected>) + Send + 'static,
    ) -> Result<bool, Ejected> {
        let transaction = self.0.next_transaction.fetch_add(1, Ordering::Relaxed);
        let mut state = self.0.lock();
        if state.end.is_none() {
            return Err(Ejected);
        }
        if !accept(transaction) {
            return Ok(false);
        }
        state.listeners.insert(transaction, Box::new(then));
        drop(state);
        self.0.tell();
        Ok(true)
    }

    /// Gives up on a question or on listening; returns whether its waiter had not been told yet, and now never will be.
    pub fn forget(&self, transaction: u64) -> bool {
        let mut state = self.0.lock();
        state.waiters.remove(&transaction).is_some() || state.listeners.remove(&transaction).is_some()
    }

    /// Whether there is no channel to the VSP.
    pub fn is_ejected(&self) -> bool {
        self.0.lock().end.is_none()
    }

    /// The VF's place on the guest's bus.
    pub fn slot(&self) -> Slot {
        self.0.slot
    }

    /// Answers that came after their waiter had given up.
    pub fn late_answers(&self) -> u32 {
        self.0.late_answers.load(Ordering::Relaxed)
    }
}

struct Shared {
    slot: Slot,
    client: Client,
    next_transaction: AtomicU64,
    late_answers: AtomicU32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    end: Option<End>,
    waiters: HashMap<u64, Box<dyn FnOnce(Answer) + Send>>,
    /// Blocks that have new content and that nobody was told of.
    invalidated: u64,
    /// Who wants to be told of such blocks, in order.
    listeners: BTreeMap<u64, Listener>,
}

type Listener = Box<dyn FnOnce(Result<u64, Ejected>) + Send>;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    fn receive(&self, end: &End) {
        while let Ok(packet) = end.receive() {
            match packet.kind {
                PacketKind::Completion => {
                    let waiter = self.lock().waiters.remove(&packet.transaction);
                    match waiter {
                        Some(waiter) => waiter(Ok(packet.payload)),
                        None => {
                            self.late_answers.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
                PacketKind::Message | PacketKind::Request => match HostMessage::decode(&packet.payload) {
                    Ok(HostMessage::Eject { slot }) if slot == self.slot => {
                        self.eject();
                        let done =
                            GuestMessage::EjectComplete { slot, status: status::SUCCESS.cast_unsigned() };
                        if end.send(PacketKind::Message, 0, done.encode()).is_err() {
                            break;
                        }
                    }
                    Ok(HostMessage::InvalidateBlock { slot, block_mask }) if slot == self.slot => {
                        self.lock().invalidated |= block_mask;
                        self.tell();
                    }
                    // The host is trusted by a guest; what it says to others or in later protocols is ignored.
                    Ok(_) | Err(_) => {}
                },
            }
        }
        self.eject();
    }

    /// Tells the first listener of what is new, if both are there.
    fn tell(&self) {
        let (listener, mask) = {
            let mut state = self.lock();
            if state.invalidated == 0 {
                return;
            }
            let Some((_, listener)) = state.listeners.pop_first() else { return };
            (listener, std::mem::take(&mut state.invalidated))
        };
        listener(Ok(mask));
    }

    /// Lets go of the channel and tells everybody who waits on it.
    fn eject(&self) {
        let (waiters, listeners) = {
            let mut state = self.lock();
            state.end = None;
            state.invalidated = 0;
            (std::mem::take(&mut state.waiters), std::mem::take(&mut state.listeners))
        };
        for (_, listener) in listeners {
            listener(Err(Ejected));
        }
        for (_, waiter) in waiters {
            waiter(Err(Ejected));
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("slot", &self.slot).field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::{Client, Ejected, Link};
    use crate::vmbus::channel;
    use crate::vmbus::message::{GuestMessage, HostMessage, Slot};
    use crate::vmbus::packet::PacketKind;

    const SLOT: Slot = Slot(4);

    fn write() -> GuestMessage {
        GuestMessage::WriteBlock { slot: SLOT, block: 1, bytes: vec![0xEE; 8] }
    }

    #[test]
    fn answers_find_their_waiters_in_any_order() {
        let (guest, host) = channel::open();
        let link = Link::new(SLOT, Client::Windows);
        let receiver = link.connect(guest);
        let (tell, told) = mpsc::channel();
        let ask = |name: u8| {
            let tell = tell.clone();
            let tell = move |answer| tell.send((name, answer)).expect("the test listens");
            let transaction = link.register(tell).expect("connected");
            link.post(transaction, &write());
            transaction
        };
        let (first, second) = (ask(1), ask(2));
        host.send(PacketKind::Completion, second, vec![2; 8]).expect("open");
        host.send(PacketKind::Completion, first, vec![1; 8]).expect("open");
        assert_eq!(told.recv(), Ok((2, Ok(vec![2; 8]))));
        assert_eq!(told.recv(), Ok((1, Ok(vec![1; 8]))));
        host.close();
        receiver.join();
    }

    #[test]
    fn linux_sends_four_bytes_more_with_a_write() {
        for (client, length) in [(Client::Windows, 24), (Client::Linux, 32)] {
            let (guest, host) = channel::open();
            let link = Link::new(SLOT, client);
            let receiver = link.connect(guest);
            let transaction = link.register(drop).expect("connected");
            link.post(transaction, &write());
            let packet = host.receive().expect("sent");
            assert_eq!(packet.payload.len(), length, "16 bytes of header, 8 of content, in words");
            assert_eq!(GuestMessage::decode(&packet.payload), Ok(write()));
            host.close();
            receiver.join();
        }
    }

    #[test]
    fn late_answer_is_dropped_and_counted() {
        let (guest, host) = channel::open();
        let link = Link::new(SLOT, Client::Windows);
        let receiver = link.connect(guest);
        let transaction = link.register(|_| panic!("nobody waits any more")).expect("connected");
        link.post(transaction, &write());
        assert!(link.forget(transaction));
        assert!(!link.forget(transaction));
        host.send(PacketKind::Completion, transaction, vec![0; 8]).expect("open");
        host.close();
        receiver.join();
        assert_eq!(link.late_answers(), 1);
    }

    #[test]
    fn ejected_device_answers_nothing_until_it_is_connected_again() {
        let (guest, host) = channel::open();
        let link = Link::new(SLOT, Client::Windows);
        assert_eq!(link.ask(&write()), Err(Ejected));
        let receiver = link.connect(guest);
        let (tell, told) = mpsc::channel();
        let tell = move |answer| tell.send(answer).expect("the test listens");
        let transaction = link.register(tell).expect("connected");
        link.post(transaction, &write());
        host.send(PacketKind::Message, 0, HostMessage::Eject { slot: SLOT }.encode()).expect("open");
        assert_eq!(told.recv(), Ok(Err(Ejected)));
        assert_eq!(host.receive().map(|packet| packet.kind), Ok(PacketKind::Request));
        let done = host.receive().expect("the guest's consent");
        let consent = GuestMessage::EjectComplete { slot: SLOT, status: 0 };
        assert_eq!(GuestMessage::decode(&done.payload), Ok(consent));
        assert_eq!(link.ask(&write()), Err(Ejected));
        host.close();
        receiver.join();

        let (guest, host) = channel::open();
        let receiver = link.connect(guest);
        let transaction = link.register(drop).expect("connected again");
        link.post(transaction, &write());
        assert_eq!(host.receive().map(|packet| packet.transaction), Ok(transaction));
        host.close();
        receiver.join();
    }
}
