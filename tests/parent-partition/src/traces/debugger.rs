//! The debugger under which a framework image plays a scenario: a stop is a line, with what was printed last before it.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::{line, names};
use crate::nt::debug::Debugger;

/// Answers each stop with `g`.
pub(super) const DEBUGGER: Debugger = Debugger { printed, stopped };

fn printed(text: &str) {
    text.clone_into(&mut PRINTED.lock().unwrap_or_else(PoisonError::into_inner));
}

fn stopped() {
    let text = std::mem::take(&mut *PRINTED.lock().unwrap_or_else(PoisonError::into_inner));
    let text = with_names(&text.replace('\n', " "));
    line::write(format_args!(r#""break":true,{},"text":{}"#, line::irql_member(), json!(text)));
}

/// A text with each address of an object as its name, and each other one as `PTR`.
fn with_names(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len());
        let (digits, rest) = part.split_at(end);
        let address = usize::from_str_radix(digits, 16).unwrap_or(0);
        let name = names::known(address).map_or("PTR".into(), |name| name.to_string_lossy());
        // A status is no address.
        let shown = if end < ADDRESS_DIGITS { digits } else { &name };
        named.extend(["0x", shown, rest]);
    }
    named
}

/// How many digits an address is printed with, `%p`.
const ADDRESS_DIGITS: usize = 16;
static PRINTED: Mutex<String> = Mutex::new(String::new());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_named_and_statuses_stay() {
        names::bind(0xFFFF_8000_0000_1234, "queue");
        let text = "WDFQUEUE 0xFFFF800000001234 of 0x00007F8200000000, 0xc0000010";
        assert_eq!(with_names(text), "WDFQUEUE 0xqueue of 0xPTR, 0xc0000010");
    }
}
