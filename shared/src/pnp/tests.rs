//! Every pair of state and input, and the stories that cross several of them.

use super::{Answer, Effect, PfEvent, PnpInput, PnpNotifications, PnpState};
use crate::status::NtStatus;

const DETACHED: PnpState = PnpState::Detached;
const STOPPED: PnpState = PnpState::Stopped;
const ATTACHED: PnpState = PnpState::Attached { owed: 0 };
const ATTACHED_OWING: PnpState = PnpState::Attached { owed: 1 };
const UNTOLD: PnpState = PnpState::QueryingStop { told: false, owed: 0 };
const UNTOLD_OWING: PnpState = PnpState::QueryingStop { told: false, owed: 1 };
const TOLD: PnpState = PnpState::QueryingStop { told: true, owed: 0 };
const TOLD_OWING: PnpState = PnpState::QueryingStop { told: true, owed: 1 };
const HALTED: PnpState = PnpState::AttachedStopped { owed: 0 };
const HALTED_OWING: PnpState = PnpState::AttachedStopped { owed: 1 };
const RESTARTING: PnpState = PnpState::Restarting { told: false, owed: 0 };
const RESTARTING_OWING: PnpState = PnpState::Restarting { told: false, owed: 1 };
const RESTARTED: PnpState = PnpState::Restarting { told: true, owed: 0 };
const RESTARTED_OWING: PnpState = PnpState::Restarting { told: true, owed: 1 };
const REMOVED: PnpState = PnpState::Removed;

const EVERY_STATE: [PnpState; 15] = [
    DETACHED,
    STOPPED,
    ATTACHED,
    ATTACHED_OWING,
    UNTOLD,
    UNTOLD_OWING,
    TOLD,
    TOLD_OWING,
    HALTED,
    HALTED_OWING,
    RESTARTING,
    RESTARTING_OWING,
    RESTARTED,
    RESTARTED_OWING,
    REMOVED,
];

const OK: Answer = Answer::Complete(NtStatus::SUCCESS);
const TAKEN: Answer = Answer::Complete(NtStatus::SHARING_VIOLATION);
const NOT_NOW: Answer = Answer::Complete(NtStatus::INVALID_DEVICE_STATE);
const GONE: Answer = Answer::Complete(NtStatus::DEVICE_NOT_READY);
const FAILED: Answer = Answer::Complete(NtStatus::UNSUCCESSFUL);
const PARK: Answer = Answer::Park;
const NONE: Answer = Answer::Nothing;

const RESUME: Effect = Effect::ResumePnp(NtStatus::SUCCESS);
const RESUME_FAILED: Effect = Effect::ResumePnp(NtStatus::UNSUCCESSFUL);
const TELL_STOP: Effect = Effect::CompleteNotification(PfEvent::QueryStopDevice);
const TELL_RESTART: Effect = Effect::CompleteNotification(PfEvent::Restart);

fn at(state: PnpState) -> PnpNotifications {
    PnpNotifications { state, notifications: 0, attaches: 0 }
}

/// Checks one input against every state; a row is the state after it, the answer, and the effects.
fn table(input: PnpInput, rows: &[(PnpState, Answer, &[Effect]); 15]) {
    for (before, (after, answer, effects)) in EVERY_STATE.into_iter().zip(*rows) {
        let mut pnp = at(before);
        let taken = pnp.step(input);
        assert_eq!((pnp.state(), taken.0, &*taken.1), (after, answer, effects), "{input:?} in {before:?}");
    }
}

#[test]
fn attach_in_every_state() {
    let parked = |state| (state, PARK, &[][..]);
    table(
        PnpInput::Attach,
        &[
            (ATTACHED, OK, &[]),
            parked(STOPPED),
            (ATTACHED, TAKEN, &[]),
            (ATTACHED_OWING, TAKEN, &[]),
            parked(UNTOLD),
            parked(UNTOLD_OWING),
            parked(TOLD),
            parked(TOLD_OWING),
            parked(HALTED),
            parked(HALTED_OWING),
            parked(RESTARTING),
            parked(RESTARTING_OWING),
            parked(RESTARTED),
            parked(RESTARTED_OWING),
            (REMOVED, GONE, &[]),
        ],
    );
}

