//! What code of an image has made and nobody has undone.

use std::fmt;

/// One thing that an image leaves behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Left {
    /// The code that made it.
    pub(crate) made_at: usize,
    what: String,
}

impl Left {
    pub(super) fn new(made_at: usize, what: impl fmt::Display) -> Self {
        Self { made_at, what: what.to_string() }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
