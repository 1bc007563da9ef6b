//! Requests that wait: for an event, for the PF to run again, for an invalidation.
//!
//! One lock guards the engine's machine of the conversation and the requests that wait for it, so that the machine's
//! counts are the lists' lengths. Under the lock requests are taken in and out; they are completed after it is free.
//! A request that its sender cancels is taken out by the callback; where the callback lost the race for it, whoever took
//! it out tells the machine.
//!
//! LOCK: a leaf lock: nothing but the framework's own locks is taken under it, no request is completed under it.

use core::sync::atomic::{AtomicU32, Ordering};

use backchannel::{Answer, Effect, Invalidation, NtStatus, PfEvent, PnpInput, PnpNotifications, PnpState};
use heapless::{Deque, Vec};
use lock_api::Mutex;

use crate::{
    irql::{Event, RaisedSpinLock},
    wdf::request::{Parked, Request, RequestCallbacks},
};

/// The conversation with the VSP, and the requests that wait.
#[derive(Debug)]
pub(crate) struct Conversation {
    parking: Mutex<RaisedSpinLock, Parking>,
    /// How many requests wait for an invalidation: read without the lock, after each call of a VF.
    invalidation_requests: AtomicU32,
    /// How many times the VSP did not answer a query-stop in time.
    pub(crate) timeouts: AtomicU32,
    /// Set when the thread that waits in query-stop may go on.
    resumed: Event,
}

/// How many requests of each kind can wait; those who come after are refused.
const NOTIFICATIONS: usize = 8;
const ATTACHES: usize = 4;
const INVALIDATIONS: usize = 256;

#[derive(Debug)]
struct Parking {
    machine: PnpNotifications,
    notifications: Deque<Parked, NOTIFICATIONS>,
    attaches: Deque<Parked, ATTACHES>,
    invalidations: Deque<Waiting, INVALIDATIONS>,
    /// What query-stop is answered with.
    answer: Option<NtStatus>,
}

/// A request for an invalidation.
#[derive(Debug)]
struct Waiting {
    request: Parked,
    /// The one VF that it is for.
    only: Option<u16>,
}

/// What was decided under the lock and is carried out after it.
#[derive(Debug, Default)]
struct Decided {
    told: Option<(Request, PfEvent)>,
    attached: Vec<(Request, NtStatus), ATTACHES>,
    resume: bool,
    cancel: bool,
}