#[test]
fn detach_in_every_state() {
    table(
        PnpInput::Detach,
        &[
            (DETACHED, OK, &[]),
            (STOPPED, OK, &[]),
            (DETACHED, OK, &[]),
            (DETACHED, OK, &[]),
            (STOPPED, OK, &[RESUME]),
            (STOPPED, OK, &[RESUME]),
            (STOPPED, OK, &[RESUME]),
            (STOPPED, OK, &[RESUME]),
            (STOPPED, OK, &[]),
            (STOPPED, OK, &[]),
            (DETACHED, OK, &[]),
            (DETACHED, OK, &[]),
            (DETACHED, OK, &[]),
            (DETACHED, OK, &[]),
            (REMOVED, OK, &[]),
        ],
    );
}

#[test]
fn lost_notification_in_every_state() {
    let same = |state| (state, NONE, &[][..]);
    table(
        PnpInput::NotificationLost,
        &[
            same(DETACHED),
            same(STOPPED),
            same(ATTACHED),
            same(ATTACHED_OWING),
            same(UNTOLD),
            same(UNTOLD_OWING),
            same(UNTOLD),
            same(UNTOLD_OWING),
            same(HALTED),
            same(HALTED_OWING),
            same(RESTARTING),
            same(RESTARTING_OWING),
            same(RESTARTING),
            same(RESTARTING_OWING),
            same(REMOVED),
        ],
    );
}

#[test]
fn an_event_whose_request_was_cancelled_is_told_with_the_next() {
    let mut pnp = PnpNotifications { state: ATTACHED, notifications: 2, attaches: 0 };
    assert_eq!(&*pnp.step(PnpInput::QueryStop).1, &[TELL_STOP]);
    assert_eq!(&*pnp.step(PnpInput::NotificationLost).1, &[TELL_STOP]);
    assert_eq!(&*pnp.step(PnpInput::NotificationLost).1, &[]);
    assert_eq!(&*pnp.step(PnpInput::Notification).1, &[TELL_STOP]);
}

#[test]
fn notification_in_every_state() {
    let parked = |state| (state, PARK, &[][..]);
    table(
        PnpInput::Notification,
        &[
            parked(DETACHED),
            parked(STOPPED),
            parked(ATTACHED),
            parked(ATTACHED_OWING),
            (TOLD, PARK, &[TELL_STOP]),
            (TOLD_OWING, PARK, &[TELL_STOP]),
            parked(TOLD),
            parked(TOLD_OWING),
            parked(HALTED),
            parked(HALTED_OWING),
            (RESTARTED, PARK, &[TELL_RESTART]),
            (RESTARTED_OWING, PARK, &[TELL_RESTART]),
            parked(RESTARTED),
            parked(RESTARTED_OWING),
            (REMOVED, GONE, &[]),
        ],
    );
}

#[test]
fn completion_in_every_state() {
    table(
        PnpInput::EventComplete(NtStatus::SUCCESS),
        &[
            (DETACHED, NOT_NOW, &[]),
            (STOPPED, NOT_NOW, &[]),
            (ATTACHED, NOT_NOW, &[]),
            (ATTACHED, OK, &[]),
            (UNTOLD, NOT_NOW, &[]),
            (UNTOLD, OK, &[]),
            (HALTED, OK, &[RESUME]),
            (TOLD, OK, &[]),
            (HALTED, NOT_NOW, &[]),
            (HALTED, OK, &[]),
            (RESTARTING, NOT_NOW, &[]),
            (RESTARTING, OK, &[]),
            (ATTACHED, OK, &[]),
            (RESTARTED, OK, &[]),
            (REMOVED, GONE, &[]),
        ],
    );
}

#[test]
fn query_stop_in_every_state() {
    let waits = |state| (state, Answer::Wait, &[][..]);
    table(
        PnpInput::QueryStop,
        &[
            (STOPPED, OK, &[]),
            (STOPPED, OK, &[]),
            waits(UNTOLD),
            waits(UNTOLD_OWING),
            (UNTOLD, FAILED, &[]),
            (UNTOLD_OWING, FAILED, &[]),
            (TOLD, FAILED, &[]),
            (TOLD_OWING, FAILED, &[]),
            waits(UNTOLD),
            waits(UNTOLD_OWING),
            waits(UNTOLD),
            waits(UNTOLD_OWING),
            waits(UNTOLD_OWING),
            waits(PnpState::QueryingStop { told: false, owed: 2 }),
            (REMOVED, GONE, &[]),
        ],
    );
}

