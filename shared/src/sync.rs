//! The atomics that the engine is built on.
//!
//! The schedule models compile the same production types with the atomics of loom or shuttle, so every module takes them from here.
//! Those constructors are not `const`; [`const_new`] keeps one text for both builds.

#[cfg(not(any(loom, shuttle)))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(shuttle)]
pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Atomics of counters that nothing depends on: ordinary ones in the models, too, which would otherwise try every
/// interleaving of a statistic.
pub(crate) mod counting {
    pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

/// Declares a constructor that is `const` everywhere but under loom.
macro_rules! const_new {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty $body:block) => {
        #[cfg(not(any(loom, shuttle)))]
        $(#[$meta])*
        $vis const fn $name($($arg: $type),*) -> $ret $body
        #[cfg(any(loom, shuttle))]
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) -> $ret $body
    };
}

/// An array whose elements are each made by the same expression, in `const` code and under loom alike.
macro_rules! array_of {
    ($make:expr; $length:expr) => {{
        #[cfg(not(any(loom, shuttle)))]
        let array = [const { $make }; $length];
        #[cfg(any(loom, shuttle))]
        let array: [_; $length] = core::array::from_fn(|_| $make);
        array
    }};
}

pub(crate) use {array_of, const_new};
