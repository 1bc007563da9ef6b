//! PnP's events while everything is outstanding at once: requests parked by two parties, a call inside a handler, writes of
//! guests and of threads of the VSP, another party's handle, and its reference.

use scenarios::script::{Conversation, awaited, begin, go, vsp_write};
use serde_json::{Value, json};

use crate::{Ask, DEVICE_NOT_READY, INVALID_PARAMETER, SUCCESS, ask, number, probe, recorder};

const PENDING: &str = "0x00000103";
const CANCELLED: &str = "0xc0000120";
const DEVICE_BUSY: &str = "0x80000011";
const JOURNAL_FULL: &str = "0xc000009a";
const INVALIDATE_BLOCK: u32 = 0x0022_6054;
/// The last VF: it writes nothing but the call that blocks in its handler.
const BLOCKED: u16 = 3;
const OBEDIENT: u8 = 0;
const BLOCKING: &str = "01";

/// A partition in which everything is outstanding.
struct Busy {
    run: Conversation,
}

/// Something that the other party does.
fn other(action: &str) -> Value {
    json!({"do": "handle", "action": action, "on": "other"})
}

/// The other party writes for a VF through its reference.
fn call(vf: u16, block: u32, data: &str) -> Value {
    json!({"do": "handle", "action": "write", "on": "other", "vf": vf, "block": block, "data": data, "id": "call"})
}

fn some_writes() -> Value {
    json!({"do": "traffic", "action": "await", "writes": 5})
}

impl Busy {
    /// An attached VSP and another party, each with requests parked; writes of three VFs under way.
    #[track_caller]
    fn begin() -> Self {
        let images = [probe(), recorder()];
        let [probe, recorder] = images.each_ref().map(|image| image.to_str().expect("UTF-8"));
        // A call in a handler is not late.
        let patient = ["--plugin", probe, "--plugin", recorder, "--value", "HandlerTimeBudget=60000"];
        let mut busy = Self { run: Conversation::begin(&patient) };
        busy.expect(&[
            (go("attach"), SUCCESS),
            (begin("notification", "vsp event"), PENDING),
            (json!({"do": "ioctl", "code": INVALIDATE_BLOCK, "output": 16, "id": "vsp blocks"}), PENDING),
            (json!({"do": "handle", "action": "open", "id": "other"}), SUCCESS),
            (other("interface"), SUCCESS),
            (
                json!({"do": "handle", "action": "control", "on": "other", "code": INVALIDATE_BLOCK, "output": 16,
                    "id": "other blocks"}),
                PENDING,
            ),
            (
                json!({"do": "traffic", "action": "begin", "vfs": BLOCKED, "block": 42, "length": 16, "threads": 2}),
                SUCCESS,
            ),
            (some_writes(), SUCCESS),
        ]);
        busy
    }

    /// As [`Busy::begin`], with a call of the other party inside a handler that returns when it is released.
    #[track_caller]
    fn begin_with_a_call() -> Self {
        let mut busy = Self::begin();
        busy.expect(&[(call(BLOCKED, 50, BLOCKING), PENDING)]);
        while number(&busy.run.ask(&ask(Ask::Calls, &[])), 0, 8) == 0 {}
        busy
    }

    /// Plays these lines; panics unless the statuses are those.
    #[track_caller]
    fn expect(&mut self, steps: &[(Value, &str)]) -> Vec<Value> {
        let found: Vec<Value> = steps.iter().map(|(line, _)| self.run.ask(line)).collect();
        for (answer, (line, status)) in found.iter().zip(steps) {
            assert_eq!(answer["status"], *status, "{line}: {answer}\nall: {found:#?}");
        }
        found
    }

    /// The PF agrees to stop: its VSP was told, and answers.
    #[track_caller]
    fn agree_to_stop(&mut self) {
        self.expect(&[
            (begin("query_stop", "query"), PENDING),
            (awaited("vsp event"), SUCCESS),
            (some_writes(), SUCCESS),
            (go("event_complete"), SUCCESS),
            (awaited("query"), SUCCESS),
        ]);
    }

    /// Everything goes on as before, and ends well.
    #[track_caller]
    fn end(mut self) {
        let found = self.expect(&[
            (some_writes(), SUCCESS),
            (vsp_write(BLOCKED, 50, &[OBEDIENT]), SUCCESS),
            (other("luid"), SUCCESS),
            (json!({"do": "invalidate", "vf": 1, "mask": 2}), SUCCESS),
            (awaited("vsp blocks"), SUCCESS),
            (json!({"do": "cancel", "of": "other blocks"}), CANCELLED),
            (json!({"do": "traffic", "action": "end"}), SUCCESS),
        ]);
        let statuses = found[6]["statuses"].as_object().expect("statuses");
        assert!(statuses.contains_key(SUCCESS), "{statuses:?}");
        // Meanwhile the PF is stopped, plug-ins that are asked to let go serve nothing, and the journal, which nobody reads here,
        // is full.
        let legal = [SUCCESS, DEVICE_NOT_READY, INVALID_PARAMETER, JOURNAL_FULL];
        let others = statuses.keys().filter(|status| !legal.contains(&status.as_str()));
        assert_eq!(others.count(), 0, "{statuses:?}");
        self.run.end();
    }
}

