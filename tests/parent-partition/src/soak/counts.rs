//! What a soak counts while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// One counter a kind of event.
        #[derive(Debug, Default)]
        pub struct Counts { $($(#[doc = $doc])+ pub $name: Count,)+ }

        impl Counts {
            /// Every count by its name.
            pub fn to_json(&self) -> Map<String, Value> {
                let named = [$((stringify!($name), self.$name.value()),)+];
                named.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
            }
        }
    };
}

counts! {
    /// Writes that were sent.
    writes,
    /// Writes that were answered with success.
    succeeded,
    /// Writes that a handler saw.
    seen,
    /// Resets of a VF.
    resets,
    /// Resets that came while a handler was at a write of their VF.
    resets_in_flight,
    /// Times the PF was stopped and started again.
    rebalances,
    /// Times a query whether it may stop was refused or taken back.
    rebalances_refused,
    /// Times a handler that had taken writes was replaced by the other.
    replaced,
    /// Those of them at whose beginning writes were inside the handler.
    replaced_in_flight,
    /// Parked requests that ended because they were cancelled.
    cancelled,
    /// Masks that a parked request brought.
    invalidations,
    /// Answers that no rule allows; each is named on standard error.
    unexpected,
}

/// A number that many threads add to.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds one.
    pub fn up(&self) {
        self.add(1);
    }

    /// Adds some.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
