//! The PF's surface: every member of its interface, every request, and its life under PnP and power.

mod filter;
mod handles;
mod invalidation;
mod members;
mod operator;
mod operator_changes;
mod power;
mod query_interface;
mod rebalance;
mod removal;
mod requests;
mod virtual_functions;

use scenarios::script::{answers, awaited, begin, go};
use serde_json::Value;

const SUCCESS: &str = "0x00000000";
const PENDING: &str = "0x00000103";
const TIMEOUT: &str = "0x00000102";
const UNSUCCESSFUL: &str = "0xc0000001";
const INVALID_PARAMETER: &str = "0xc000000d";
const INVALID_DEVICE_REQUEST: &str = "0xc0000010";
const ACCESS_DENIED: &str = "0xc0000022";
const BUFFER_TOO_SMALL: &str = "0xc0000023";
const SHARING_VIOLATION: &str = "0xc0000043";
const INSUFFICIENT_RESOURCES: &str = "0xc000009a";
const DEVICE_NOT_READY: &str = "0xc00000a3";
const NOT_SUPPORTED: &str = "0xc00000bb";
const CANCELLED: &str = "0xc0000120";
const INVALID_DEVICE_STATE: &str = "0xc0000184";

/// Plays a script; panics unless the statuses are those.
#[track_caller]
fn expect(steps: &[(Value, &str)]) -> Vec<Value> {
    let lines: Vec<Value> = steps.iter().map(|(line, _)| line.clone()).collect();
    let found = answers(&lines);
    for (answer, (line, status)) in found.iter().zip(steps) {
        assert_eq!(answer["status"], *status, "{line}: {answer}\nall: {found:?}");
    }
    found
}
