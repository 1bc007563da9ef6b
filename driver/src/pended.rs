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
    wdf::{
        irp::File,
        request::{Parked, Request, RequestCallbacks},
    },
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

/// How many requests can wait; those who come after are refused.
const REQUESTS: usize = 64;
/// How many of them can be for an event, and how many to attach.
const NOTIFICATIONS: usize = 8;
const ATTACHES: usize = 4;

#[derive(Debug)]
struct Parking {
    machine: PnpNotifications,
    /// In the order in which they came.
    waiting: Deque<Waiting, REQUESTS>,
    /// What query-stop is answered with.
    answer: Option<NtStatus>,
    /// The file that the VSP attached with.
    attached: File,
}

#[derive(Debug)]
struct Waiting {
    request: Parked,
    purpose: Purpose,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Attach,
    Notification,
    /// Of any VF, or of one.
    Invalidation(Option<u16>),
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
        let purpose = if input == PnpInput::Attach { Purpose::Attach } else { Purpose::Notification };
        let mut decided = Decided::default();
        let answered = {
            let mut parking = self.parking.lock();
            match parking.admit(request, purpose, Request::park::<T>) {
                Ok(()) => parking.begin(input, &mut decided),
                Err(refused) => Some(refused),
            }
        };
        if let Some((request, status)) = answered {
            request.complete(status);
        }
        self.carry_out(decided);
    }

    /// Takes a request for an invalidation, of any VF or of one.
    pub(crate) fn park_invalidation<T: RequestCallbacks>(&self, request: Request, only: Option<u16>) {
        let admitted = {
            let mut parking = self.parking.lock();
            let admitted = if parking.machine.state() == PnpState::Removed {
                Err((request, NtStatus::DEVICE_NOT_READY))
            } else {
                parking.admit(request, Purpose::Invalidation(only), Request::park::<T>)
            };
            self.count_invalidation_requests(&parking);
            admitted
        };
        if let Err((request, status)) = admitted {
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

    /// The VSP ends to use the PF; gives the status of its request.
    pub(crate) fn detach(&self) -> NtStatus {
        self.detach_if(None);
        NtStatus::SUCCESS
    }

    /// A file of the device is closed: completes what waits for it, and detaches a VSP that attached with it.
    ///
    /// Says whether there was one.
    pub(crate) fn closed(&self, file: File) -> bool {
        self.cancel(Some(file));
        self.detach_if(Some(file))
    }

    /// Detaches the VSP, or it only if it attached with that file; says whether it did.
    fn detach_if(&self, file: Option<File>) -> bool {
        let mut decided = Decided::default();
        let is_meant = {
            let mut parking = self.parking.lock();
            let is_meant = file.is_none_or(|file| file != File::NONE && parking.attached == file);
            if is_meant {
                let _always_success = parking.detach(&mut decided);
            }
            is_meant
        };
        self.carry_out(decided);
        is_meant
    }

    /// Ends the conversation: completes everything that waits. IRQL: up to `DISPATCH_LEVEL`.
    pub(crate) fn end(&self) {
        let _always_nothing = self.take(PnpInput::Removed);
        self.cancel(None);
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
        let count = parking.count(|purpose| matches!(purpose, Purpose::Invalidation(_)));
        self.invalidation_requests.store(u32::try_from(count).unwrap_or(u32::MAX), Ordering::Relaxed);
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
            self.cancel(None);
        }
    }

    /// Completes everything that waits, or what waits of a file.
    fn cancel(&self, of: Option<File>) {
        loop {
            let mut decided = Decided::default();
            let next = {
                let mut parking = self.parking.lock();
                let next = parking.next_of(of, &mut decided);
                self.count_invalidation_requests(&parking);
                next
            };
            let Some(request) = next else { return };
            request.complete(NtStatus::CANCELLED);
            self.carry_out(decided);
        }
    }
}

impl Parking {
    // As above.
    #[inline]
    const fn new() -> Self {
        Self { machine: PnpNotifications::new(), waiting: Deque::new(), answer: None, attached: File::NONE }
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
                let Some(request) =
                    self.first(Purpose::Notification).and_then(|waiting| waiting.request.take_back())
                else {
                    return Some(PnpInput::NotificationLost);
                };
                decided.told = Some((request, event));
                None
            }
            Effect::CompleteAttaches { first, others } => self.attach(first, others, decided),
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

