//! The conversation between PnP and the VSP: a rebalance is announced, answered, and over.
//!
//! The VSP attaches, parks notification requests, and is told two things: that the PF is about to be stopped, which it
//! answers before PnP goes on, and that the PF runs again. The host translates: requests and PnP callbacks become
//! inputs, and it carries out the [`Effect`]s, in order and outside its lock, after the lock that guards this is free.
//!
//! ```text
//!               attach                       query-stop
//!  Detached -------------> Attached ------------------------------> QueryingStop   PnP waits
//!   ^  ^  | <------------   ^    ^                                    |       |
//!   |  |  |     detach      |    |                       answer, or   |       | detach
//!   |  |  |                 |    | answer               time is over  v       |
//!   |  |  | query-stop      |  Restarting <--------------------- AttachedStopped
//!   |  |  v                 |    |        cancel-stop, start          |       |
//!   |  | Stopped <----------+----+------------------------------------+-------+
//!   |  |  |                 |    |                detach
//!   |  +--+ cancel-stop,    |    | detach
//!   |       start           |    v
//!   +-----------------------+--- (Detached)        surprise removal, from anywhere: Removed
//! ```
//!
//! An event that was told is completed exactly once. When the VSP owes answers to earlier events (`owed`), the next ones
//! that come are for those. Attach requests that come while the PF is stopped wait, and never block a thread.
//!
//! SPEC: only the events 0 and 1 exist; the attach page lists two more for removal, which the header does not have.
//! SPEC: a status given with an event's completion is for the PnP query, not for the notification request.

use heapless::Vec;

use crate::status::NtStatus;

/// What the VSP is told (`SRIOV_PF_EVENT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfEvent {
    /// The PF is about to be stopped.
    QueryStopDevice,
    /// The PF runs again.
    Restart,
}

/// Where the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PnpState {
    /// The PF runs, no VSP is attached.
    Detached,
    /// The PF is stopped or about to be, no VSP is attached.
    Stopped,
    /// The PF runs, the VSP is attached.
    Attached {
        /// Answers that the VSP owes to events that are over.
        owed: u8,
    },
    /// PnP waits for the VSP's answer.
    QueryingStop {
        /// Whether the VSP was told yet.
        told: bool,
        /// As above.
        owed: u8,
    },
    /// The PF is stopped or about to be, the VSP is attached.
    AttachedStopped {
        /// As above.
        owed: u8,
    },
    /// The PF runs again, and the VSP is to know.
    Restarting {
        /// Whether the VSP was told yet.
        told: bool,
        /// As above.
        owed: u8,
    },
    /// The device is gone.
    Removed,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PnpInput {
    /// `IOCTL_SRIOV_ATTACH`.
    Attach,
    /// A parked attach request was cancelled.
    AttachCancelled,
    /// `IOCTL_SRIOV_DETACH`.
    Detach,
    /// `IOCTL_SRIOV_NOTIFICATION`, its buffer checked.
    Notification,
    /// A parked notification request was cancelled.
    NotificationCancelled,
    /// The request that an event was to be told with turned out to be cancelled: nobody was told.
    NotificationLost,
    /// `IOCTL_SRIOV_EVENT_COMPLETE` with this status.
    EventComplete(NtStatus),
    /// `IRP_MN_QUERY_STOP_DEVICE`.
    QueryStop,
    /// Nobody answered a query-stop in time.
    QueryStopTimedOut,
    /// `IRP_MN_CANCEL_STOP_DEVICE`, completed by the drivers below.
    CancelStop,
    /// The device was started.
    Started,
    /// The device was removed by surprise, or is being removed.
    Removed,
}

/// What becomes of the request or callback that was the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// It is completed with this status.
    Complete(NtStatus),
    /// It is parked, and can be cancelled.
    Park,
    /// Its thread waits until [`Effect::ResumePnp`], or until the time for it is over.
    Wait,
    /// There was none.
    Nothing,
}

/// What the host has to do besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Complete one parked notification request with this event.
    CompleteNotification(PfEvent),
    /// Complete all parked attach requests: the first with one status, the others with another.
    CompleteAttaches {
        /// For the request that came first.
        first: NtStatus,
        /// For the others.
        others: NtStatus,
    },
    /// Let the thread go on that waits in query-stop, with this status.
    ResumePnp(NtStatus),
    /// Complete everything that is parked with `STATUS_CANCELLED`.
    CancelParked,
}

/// The effects of one input, in order.
pub type Effects = Vec<Effect, 4>;

/// Keeps the conversation; the host guards it with a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PnpNotifications {
    state: PnpState,
    /// Notification requests that are parked.
    notifications: u32,
    /// Attach requests that are parked.
    attaches: u32,
}

impl Default for PnpNotifications {
    fn default() -> Self {
        Self::new()
    }
}

