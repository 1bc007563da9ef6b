//! Requests of the simulator's own: an IRP sent to a device, its outcome awaited, cancelled or observed.
//!
//! This is what the I/O manager and the PnP manager do for their callers, and what the actors of the partition build on.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::flight::{self, Flight};
use super::status::Status;
use super::{call, cancel, device, irp};
use crate::judge::{self, Rule};
use crate::machine::{interrupt, irql, wait};
use crate::sys::{DEVICE_OBJECT, IO_STACK_LOCATION, IRP};

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// `IoStatus.Status` when the IRP came back.
    pub status: Status,
    /// `IoStatus.Information` when the IRP came back.
    pub information: u64,
    /// The level at which it was completed.
    pub irql: u8,
}

/// A request that is not sent yet.
pub struct Request {
    irp: *mut IRP,
    device: *mut DEVICE_OBJECT,
    shared: Arc<Shared>,
}

/// A request that was sent.
#[derive(Clone)]
pub struct Sent {
    irp: usize,
    dispatched: Status,
    shared: Arc<Shared>,
}

// SAFETY: a request that is not sent is its one owner's; its IRP and device may be used from any thread.
unsafe impl Send for Request {}

impl Request {
    /// Makes a request for the top of a device's stack, with a status that it is sent with.
    ///
    /// `fill` is handed the IRP and its first stack location; `buffers` are pool blocks that are freed with the IRP, after
    /// `taken` has seen the finished IRP.
    pub(crate) fn new(
        device: *mut DEVICE_OBJECT,
        status: Status,
        buffers: Vec<usize>,
        fill: impl FnOnce(&mut IRP, &mut IO_STACK_LOCATION),
        taken: impl FnOnce(&IRP) + Send + 'static,
    ) -> Self {
        // SAFETY: the callers hold a live device.
        let top = unsafe { device::top(device) };
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let finish = Box::new(move |irp: *mut IRP| {
            // SAFETY: the I/O manager calls this with the live IRP that came back to it.
            let irp = unsafe { &*irp };
            taken(irp);
            // SAFETY: every IRP of this module keeps its status in that member.
            let status = unsafe { irp.IoStatus.__bindgen_anon_1.Status };
            let outcome = Outcome { status, information: irp.IoStatus.Information, irql: irql::current() };
            seen.end(outcome, std::ptr::from_ref(irp).expose_provenance());
        });
        // SAFETY: `top` is live.
        let stack_size = unsafe { (*top).StackSize };
        let irp = irp::allocate(stack_size, Flight::of_the_io_manager(finish, buffers));
        // SAFETY: the IRP is new and has at least one location, which is the one below the current.
        unsafe {
            irp::set_status(irp, status, 0);
            (*irp).Tail.Overlay.Thread = crate::machine::current_thread().cast();
            fill(&mut *irp, &mut *irp::current(irp).sub(1));
        }
        Self { irp, device: top, shared }
    }

    /// Has a routine called when the request ends, before anybody who waits for it goes on.
    #[must_use]
    pub fn observed(self, observer: impl FnOnce(Outcome) + Send + 'static) -> Self {
        self.shared.lock().observer = Some(Box::new(observer));
        self
    }

    /// Marks the request as cancelled before it is sent.
    #[must_use]
    pub fn cancelled(self) -> Self {
        // SAFETY: the request is not sent, so its IRP is live.
        unsafe { (*self.irp).Cancel = 1 };
        self
    }

    /// The IRP's address, by which a trace can name it.
    #[must_use]
    pub fn irp(&self) -> usize {
        self.irp.expose_provenance()
    }

    /// Sends the request on the calling thread, at its IRQL.
    pub fn send(self) -> Sent {
        let irp = self.irp.expose_provenance();
        // SAFETY: the IRP is this request's, not sent before; its device was live when the request was made and the
        // routine itself checks that it still is.
        let dispatched = unsafe { call::IofCallDriver(self.device, self.irp) };
        Sent { irp, dispatched, shared: self.shared }
    }
}

impl Sent {
    /// What the dispatch routine returned.
    #[must_use]
    pub fn dispatched(&self) -> Status {
        self.dispatched
    }

    /// The outcome, where the request has ended.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.shared.outcome()
    }

    /// Waits for the end, or for a time.
    #[must_use]
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Outcome> {
        wait::until_of(Arc::as_ptr(&self.shared).addr(), timeout, || self.shared.outcome())
    }

    /// Waits for the end, however long it takes.
    pub fn finish(&self) -> Outcome {
        self.wait(None).unwrap_or_else(|| unreachable!("a wait without a limit ends with an outcome"))
    }

    /// Waits for the end; a request that is not completed in that time breaks [`Rule::RequestNotCompleted`], blamed on the
    /// driver that has it.
    pub fn finish_within(&self, limit: Duration) -> Outcome {
        self.wait(Some(limit)).unwrap_or_else(|| {
            judge::violation_at(
                Rule::RequestNotCompleted,
                "",
                self.holder(),
                format_args!("the IRP {:#x} is not completed after {limit:?}", self.irp),
            )
        })
    }

    /// Cancels the request from a DPC, at DISPATCH_LEVEL, which may interrupt a thread that runs the driver's code.
    pub fn cancel_from_dpc(&self) {
        let sent = self.clone();
        interrupt::run(move || {
            sent.cancel();
        });
    }

    /// Code of the driver that has the request, which has not ended.
    #[must_use]
    pub fn holder(&self) -> usize {
        flight::holder(std::ptr::with_exposed_provenance_mut(self.irp))
    }

    /// Cancels the request; says whether a cancel routine was called.
    pub fn cancel(&self) -> bool {
        if !self.shared.pin() {
            return false;
        }
        // SAFETY: the request had not ended when it was pinned, and its IRP stays while it is.
        let called = unsafe { cancel::IoCancelIrp(std::ptr::with_exposed_provenance_mut(self.irp)) != 0 };
        self.shared.unpin(self.irp);
        called
    }
}

/// What the request's owner and its end share.
///
/// LOCK: a leaf; the dispatcher lock may be held when it is taken, never the other way round.
#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    observer: Option<Box<dyn FnOnce(Outcome) + Send>>,
    /// Threads that are about to cancel the IRP, which must not go meanwhile.
    pins: u32,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(&self) -> Option<Outcome> {
        self.lock().outcome
    }

    fn end(&self, outcome: Outcome, irp: usize) {
        let observer = self.lock().observer.take();
        if let Some(observer) = observer {
            observer(outcome);
        }
        let pins = wait::change_of(std::ptr::from_ref(self).addr(), || {
            let mut state = self.lock();
            state.outcome = Some(outcome);
            state.pins
        });
        if pins == 0 {
            irp::free(std::ptr::with_exposed_provenance_mut(irp));
        }
    }

    fn pin(&self) -> bool {
        let mut state = self.lock();
        let under_way = state.outcome.is_none();
        state.pins += u32::from(under_way);
        under_way
    }

    fn unpin(&self, irp: usize) {
        let mut state = self.lock();
        state.pins -= 1;
        let last = state.pins == 0 && state.outcome.is_some();
        drop(state);
        if last {
            irp::free(std::ptr::with_exposed_provenance_mut(irp));
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({:p})", self.irp)
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sent({:#x}, {:?})", self.irp, self.outcome())
    }
}