    fn attach(&mut self, first: NtStatus, others: NtStatus, decided: &mut Decided) -> Option<PnpInput> {
        let mut status = first;
        while let Some(waiting) = self.first(Purpose::Attach) {
            if let Some(request) = waiting.request.take_back() {
                if status.is_success() {
                    self.attached = request.file();
                }
                // As many fit in here as may wait.
                let _room = decided.attached.push((request, status));
                status = others;
            }
        }
        // All were cancelled: nobody is attached.
        (first.is_success() && decided.attached.is_empty()).then_some(PnpInput::Detach)
    }

    fn detach(&mut self, decided: &mut Decided) -> Answer {
        self.attached = File::NONE;
        self.step(PnpInput::Detach, decided)
    }

    /// Lets a request wait, at the end; given back with the reason if it cannot.
    fn admit(
        &mut self,
        request: Request,
        purpose: Purpose,
        park: impl FnOnce(Request) -> Result<Parked, Request>,
    ) -> Result<(), (Request, NtStatus)> {
        let most = match purpose {
            Purpose::Attach => ATTACHES,
            Purpose::Notification => NOTIFICATIONS,
            Purpose::Invalidation(_) => REQUESTS,
        };
        if self.waiting.is_full() || self.count(|other| other == purpose) >= most {
            return Err((request, NtStatus::INSUFFICIENT_RESOURCES));
        }
        let request = park(request).map_err(|request| (request, NtStatus::CANCELLED))?;
        let _room = self.waiting.push_back(Waiting { request, purpose });
        Ok(())
    }

    /// Lets the machine hear of the request that was admitted last; taken out again with its status if it need not wait.
    fn begin(&mut self, input: PnpInput, decided: &mut Decided) -> Option<(Request, NtStatus)> {
        let Answer::Complete(status) = self.step(input, decided) else { return None };
        let request = self.waiting.pop_back().and_then(|waiting| waiting.request.take_back());
        if input == PnpInput::Attach && status.is_success() {
            match &request {
                Some(request) => self.attached = request.file(),
                None => drop(self.detach(decided)),
            }
        }
        request.map(|request| (request, status))
    }

    fn next_invalidation(
        &mut self,
        take: impl Fn(Option<u16>) -> Option<Invalidation>,
        put_back: impl Fn(Invalidation),
    ) -> Option<(Request, Invalidation)> {
        loop {
            let mut taken = None;
            let waiting = self.take_out(&mut |waiting| {
                if let Purpose::Invalidation(only) = waiting.purpose {
                    taken = take(only);
                }
                taken.is_some()
            })?;
            let invalidation = taken?;
            match waiting.request.take_back() {
                Some(request) => return Some((request, invalidation)),
                None => put_back(invalidation),
            }
        }
    }

    /// Takes out what waits longest, of all or of a file; what its sender cancelled is left to the callback.
    fn next_of(&mut self, of: Option<File>, decided: &mut Decided) -> Option<Request> {
        loop {
            let waiting =
                self.take_out(&mut |waiting| of.is_none_or(|file| waiting.request.file() == file))?;
            self.gone(waiting.purpose, decided);
            if let Some(request) = waiting.request.take_back() {
                return Some(request);
            }
        }
    }

    fn forget(&mut self, request: &Request, decided: &mut Decided) {
        if let Some(waiting) = self.take_out(&mut |waiting| waiting.request.is(request)) {
            self.gone(waiting.purpose, decided);
        }
    }

    /// Lets the machine hear of a request that does not wait any more.
    fn gone(&mut self, purpose: Purpose, decided: &mut Decided) {
        let input = match purpose {
            Purpose::Notification => PnpInput::NotificationCancelled,
            Purpose::Attach => PnpInput::AttachCancelled,
            Purpose::Invalidation(_) => return,
        };
        let _always_nothing = self.step(input, decided);
    }

    fn first(&mut self, purpose: Purpose) -> Option<Waiting> {
        self.take_out(&mut |waiting| waiting.purpose == purpose)
    }

    /// Takes out the first that `is` recognises; the others keep their order.
    fn take_out(&mut self, is: &mut dyn FnMut(&Waiting) -> bool) -> Option<Waiting> {
        let mut found = None;
        for _ in 0..self.waiting.len() {
            let waiting = self.waiting.pop_front()?;
            if found.is_none() && is(&waiting) {
                found = Some(waiting);
            } else {
                let _room = self.waiting.push_back(waiting);
            }
        }
        found
    }

    fn count(&self, is: impl Fn(Purpose) -> bool) -> usize {
        self.waiting.iter().filter(|waiting| is(waiting.purpose)).count()
    }
}