impl Conversation {
    /// Nobody is attached, nothing waits.
    // Inline, so that it exists in constants only: as code it would need a frame of several KiB.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            parking: Mutex::new(Parking::new()),
            invalidation_requests: AtomicU32::new(0),
            timeouts: AtomicU32::new(0),
            resumed: Event::unused(),
        }
    }

    /// Makes it usable, at its final place.
    pub(crate) fn initialize(&self) {
        self.resumed.initialize();
    }

    /// Where the conversation is.
    pub(crate) fn state(&self) -> PnpState {
        self.parking.lock().machine.state()
    }

    /// Takes an input that no request waits for; gives the status of what it was.
    pub(crate) fn step(&self, input: PnpInput) -> NtStatus {
        match self.take(input) {
            Answer::Complete(status) => status,
            Answer::Nothing => NtStatus::SUCCESS,
            Answer::Park | Answer::Wait => NtStatus::INTERNAL_ERROR,
        }
    }

    /// Takes a request that may have to wait; `input` says whether to attach or for an event.
    pub(crate) fn park<T: RequestCallbacks>(&self, request: Request, input: PnpInput) {
        let mut decided = Decided::default();
        let answered = self.parking.lock().park::<T>(request, input, &mut decided);
        if let Some((request, status)) = answered {
            request.complete(status);
        }
        self.carry_out(decided);
    }

    /// Takes a request for an invalidation, of any VF or of one.
    pub(crate) fn park_invalidation<T: RequestCallbacks>(&self, request: Request, only: Option<u16>) {
        let refused = {
            let mut parking = self.parking.lock();
            let refused = parking.park_invalidation::<T>(request, only);
            self.count_invalidation_requests(&parking);
            refused
        };
        if let Some((request, status)) = refused {
            request.complete(status);
        }
    }

    /// Takes out the first request for which `take` finds an invalidation; what was found in vain goes to `put_back`.
    pub(crate) fn next_invalidation(
        &self,
        take: impl Fn(Option<u16>) -> Option<Invalidation>,
        put_back: impl Fn(Invalidation),
    ) -> Option<(Request, Invalidation)> {
        let mut parking = self.parking.lock();
        let next = parking.next_invalidation(take, put_back);
        self.count_invalidation_requests(&parking);
        next
    }

    /// How many requests wait for an invalidation.
    pub(crate) fn invalidation_requests(&self) -> u32 {
        self.invalidation_requests.load(Ordering::Relaxed)
    }

    /// Asks the VSP whether the PF may be stopped, and waits for its answer, for at most `limit` in units of 100 ns.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    pub(crate) fn query_stop(&self, limit: u64) -> NtStatus {
        match self.take(PnpInput::QueryStop) {
            Answer::Complete(status) => return status,
            Answer::Wait => {}
            Answer::Park | Answer::Nothing => return NtStatus::INTERNAL_ERROR,
        }
        if !self.resumed.wait(Some(limit)) {
            if let Answer::Complete(status) = self.take(PnpInput::QueryStopTimedOut) {
                let _before = self.timeouts.fetch_add(1, Ordering::Relaxed);
                return status;
            }
            // The answer came at the last moment, and the event is set or about to be.
            let _set = self.resumed.wait(None);
        }
        self.parking.lock().answer.take().unwrap_or(NtStatus::UNSUCCESSFUL)
    }

    /// Ends the conversation: completes everything that waits. IRQL: up to `DISPATCH_LEVEL`.
    pub(crate) fn end(&self) {
        let _always_nothing = self.take(PnpInput::Removed);
        self.cancel_everything();
    }

    /// A waiting request was cancelled.
    pub(crate) fn cancelled(&self, request: Request) {
        let mut decided = Decided::default();
        {
            let mut parking = self.parking.lock();
            parking.forget(&request, &mut decided);
            self.count_invalidation_requests(&parking);
        }
        request.complete(NtStatus::CANCELLED);
        self.carry_out(decided);
    }

    fn count_invalidation_requests(&self, parking: &Parking) {
        let count = u32::try_from(parking.invalidations.len()).unwrap_or(u32::MAX);
        self.invalidation_requests.store(count, Ordering::Relaxed);
    }

    fn take(&self, input: PnpInput) -> Answer {
        let mut decided = Decided::default();
        let answer = self.parking.lock().step(input, &mut decided);
        self.carry_out(decided);
        answer
    }

    fn carry_out(&self, decided: Decided) {
        if let Some((request, event)) = decided.told {
            // SPEC: abi 6.9: the output is the event's four bytes.
            request.answer(&event.raw());
        }
        for (request, status) in decided.attached {
            request.complete(status);
        }
        if decided.resume {
            self.resumed.set();
        }
        if decided.cancel {
            self.cancel_everything();
        }
    }

    fn cancel_everything(&self) {
        loop {
            let next = {
                let mut parking = self.parking.lock();
                let next = parking.next_of_all();
                self.count_invalidation_requests(&parking);
                next
            };
            let Some(request) = next else { return };
            request.complete(NtStatus::CANCELLED);
        }
    }
}

impl Parking {
    // As above.
    #[inline]
    const fn new() -> Self {
        Self {
            machine: PnpNotifications::new(),
            notifications: Deque::new(),
            attaches: Deque::new(),
            invalidations: Deque::new(),
            answer: None,
        }
    }

    /// Lets the machine take an input, and whatever follows from requests that turn out to be cancelled.
    fn step(&mut self, input: PnpInput, decided: &mut Decided) -> Answer {
        let (answer, mut effects) = self.machine.step(input);
        // Each round takes a request out of a list, so this ends.
        while !effects.is_empty() {
            let mut follows = None;
            for effect in &effects {
                follows = self.carry(*effect, decided).or(follows);
            }
            let Some(input) = follows else { break };
            let (_nothing, next) = self.machine.step(input);
            effects = next;
        }
        answer
    }

    fn carry(&mut self, effect: Effect, decided: &mut Decided) -> Option<PnpInput> {
        match effect {
            // SPEC: abi 6.10: an event counts as told when a request whose buffer was checked on arrival is in hand, not
            // before.
            Effect::CompleteNotification(event) => {
                let Some(request) = self.notifications.pop_front().and_then(Parked::take_back) else {
                    return Some(PnpInput::NotificationLost);
                };
                decided.told = Some((request, event));
                None
            }
            Effect::CompleteAttaches { first, others } => self.admit(first, others, decided),
            Effect::ResumePnp(status) => {
                self.answer = Some(status);
                decided.resume = true;
                None
            }
            Effect::CancelParked => {
                decided.cancel = true;
                None
            }
        }
    }

