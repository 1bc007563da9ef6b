//! The machine under an image: kernel threads and their stacks, and the way in and out.
//!
//! ```text
//!   simulator (host stack, System V)          image (24 KiB kernel stack, win64)
//!   ─────────────────────────────────         ─────────────────────────────────
//!   call(function, args) ────────────────────► function
//!                                                 │ call [import]
//!   routine ◄──────────── thunk ──────────────────┘
//!      │ may call an image again, below the frames that are there
//!      └─────────────────────────────────────► back into function ──► call returns
//! ```
//!
//! Simulator code never runs on a kernel stack, so the high-water mark is the image's alone. Every change of
//! IRQL goes through [`irql`] and every blocking wait through [`wait`], so that simulated processors can take
//! their place there.

pub(crate) mod context;
mod enter;
pub mod exception;
pub(crate) mod fault;
mod gate;
pub mod guard;
pub mod injection;
mod instruction;
pub mod interrupt;
pub mod irql;
pub mod processor;
mod stack;
pub mod thread;
pub(crate) mod thread_block;
pub mod thunk;
pub mod turn;
pub mod wait;

pub(crate) use enter::end_first_call;
pub use enter::{call, call_lowering_to};
pub use stack::{KERNEL_STACK_SIZE, StackUse, deepest_stacks};
pub use thread_block::{
    critical_region_depth, current_thread, enter_critical_region, is_kernel_thread, leave_critical_region,
};

/// Calls a function pointer as [`call`] does, with arguments of any integer or pointer type.
///
/// `invoke!(dispatch; device, irp)` evaluates to the callee's `u64`. The function may be a plain address, or
/// a bound (`Option` unwrapped) function pointer.
#[macro_export]
macro_rules! invoke {
    ($function:expr $(; $($argument:expr),* $(,)?)?) => {
        $crate::machine::call(
            $crate::machine::Word::word($function) as usize,
            &[$($($crate::machine::Word::word($argument)),*)?],
        )
    };
}

/// What travels in one argument slot of a win64 call.
pub trait Word {
    /// The value as the callee's register holds it.
    fn word(self) -> u64;
}

macro_rules! words {
    ($($integer:ty),*) => { $(impl Word for $integer {
        fn word(self) -> u64 { self as u64 }
    })* };
}
words!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, bool);

impl<T> Word for *mut T {
    fn word(self) -> u64 {
        self.expose_provenance() as u64
    }
}

impl<T> Word for *const T {
    fn word(self) -> u64 {
        self.expose_provenance() as u64
    }
}

macro_rules! function_words {
    ($($($argument:ident)*;)*) => { $(
        impl<R $(, $argument)*> Word for unsafe extern "win64" fn($($argument),*) -> R {
            fn word(self) -> u64 { self as usize as u64 }
        }
    )* };
}
function_words! { ; A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H; }
