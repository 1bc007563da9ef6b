//! Threads of the VSP that write at once: each write is answered, each VF's in order, and no VF waits for another.

use std::collections::BTreeMap;

use scenarios::script::{Conversation, answers_with, vsp_write};
use serde_json::{Value, json};

use crate::{Ask, SUCCESS, ask, number, probe, recorder};

/// The block of the plug-in that keeps a journal, and bytes of its writes and of a journal's entry.
const NUMBERED: u32 = 42;
const NUMBERED_BYTES: u8 = 16;
const ENTRY: usize = 24;
const VFS: u16 = 4;
/// Threads of the VSP that write for each VF beside its guest, and how many writes each of them and the guest makes.
const THREADS: u64 = 4;
const WRITES: u64 = 60;
const OBEDIENT: u8 = 0;
const BLOCKING: u8 = 1;

fn all_writes(vfs: u16) -> [Value; 3] {
    let begin = json!({"do": "traffic", "action": "begin", "vfs": vfs, "block": NUMBERED,
        "length": NUMBERED_BYTES, "threads": THREADS, "writes": WRITES});
    [begin, json!({"do": "traffic", "action": "await"}), json!({"do": "traffic", "action": "end"})]
}

/// Takes what the journal has, and more room than that.
fn take_journal() -> Value {
    let room = ENTRY as u64 * (u64::from(VFS) * (THREADS + 1) * WRITES + 10);
    json!({"do": "plugin", "plugin": "recorder", "action": "control", "code": 0x0022_2000, "output": room})
}

/// VF, writer and number of each entry of a journal.
fn entries(answer: &Value) -> Vec<(u64, u64, u64)> {
    let count = answer["data"].as_str().expect("an answer with bytes").len() / 2 / ENTRY;
    let entry = |place: usize| {
        let at = place * ENTRY;
        (number(answer, at, 2), number(answer, at + 12, 4), number(answer, at + 8, 4))
    };
    (0..count).map(entry).collect()
}

#[test]
fn writes_of_many_vsp_threads_to_many_vfs_are_all_answered_and_taken_in_order() {
    let plugin = recorder();
    let [begin, all, end] = all_writes(VFS);
    let found =
        answers_with(&["--plugin", plugin.to_str().expect("UTF-8")], &[begin, all, end, take_journal()]);
    let each = (THREADS + 1) * WRITES;
    assert_eq!(found[1]["status"], SUCCESS, "{found:?}");
    assert_eq!(found[2]["statuses"], json!({ SUCCESS: u64::from(VFS) * each }));
    assert_eq!(found[2]["accepted"], json!(vec![each; VFS.into()]));
    // By VF and writer: the numbers in the order in which the handler took them.
    let mut taken: BTreeMap<(u64, u64), Vec<u64>> = BTreeMap::new();
    for (vf, writer, number) in entries(&found[3]) {
        taken.entry((vf, writer)).or_default().push(number);
    }
    assert_eq!(taken.len() as u64, u64::from(VFS) * (THREADS + 1), "each writer of each VF");
    for (writer, numbers) in taken {
        assert_eq!(numbers, (1..=WRITES).collect::<Vec<_>>(), "VF and writer {writer:?}");
    }
}

#[test]
fn vf_whose_call_blocks_in_its_handler_holds_up_no_other_vf() {
    let (blocking, numbered) = (probe(), recorder());
    let [blocking, numbered] = [&blocking, &numbered].map(|image| image.to_str().expect("UTF-8"));
    let patient = ["--plugin", blocking, "--plugin", numbered, "--value", "HandlerTimeBudget=60000"];
    let mut run = Conversation::begin(&patient);
    let mut status = |line: Value| run.ask(&line)["status"].clone();
    let last = VFS - 1;
    let write = |id: &str, kind: u8| {
        json!({"do": "handle", "action": "write", "on": "vsp", "vf": last, "block": 50, "data": format!("{kind:02x}"),
            "id": id})
    };
    assert_eq!(status(json!({"do": "handle", "action": "open", "id": "vsp"})), SUCCESS);
    assert_eq!(status(json!({"do": "handle", "action": "interface", "on": "vsp"})), SUCCESS);
    assert_eq!(status(write("first", BLOCKING)), "0x00000103");
    while number(&run.ask(&ask(Ask::Calls, &[])), 0, 8) == 0 {}
    let mut status = |line: Value| run.ask(&line)["status"].clone();
    assert_eq!(status(write("second", OBEDIENT)), "0x00000103", "the same VF waits");
    // The handler of the last VF returns when it is released, which is after all of this.
    let [begin, all, end] = all_writes(last);
    assert_eq!([status(begin), status(all)], [SUCCESS; 2]);
    let accepted = run.ask(&end)["accepted"].clone();
    assert_eq!(accepted, json!(vec![(THREADS + 1) * WRITES; last.into()]));
    let mut status = |line: Value| run.ask(&line)["status"].clone();
    assert_eq!(status(vsp_write(0, 50, &[OBEDIENT])), SUCCESS, "the same handler, for another VF");
    assert_eq!(status(ask(Ask::Release, &[])), SUCCESS);
    assert_eq!(status(json!({"do": "await", "of": "first"})), SUCCESS);
    assert_eq!(status(json!({"do": "await", "of": "second"})), SUCCESS);
    run.end();
}