    fn admit(&mut self, first: NtStatus, others: NtStatus, decided: &mut Decided) -> Option<PnpInput> {
        let mut status = first;
        while let Some(parked) = self.attaches.pop_front() {
            if let Some(request) = parked.take_back() {
                // As many fit in here as in the list.
                let _room = decided.attached.push((request, status));
                status = others;
            }
        }
        // All were cancelled: nobody is attached.
        (first.is_success() && decided.attached.is_empty()).then_some(PnpInput::Detach)
    }

    fn park<T: RequestCallbacks>(
        &mut self,
        request: Request,
        input: PnpInput,
        decided: &mut Decided,
    ) -> Option<(Request, NtStatus)> {
        let attach = input == PnpInput::Attach;
        if if attach { self.attaches.is_full() } else { self.notifications.is_full() } {
            return Some((request, NtStatus::INSUFFICIENT_RESOURCES));
        }
        let parked = match request.park::<T>() {
            Ok(parked) => parked,
            Err(request) => return Some((request, NtStatus::CANCELLED)),
        };
        let _room =
            if attach { self.attaches.push_back(parked) } else { self.notifications.push_back(parked) };
        let Answer::Complete(status) = self.step(input, decided) else { return None };
        let last = if attach { self.attaches.pop_back() } else { self.notifications.pop_back() };
        let request = last.and_then(Parked::take_back);
        if request.is_none() && attach && status.is_success() {
            let _always_success = self.step(PnpInput::Detach, decided);
        }
        request.map(|request| (request, status))
    }

    fn park_invalidation<T: RequestCallbacks>(
        &mut self,
        request: Request,
        only: Option<u16>,
    ) -> Option<(Request, NtStatus)> {
        if self.machine.state() == PnpState::Removed {
            return Some((request, NtStatus::DEVICE_NOT_READY));
        }
        if self.invalidations.is_full() {
            return Some((request, NtStatus::INSUFFICIENT_RESOURCES));
        }
        match request.park::<T>() {
            Ok(request) => {
                let _room = self.invalidations.push_back(Waiting { request, only });
                None
            }
            Err(request) => Some((request, NtStatus::CANCELLED)),
        }
    }

    fn next_invalidation(
        &mut self,
        take: impl Fn(Option<u16>) -> Option<Invalidation>,
        put_back: impl Fn(Invalidation),
    ) -> Option<(Request, Invalidation)> {
        let mut found = None;
        // A whole turn of the list leaves its order as it was.
        for turn in 0..self.invalidations.len() {
            let Some(waiting) = self.invalidations.pop_front() else { break };
            let taken = if found.is_none() { take(waiting.only) } else { None };
            let Some(invalidation) = taken else {
                let _room = self.invalidations.push_back(waiting);
                continue;
            };
            match waiting.request.take_back() {
                Some(request) => found = Some((request, invalidation)),
                None => put_back(invalidation),
            }
            if turn == 0 && found.is_some() {
                break;
            }
        }
        found
    }

    /// Takes out what waits longest, of any kind; what its sender cancelled is left to the callback.
    fn next_of_all(&mut self) -> Option<Request> {
        loop {
            let parked = self
                .notifications
                .pop_front()
                .or_else(|| self.attaches.pop_front())
                .or_else(|| self.invalidations.pop_front().map(|waiting| waiting.request))?;
            if let Some(request) = parked.take_back() {
                return Some(request);
            }
        }
    }

    fn forget(&mut self, request: &Request, decided: &mut Decided) {
        let input = if drop_from(&mut self.notifications, |parked| parked.is(request)) {
            PnpInput::NotificationCancelled
        } else if drop_from(&mut self.attaches, |parked| parked.is(request)) {
            PnpInput::AttachCancelled
        } else {
            let _was_waiting = drop_from(&mut self.invalidations, |waiting| waiting.request.is(request));
            return;
        };
        let _always_nothing = self.step(input, decided);
    }
}

/// Takes what `is` recognises out of a list, whose order stays; says whether it was there.
fn drop_from<T, const LENGTH: usize>(list: &mut Deque<T, LENGTH>, is: impl Fn(&T) -> bool) -> bool {
    let before = list.len();
    for _ in 0..before {
        match list.pop_front() {
            Some(item) if !is(&item) => {
                let _room = list.push_back(item);
            }
            Some(_) | None => {}
        }
    }
    list.len() != before
}