#[test]
fn query_stop_asks_the_vsp_and_waits_for_nothing_else() {
    let mut busy = Busy::begin_with_a_call();
    busy.agree_to_stop();
    busy.expect(&[(ask(Ask::Release, &[]), SUCCESS), (awaited("call"), SUCCESS)]);
    busy.end();
}

#[test]
fn cancelled_stop_leaves_everything_as_it_was() {
    let mut busy = Busy::begin_with_a_call();
    busy.agree_to_stop();
    busy.expect(&[
        (begin("notification", "again"), PENDING),
        (go("cancel_stop"), SUCCESS),
        (awaited("again"), SUCCESS),
        (go("event_complete"), SUCCESS),
        (ask(Ask::Release, &[]), SUCCESS),
        (awaited("call"), SUCCESS),
    ]);
    busy.end();
}

#[test]
fn stop_waits_for_the_call_inside_and_restart_serves_all_again() {
    let mut busy = Busy::begin_with_a_call();
    busy.agree_to_stop();
    busy.expect(&[
        (begin("notification", "again"), PENDING),
        (begin("stop", "stop"), PENDING),
        (some_writes(), SUCCESS),
        (ask(Ask::Release, &[]), SUCCESS),
        (awaited("call"), SUCCESS),
        (awaited("stop"), SUCCESS),
        (vsp_write(BLOCKED, 50, &[OBEDIENT]), DEVICE_NOT_READY),
        (other("luid"), DEVICE_NOT_READY),
        (go("start"), SUCCESS),
        (awaited("again"), SUCCESS),
        (go("event_complete"), SUCCESS),
    ]);
    busy.end();
}

#[test]
fn surprise_removal_completes_all_requests_and_waits_for_the_call_inside() {
    let mut busy = Busy::begin_with_a_call();
    busy.expect(&[
        (begin("surprise_remove", "gone"), PENDING),
        (awaited("vsp event"), CANCELLED),
        (awaited("vsp blocks"), CANCELLED),
        (awaited("other blocks"), CANCELLED),
    ]);
    // Requests are completed before calls are refused: what comes between is served.
    while busy.run.ask(&vsp_write(0, 50, &[OBEDIENT]))["status"] == SUCCESS {}
    busy.expect(&[
        (vsp_write(0, 50, &[OBEDIENT]), DEVICE_NOT_READY),
        (other("luid"), DEVICE_NOT_READY),
        (some_writes(), SUCCESS),
        (ask(Ask::Release, &[]), SUCCESS),
        (awaited("call"), SUCCESS),
        (awaited("gone"), SUCCESS),
        (go("remove"), DEVICE_BUSY),
        (other("close"), SUCCESS),
        (go("remove"), SUCCESS),
        (other("luid"), DEVICE_NOT_READY),
        (other("release"), SUCCESS),
        (go("unload"), SUCCESS),
        (go("load"), SUCCESS),
        (go("attach"), SUCCESS),
        (vsp_write(0, 50, &[OBEDIENT]), SUCCESS),
    ]);
    busy.run.end();
}

#[test]
fn query_remove_is_refused_and_all_goes_on() {
    let mut busy = Busy::begin_with_a_call();
    busy.expect(&[
        (begin("query_remove", "query"), PENDING),
        (some_writes(), SUCCESS),
        (ask(Ask::Release, &[]), SUCCESS),
        (awaited("call"), SUCCESS),
        (awaited("query"), DEVICE_BUSY),
        (json!({"do": "cancel", "of": "vsp event"}), CANCELLED),
    ]);
    busy.end();
}

#[test]
fn removal_while_attached_waits_for_the_call_inside_and_not_for_the_reference() {
    let mut busy = Busy::begin();
    // Number 1, and half a second in the handler.
    let lingering = "010000000000000020a1070000000000";
    busy.expect(&[
        (other("close"), SUCCESS),
        (awaited("other blocks"), CANCELLED),
        (call(BLOCKED, 42, lingering), PENDING),
        (go("remove"), SUCCESS),
        (awaited("call"), SUCCESS),
        (other("luid"), DEVICE_NOT_READY),
        (other("release"), SUCCESS),
        (go("unload"), SUCCESS),
    ]);
    busy.run.end();
}

#[test]
fn driver_is_unloaded_and_loaded_with_requests_parked_and_writes_under_way() {
    let mut busy = Busy::begin();
    busy.expect(&[
        (go("unload"), DEVICE_BUSY),
        (some_writes(), SUCCESS),
        (other("close"), SUCCESS),
        (awaited("other blocks"), CANCELLED),
        (other("luid"), SUCCESS),
        (other("release"), SUCCESS),
        (go("unload"), SUCCESS),
        (go("load"), SUCCESS),
        (go("attach"), SUCCESS),
        (vsp_write(BLOCKED, 50, &[OBEDIENT]), SUCCESS),
    ]);
    busy.run.end();
}