#[test]
fn time_out_in_every_state() {
    let nothing = |state| (state, NONE, &[][..]);
    table(
        PnpInput::QueryStopTimedOut,
        &[
            nothing(DETACHED),
            nothing(STOPPED),
            nothing(ATTACHED),
            nothing(ATTACHED_OWING),
            (HALTED, FAILED, &[]),
            (HALTED_OWING, FAILED, &[]),
            (HALTED_OWING, FAILED, &[]),
            (PnpState::AttachedStopped { owed: 2 }, FAILED, &[]),
            nothing(HALTED),
            nothing(HALTED_OWING),
            nothing(RESTARTING),
            nothing(RESTARTING_OWING),
            nothing(RESTARTED),
            nothing(RESTARTED_OWING),
            nothing(REMOVED),
        ],
    );
}

#[test]
fn cancel_stop_and_start_in_every_state() {
    let nothing = |state| (state, NONE, &[][..]);
    for input in [PnpInput::CancelStop, PnpInput::Started] {
        table(
            input,
            &[
                nothing(DETACHED),
                nothing(DETACHED),
                nothing(ATTACHED),
                nothing(ATTACHED_OWING),
                (RESTARTING, NONE, &[RESUME_FAILED]),
                (RESTARTING_OWING, NONE, &[RESUME_FAILED]),
                (RESTARTING_OWING, NONE, &[RESUME_FAILED]),
                (PnpState::Restarting { told: false, owed: 2 }, NONE, &[RESUME_FAILED]),
                nothing(RESTARTING),
                nothing(RESTARTING_OWING),
                nothing(RESTARTING),
                nothing(RESTARTING_OWING),
                nothing(RESTARTED),
                nothing(RESTARTED_OWING),
                nothing(REMOVED),
            ],
        );
    }
}

#[test]
fn removal_in_every_state() {
    let plain = (REMOVED, NONE, &[][..]);
    let waiting = (REMOVED, NONE, &[RESUME_FAILED][..]);
    table(
        PnpInput::Removed,
        &[
            plain, plain, plain, plain, waiting, waiting, waiting, waiting, plain, plain, plain, plain,
            plain, plain, plain,
        ],
    );
}

#[test]
fn cancelled_request_in_every_state_changes_only_its_count() {
    for state in EVERY_STATE {
        let mut pnp = PnpNotifications { state, notifications: 0, attaches: 0 };
        assert_eq!(pnp.step(PnpInput::NotificationCancelled), (NONE, heapless::Vec::new()));
        assert_eq!(pnp.step(PnpInput::AttachCancelled), (NONE, heapless::Vec::new()));
        assert_eq!(pnp, at(state));
    }
}

/// Gives all effects of some inputs.
fn effects(pnp: &mut PnpNotifications, inputs: &[PnpInput]) -> Vec<Effect> {
    inputs.iter().flat_map(|input| pnp.step(*input).1).collect()
}

#[test]
fn one_event_completes_one_request_however_many_are_parked() {
    let mut pnp = at(ATTACHED);
    let inputs =
        [PnpInput::Notification, PnpInput::Notification, PnpInput::QueryStop, PnpInput::Notification];
    assert_eq!(effects(&mut pnp, &inputs), [TELL_STOP]);
    let inputs = [PnpInput::EventComplete(NtStatus::SUCCESS), PnpInput::Started];
    assert_eq!(effects(&mut pnp, &inputs), [RESUME, TELL_RESTART]);
    assert_eq!(pnp.notifications, 1);
}

#[test]
fn request_that_was_cancelled_is_not_told_the_event() {
    let mut pnp = at(ATTACHED);
    let inputs = [PnpInput::Notification, PnpInput::NotificationCancelled, PnpInput::QueryStop];
    assert_eq!(effects(&mut pnp, &inputs), []);
    assert_eq!(effects(&mut pnp, &[PnpInput::Notification]), [TELL_STOP], "the next one is");
}

#[test]
fn status_of_the_completion_is_the_answer_to_pnp() {
    let passed_on = [
        (NtStatus::SUCCESS, NtStatus::SUCCESS),
        (NtStatus::INVALID_DEVICE_STATE, NtStatus::INVALID_DEVICE_STATE),
        (NtStatus::NOT_SUPPORTED, NtStatus::UNSUCCESSFUL),
        (NtStatus::PENDING, NtStatus::UNSUCCESSFUL),
    ];
    for (given, passed) in passed_on {
        assert_eq!(effects(&mut at(TOLD), &[PnpInput::EventComplete(given)]), [Effect::ResumePnp(passed)]);
    }
}

