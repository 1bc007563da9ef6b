//! Calls into NT that leave no other trace, seen by whoever watches.

use std::sync::OnceLock;

/// Has a routine called with the name of each such call as it is made; once in a process.
pub fn install(observer: fn(&str)) {
    // A second observer would see what the first one sees.
    let _ = OBSERVER.set(observer);
}

pub(super) fn called(routine: &str) {
    if let Some(observer) = OBSERVER.get() {
        observer(routine);
    }
}

static OBSERVER: OnceLock<fn(&str)> = OnceLock::new();
