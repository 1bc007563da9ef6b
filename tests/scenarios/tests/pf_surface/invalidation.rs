//! Invalidations: from the operator to the guest, by requests that the VSP keeps parked.

use serde_json::{Value, json};

use crate::{PENDING, SUCCESS, TIMEOUT, awaited, expect};

fn invalidate(vf: Value, mask: u64) -> Value {
    json!({"do": "invalidate", "vf": vf, "mask": mask})
}

fn wait(vf: u16) -> Value {
    json!({"do": "wait_invalidate", "vf": vf, "milliseconds": 300})
}

fn park(id: &str) -> Value {
    json!({"do": "ioctl", "code": 0x0022_6054, "output": 16, "id": id})
}

#[test]
fn guest_is_told_the_mask_of_its_vf_alone() {
    let found = expect(&[
        (wait(0), TIMEOUT),
        (wait(1), TIMEOUT),
        (invalidate(1.into(), 0x8000_0000_0000_0001), SUCCESS),
        (wait(0), TIMEOUT),
        (wait(1), SUCCESS),
        (wait(1), TIMEOUT),
    ]);
    assert_eq!(found[4]["mask"], "0x8000000000000001");
}

#[test]
fn masks_that_nobody_took_are_merged() {
    let found = expect(&[
        (invalidate(2.into(), 0b001), SUCCESS),
        (invalidate(2.into(), 0b100), SUCCESS),
        (park("i"), SUCCESS),
        (park("j"), PENDING),
    ]);
    assert_eq!(found[2]["data"], "02000000000000000500000000000000");
}

#[test]
fn invalidation_of_all_vfs_reaches_each() {
    let found = expect(&[
        (wait(0), TIMEOUT),
        (wait(3), TIMEOUT),
        (invalidate("all".into(), 0b10), SUCCESS),
        (wait(0), SUCCESS),
        (wait(3), SUCCESS),
    ]);
    assert_eq!([&found[3]["mask"], &found[4]["mask"]], ["0x0000000000000002"; 2]);
}

#[test]
fn parked_requests_are_served_in_order() {
    let found = expect(&[
        (park("first"), PENDING),
        (park("second"), PENDING),
        (invalidate(3.into(), 1), SUCCESS),
        (awaited("first"), SUCCESS),
        (invalidate(0.into(), 2), SUCCESS),
        (awaited("second"), SUCCESS),
    ]);
    assert_eq!(found[3]["data"], "03000000000000000100000000000000");
    assert_eq!(found[5]["data"], "00000000000000000200000000000000");
}