impl PnpNotifications {
    /// Begins with nobody attached.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: PnpState::Detached, notifications: 0, attaches: 0 }
    }

    /// Says where the conversation is.
    #[must_use]
    pub const fn state(&self) -> PnpState {
        self.state
    }

    /// Takes an input; the effects are to be carried out in order.
    ///
    /// ```
    /// use backchannel::{Answer, Effect, NtStatus, PfEvent, PnpInput, PnpNotifications};
    /// let mut pnp = PnpNotifications::new();
    /// assert_eq!(pnp.step(PnpInput::Attach).0, Answer::Complete(NtStatus::SUCCESS));
    /// assert_eq!(pnp.step(PnpInput::Notification).0, Answer::Park);
    /// let (answer, effects) = pnp.step(PnpInput::QueryStop);
    /// assert_eq!(answer, Answer::Wait);
    /// assert_eq!(effects, [Effect::CompleteNotification(PfEvent::QueryStopDevice)]);
    /// let (_, effects) = pnp.step(PnpInput::EventComplete(NtStatus::SUCCESS));
    /// assert_eq!(effects, [Effect::ResumePnp(NtStatus::SUCCESS)]);
    /// ```
    #[inline]
    pub fn step(&mut self, input: PnpInput) -> (Answer, Effects) {
        let mut effects = Effects::new();
        let answer = self.take(input, &mut effects);
        self.deliver(&mut effects);
        self.admit(&mut effects);
        (answer, effects)
    }

    fn take(&mut self, input: PnpInput, effects: &mut Effects) -> Answer {
        match input {
            PnpInput::Attach => self.attach(),
            PnpInput::AttachCancelled => {
                self.attaches = self.attaches.saturating_sub(1);
                Answer::Nothing
            }
            PnpInput::Detach => self.detach(effects),
            PnpInput::Notification if self.state == PnpState::Removed => {
                Answer::Complete(NtStatus::DEVICE_NOT_READY)
            }
            PnpInput::Notification => {
                self.notifications = self.notifications.saturating_add(1);
                Answer::Park
            }
            PnpInput::NotificationCancelled => {
                self.notifications = self.notifications.saturating_sub(1);
                Answer::Nothing
            }
            PnpInput::NotificationLost => {
                self.untell();
                Answer::Nothing
            }
            PnpInput::EventComplete(status) => self.complete(status, effects),
            PnpInput::QueryStop => self.query_stop(),
            PnpInput::QueryStopTimedOut => self.give_up(),
            PnpInput::CancelStop | PnpInput::Started => self.go_on(effects),
            PnpInput::Removed => self.remove(effects),
        }
    }

    fn attach(&mut self) -> Answer {
        match self.state {
            PnpState::Detached => {
                self.state = PnpState::Attached { owed: 0 };
                Answer::Complete(NtStatus::SUCCESS)
            }
            PnpState::Attached { .. } => Answer::Complete(NtStatus::SHARING_VIOLATION),
            PnpState::Stopped
            | PnpState::QueryingStop { .. }
            | PnpState::AttachedStopped { .. }
            | PnpState::Restarting { .. } => {
                self.attaches = self.attaches.saturating_add(1);
                Answer::Park
            }
            PnpState::Removed => Answer::Complete(NtStatus::DEVICE_NOT_READY),
        }
    }

    fn detach(&mut self, effects: &mut Effects) -> Answer {
        self.state = match self.state {
            PnpState::Detached | PnpState::Attached { .. } | PnpState::Restarting { .. } => {
                PnpState::Detached
            }
            PnpState::QueryingStop { .. } => {
                emit(effects, Effect::ResumePnp(NtStatus::SUCCESS));
                PnpState::Stopped
            }
            PnpState::Stopped | PnpState::AttachedStopped { .. } => PnpState::Stopped,
            PnpState::Removed => PnpState::Removed,
        };
        Answer::Complete(NtStatus::SUCCESS)
    }

    fn complete(&mut self, status: NtStatus, effects: &mut Effects) -> Answer {
        let next = match self.state {
            PnpState::Attached { owed: 1.. }
            | PnpState::AttachedStopped { owed: 1.. }
            | PnpState::QueryingStop { owed: 1.., .. }
            | PnpState::Restarting { owed: 1.., .. } => self.one_owed_less(),
            PnpState::QueryingStop { told: true, owed } => {
                emit(effects, Effect::ResumePnp(query_status(status)));
                PnpState::AttachedStopped { owed }
            }
            PnpState::Restarting { told: true, owed } => PnpState::Attached { owed },
            PnpState::Detached
            | PnpState::Stopped
            | PnpState::Attached { .. }
            | PnpState::QueryingStop { .. }
            | PnpState::AttachedStopped { .. }
            | PnpState::Restarting { .. } => return Answer::Complete(NtStatus::INVALID_DEVICE_STATE),
            PnpState::Removed => return Answer::Complete(NtStatus::DEVICE_NOT_READY),
        };
        self.state = next;
        Answer::Complete(NtStatus::SUCCESS)
    }

    fn query_stop(&mut self) -> Answer {
        let owed = match self.state {
            PnpState::Detached | PnpState::Stopped => {
                self.state = PnpState::Stopped;
                return Answer::Complete(NtStatus::SUCCESS);
            }
            PnpState::Attached { owed } | PnpState::AttachedStopped { owed } => owed,
            PnpState::Restarting { told, owed } => owed.saturating_add(u8::from(told)),
            // PnP has one query at a time; a second one is not let through.
            PnpState::QueryingStop { .. } => return Answer::Complete(NtStatus::UNSUCCESSFUL),
            PnpState::Removed => return Answer::Complete(NtStatus::DEVICE_NOT_READY),
        };
        self.state = PnpState::QueryingStop { told: false, owed };
        Answer::Wait
    }

    fn give_up(&mut self) -> Answer {
        let PnpState::QueryingStop { told, owed } = self.state else { return Answer::Nothing };
        self.state = PnpState::AttachedStopped { owed: owed.saturating_add(u8::from(told)) };
        Answer::Complete(NtStatus::UNSUCCESSFUL)
    }

    fn go_on(&mut self, effects: &mut Effects) -> Answer {
        self.state = match self.state {
            PnpState::Stopped => PnpState::Detached,
            PnpState::AttachedStopped { owed } => PnpState::Restarting { told: false, owed },
            PnpState::QueryingStop { told, owed } => {
                emit(effects, Effect::ResumePnp(NtStatus::UNSUCCESSFUL));
                PnpState::Restarting { told: false, owed: owed.saturating_add(u8::from(told)) }
            }
            running @ (PnpState::Detached
            | PnpState::Attached { .. }
            | PnpState::Restarting { .. }
            | PnpState::Removed) => running,
        };
        Answer::Nothing
    }

    fn remove(&mut self, effects: &mut Effects) -> Answer {
        if let PnpState::QueryingStop { .. } = self.state {
            emit(effects, Effect::ResumePnp(NtStatus::UNSUCCESSFUL));
        }
        if self.notifications != 0 || self.attaches != 0 {
            emit(effects, Effect::CancelParked);
        }
        *self = Self { state: PnpState::Removed, notifications: 0, attaches: 0 };
        Answer::Nothing
    }

    /// The event is to be told again, with the next request.
    const fn untell(&mut self) {
        if let PnpState::QueryingStop { told, .. } | PnpState::Restarting { told, .. } = &mut self.state {
            *told = false;
        }
    }

    /// Tells the VSP if there is something to tell and a request to tell it with.
    fn deliver(&mut self, effects: &mut Effects) {
        if self.notifications == 0 {
            return;
        }
        let event = match &mut self.state {
            PnpState::QueryingStop { told: told @ false, .. } => {
                *told = true;
                PfEvent::QueryStopDevice
            }
            PnpState::Restarting { told: told @ false, .. } => {
                *told = true;
                PfEvent::Restart
            }
            PnpState::Detached
            | PnpState::Stopped
            | PnpState::Attached { .. }
            | PnpState::QueryingStop { .. }
            | PnpState::AttachedStopped { .. }
            | PnpState::Restarting { .. }
            | PnpState::Removed => return,
        };
        self.notifications = self.notifications.saturating_sub(1);
        emit(effects, Effect::CompleteNotification(event));
    }

    /// Answers parked attach requests once the PF runs.
    fn admit(&mut self, effects: &mut Effects) {
        if self.attaches == 0 {
            return;
        }
        let first = match self.state {
            PnpState::Detached => {
                self.state = PnpState::Attached { owed: 0 };
                NtStatus::SUCCESS
            }
            PnpState::Attached { .. } => NtStatus::SHARING_VIOLATION,
            PnpState::Stopped
            | PnpState::QueryingStop { .. }
            | PnpState::AttachedStopped { .. }
            | PnpState::Restarting { .. }
            | PnpState::Removed => return,
        };
        self.attaches = 0;
        emit(effects, Effect::CompleteAttaches { first, others: NtStatus::SHARING_VIOLATION });
    }

    const fn one_owed_less(&self) -> PnpState {
        match self.state {
            PnpState::Attached { owed } => PnpState::Attached { owed: owed.saturating_sub(1) },
            PnpState::AttachedStopped { owed } => PnpState::AttachedStopped { owed: owed.saturating_sub(1) },
            PnpState::QueryingStop { told, owed } => {
                PnpState::QueryingStop { told, owed: owed.saturating_sub(1) }
            }
            PnpState::Restarting { told, owed } => {
                PnpState::Restarting { told, owed: owed.saturating_sub(1) }
            }
            other @ (PnpState::Detached | PnpState::Stopped | PnpState::Removed) => other,
        }
    }
}

impl PfEvent {
    /// Gives the number as the VSP reads it (`SRIOV_PF_EVENT`).
    #[must_use]
    pub const fn raw(self) -> i32 {
        match self {
            Self::QueryStopDevice => 0,
            Self::Restart => 1,
        }
    }
}

/// SPEC: `EvtDeviceQueryStop` must not return `STATUS_NOT_SUPPORTED`; that, and what is neither success nor error, is
/// passed on as a plain failure.
fn query_status(status: NtStatus) -> NtStatus {
    if status.is_success() || (status.is_error() && status != NtStatus::NOT_SUPPORTED) {
        status
    } else {
        NtStatus::UNSUCCESSFUL
    }
}

/// One input has at most three effects, so there is always room.
fn emit(effects: &mut Effects, effect: Effect) {
    let _room = effects.push(effect);
}

#[cfg(test)]
mod tests;