#[test]
fn parked_attach_is_admitted_when_the_pf_runs_and_only_one() {
    let mut pnp = at(STOPPED);
    let admitted = Effect::CompleteAttaches { first: NtStatus::SUCCESS, others: NtStatus::SHARING_VIOLATION };
    let inputs = [PnpInput::Attach, PnpInput::Attach, PnpInput::CancelStop];
    assert_eq!(effects(&mut pnp, &inputs), [admitted]);
    assert_eq!(pnp, at(ATTACHED));
}

#[test]
fn parked_attach_is_refused_if_the_vsp_stays_attached_through_the_rebalance() {
    let mut pnp = at(HALTED);
    let refused =
        Effect::CompleteAttaches { first: NtStatus::SHARING_VIOLATION, others: NtStatus::SHARING_VIOLATION };
    let inputs = [
        PnpInput::Attach,
        PnpInput::Notification,
        PnpInput::Started,
        PnpInput::EventComplete(NtStatus::SUCCESS),
    ];
    assert_eq!(effects(&mut pnp, &inputs), [TELL_RESTART, refused]);
    assert_eq!(pnp, at(ATTACHED));
}

#[test]
fn attach_that_was_cancelled_is_not_admitted() {
    let mut pnp = at(STOPPED);
    assert_eq!(effects(&mut pnp, &[PnpInput::Attach, PnpInput::AttachCancelled, PnpInput::Started]), []);
    assert_eq!(pnp, at(DETACHED));
}

#[test]
fn detach_after_the_restart_was_posted_lets_the_next_one_attach() {
    let mut pnp = at(RESTARTING);
    let admitted = Effect::CompleteAttaches { first: NtStatus::SUCCESS, others: NtStatus::SHARING_VIOLATION };
    assert_eq!(effects(&mut pnp, &[PnpInput::Attach, PnpInput::Detach]), [admitted]);
    assert_eq!(pnp, at(ATTACHED));
}

#[test]
fn removal_cancels_all_that_is_parked() {
    let mut pnp = at(TOLD);
    let inputs = [PnpInput::Notification, PnpInput::Attach, PnpInput::Removed];
    assert_eq!(effects(&mut pnp, &inputs), [RESUME_FAILED, Effect::CancelParked]);
    assert_eq!(pnp, at(REMOVED));
}

#[test]
fn late_answer_to_a_stop_that_timed_out_is_not_taken_for_the_restart() {
    let mut pnp = at(ATTACHED);
    let inputs =
        [PnpInput::Notification, PnpInput::Notification, PnpInput::QueryStop, PnpInput::QueryStopTimedOut];
    assert_eq!(effects(&mut pnp, &inputs), [TELL_STOP]);
    assert_eq!(effects(&mut pnp, &[PnpInput::CancelStop]), [TELL_RESTART]);
    assert_eq!(effects(&mut pnp, &[PnpInput::EventComplete(NtStatus::UNSUCCESSFUL)]), []);
    assert_eq!(pnp.state(), RESTARTED);
    assert_eq!(effects(&mut pnp, &[PnpInput::EventComplete(NtStatus::SUCCESS)]), []);
    assert_eq!(pnp.state(), ATTACHED);
}

#[test]
fn events_have_the_numbers_of_the_header() {
    assert_eq!(PfEvent::QueryStopDevice.raw(), crate::abi::pcivirt::SriovEventPfQueryStopDevice);
    assert_eq!(PfEvent::Restart.raw(), crate::abi::pcivirt::SriovEventPfRestart);
}

#[test]
fn removal_cancels_what_waits_of_either_kind_and_nothing_else() {
    for (notifications, attaches, cancels) in [(0, 0, false), (1, 0, true), (0, 1, true), (2, 3, true)] {
        let mut pnp = PnpNotifications { state: ATTACHED, notifications, attaches };
        let (_, effects) = pnp.step(PnpInput::Removed);
        let cancelled = effects.contains(&Effect::CancelParked);
        assert_eq!(cancelled, cancels, "{notifications} notifications, {attaches} attaches");
    }
}
