//! Calls into NT that leave no other trace, seen by whoever watches.

use std::sync::OnceLock;

/// A call: the routine, and a number that tells it from others by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call<'a> {
    /// The routine's name.
    pub routine: &'a str,
    /// What the number is, and the number.
    pub number: Option<(&'a str, u32)>,
}

/// Has a routine called with each such call as it is made; once in a process.
pub fn install(observer: fn(Call<'_>)) {
    // A second observer would see what the first one sees.
    let _ = OBSERVER.set(observer);
}

pub(super) fn called(routine: &str) {
    tell(Call { routine, number: None });
}

pub(super) fn called_with(routine: &str, what: &str, number: u32) {
    tell(Call { routine, number: Some((what, number)) });
}

fn tell(call: Call<'_>) {
    if let Some(observer) = OBSERVER.get() {
        observer(call);
    }
}

static OBSERVER: OnceLock<fn(Call<'_>)> = OnceLock::new();
