//! What the engine needs of its host: a clock, a way to wait, and who is running.
//!
//! The engine never calls the kernel. The driver implements [`Platform`] over `KeQueryInterruptTime`, one
//! synchronisation event per [`ParkSpot`], and `KeEnterCriticalRegion`; tests implement it over threads or model
//! checkers.

/// Names the place where one caller waits; the host keeps one event for each.
///
/// No two callers ever wait on one spot at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParkSpot {
    /// The VF whose gate the caller waits for.
    pub vf: u16,
    /// The place at that VF, below [`ParkSpot::PER_VF`].
    pub waiter: u8,
}

impl ParkSpot {
    /// How many spots each VF has: eight for callers that wait for its gate and one for a caller that was woken and has
    /// not yet gone on; one for a caller that is delayed; one for a caller whose handler answers later.
    pub const PER_VF: u8 = 11;

    pub(crate) const DELAYED: u8 = 9;
    pub(crate) const DEFERRED: u8 = 10;
}

/// Lets callers wait. Every function is called at `PASSIVE_LEVEL`.
pub trait Parker {
    /// Begins a critical region: from here to [`Parker::leave_critical_region`] the thread cannot be suspended.
    ///
    /// The gate is held only inside one, so that a suspended thread never holds a VF. Windows: `KeEnterCriticalRegion`.
    fn enter_critical_region(&self);

    /// Ends the critical region of the running thread.
    fn leave_critical_region(&self);

    /// Waits until [`Parker::unpark`] was called for the spot, or until the clock reaches `deadline`; `None` waits
    /// without a limit.
    ///
    /// Says `true` when an unpark was consumed. Each unpark is consumed by exactly one park, and one that comes before
    /// its park is remembered: the semantics of a Windows synchronisation (auto-reset) event.
    fn park(&self, spot: ParkSpot, deadline: Option<u64>) -> bool;

    /// Lets the present or next [`Parker::park`] on the spot return `true`.
    fn unpark(&self, spot: ParkSpot);

    /// Lets other threads run until the clock reaches `until`. Windows: `KeDelayExecutionThread`.
    fn sleep(&self, until: u64);
}

/// The host.
pub trait Platform: Parker {
    /// Reads the clock: units of 100 ns since any fixed moment, never going back.
    fn now(&self) -> u64;

    /// Names the running thread; never 0.
    ///
    /// Used to recognise a handler that unregisters itself from inside its own callback. Windows: the address of the
    /// current thread object.
    fn thread(&self) -> u64;
}

/// How many units of [`Platform::now`] a millisecond has.
pub const MILLISECOND: u64 = 10_000;

/// How many units of [`Platform::now`] a second has.
pub const SECOND: u64 = 1_000 * MILLISECOND;
