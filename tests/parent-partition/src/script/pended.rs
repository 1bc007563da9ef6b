//! Operations that were answered STATUS_PENDING, kept by the `"id"` of their lines.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::judge::{self, Rule};
use crate::machine::{interrupt, thread, wait};
use crate::nt::control::Data;
use crate::nt::request::Sent;
use crate::nt::status::{self, Status};

/// What is under way.
#[derive(Debug, Default)]
pub struct Pended {
    known: BTreeMap<String, UnderWay>,
    /// Of lines without an id: nobody can ask for them.
    unknown: Vec<UnderWay>,
    /// Whether the VSP has attached to the PF, or asked to.
    attached: bool,
}

/// One operation.
#[derive(Debug)]
pub enum UnderWay {
    /// A request at the PF, and what it will bring.
    Request(Sent, Data),
    /// A call of PnP, on a thread of its own.
    Call(Call),
    /// A call of the PF by another party, on a thread of its own.
    Foreign(Call),
}

/// How an operation ended; a call of PnP brings no bytes.
pub type Ended = (Status, Option<Vec<u8>>);

/// A call on a thread of its own.
#[derive(Debug)]
pub struct Call {
    status: Arc<Mutex<Option<Status>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Call {
    /// Begins it.
    ///
    /// # Panics
    ///
    /// When the host has no more threads.
    pub fn begin(call: impl FnOnce() -> Status + Send + 'static) -> Self {
        let status = Arc::new(Mutex::new(None));
        let answer = Arc::clone(&status);
        let thread = thread::spawn("pnp", move || {
            match LATE.load(Ordering::Relaxed) {
                0 => {}
                late => wait::sleep(Duration::from_millis(late)),
            }
            let status = call();
            wait::change(|| *answer.lock().expect("no holder panics") = Some(status));
        });
        Self { status, thread: Some(thread.expect("a host thread")) }
    }

    /// Waits for its end for that time at most.
    pub fn ended_within(&self, limit: Duration) -> Option<Status> {
        wait::until(Some(limit), || *self.status.lock().expect("no holder panics"))
    }
}

/// Lets every call begin so many milliseconds late from now on, as on a machine that is busy with something else.
pub fn begin_late(milliseconds: u64) {
    LATE.store(milliseconds, Ordering::Relaxed);
}

impl Drop for Call {
    fn drop(&mut self) {
        self.thread.take().map(thread::JoinHandle::join);
    }
}

impl Pended {
    /// Keeps an operation unless it has ended within a moment: the answer then, or `None`. A call without a name is given all
    /// the time that a driver may take.
    pub fn keep(&mut self, id: Option<&Value>, under_way: UnderWay) -> Option<Ended> {
        let moment = match under_way {
            UnderWay::Request(..) => Duration::ZERO,
            // Nobody could ask for it later.
            UnderWay::Call(_) | UnderWay::Foreign(_) if id.is_none() => PATIENCE,
            UnderWay::Call(_) | UnderWay::Foreign(_) => MOMENT,
        };
        if let Some(ended) = under_way.ended_within(moment) {
            return Some(ended);
        }
        let before = match id {
            Some(id) => self.known.insert(id.to_string(), under_way),
            None => {
                self.unknown.push(under_way);
                None
            }
        };
        // A name that is used again names the newer one.
        self.unknown.extend(before);
        None
    }

    /// Waits for the end of the operation whose line had that id.
    ///
    /// # Errors
    ///
    /// STATUS_NOT_FOUND for an id of nothing under way; STATUS_TIMEOUT when it has not ended, and it stays under way.
    pub fn finish(&mut self, of: &Value) -> Result<Ended, Status> {
        let key = of.to_string();
        let ended =
            self.known.get(&key).ok_or(status::NOT_FOUND)?.ended_within(PATIENCE).ok_or(status::TIMEOUT)?;
        self.known.remove(&key);
        Ok(ended)
    }

    /// Cancels the request whose line had that id, and waits for its end.
    ///
    /// # Errors
    ///
    /// STATUS_NOT_FOUND for an id of no request under way.
    pub fn cancel(&mut self, of: &Value, by_dpc: bool) -> Result<Ended, Status> {
        match self.known.remove(&of.to_string()) {
            Some(UnderWay::Request(sent, data)) => {
                if by_dpc {
                    sent.cancel_from_dpc();
                } else {
                    sent.cancel();
                }
                let outcome = sent.finish_within(PATIENCE);
                Ok((outcome.status, Some(data.take())))
            }
            Some(call) => {
                self.known.insert(of.to_string(), call);
                Err(status::NOT_FOUND)
            }
            None => Err(status::NOT_FOUND),
        }
    }

    /// Has a DPC cancel the request whose line had that id when a routine of that name is called next; the call ends then.
    ///
    /// # Errors
    ///
    /// STATUS_NOT_FOUND for an id of no request under way.
    pub fn cancel_at(&mut self, of: &Value, routine: String) -> Result<Call, Status> {
        match self.known.get(&of.to_string()) {
            Some(UnderWay::Request(sent, _)) => {
                let sent = sent.clone();
                Ok(Call::begin(move || {
                    interrupt::run_at_call(&routine, move || {
                        sent.cancel();
                    });
                    status::SUCCESS
                }))
            }
            Some(UnderWay::Call(_) | UnderWay::Foreign(_)) | None => Err(status::NOT_FOUND),
        }
    }

    /// Whether the VSP has attached to the PF, or asked to.
    pub fn is_attached(&self) -> bool {
        self.attached
    }

    /// Notes that the VSP attaches, or detaches.
    pub fn set_attached(&mut self, attached: bool) {
        self.attached = attached;
    }

    /// Cancels every request and waits for every end, as a VSP does that lets go of the PF; what others call is theirs.
    pub fn end(&mut self) {
        let is_own = |under_way: &UnderWay| !matches!(under_way, UnderWay::Foreign(_));
        let known =
            self.known.extract_if(.., |_, under_way| is_own(under_way)).map(|(_, under_way)| under_way);
        let unknown = self.unknown.extract_if(.., |under_way| is_own(under_way));
        for under_way in known.chain(unknown) {
            if let UnderWay::Request(sent, _) = &under_way {
                sent.cancel();
                let _outcome = sent.finish_within(PATIENCE);
            }
            // A call is joined when it is dropped.
        }
    }

    /// Waits for the end of every call of another party.
    pub fn end_foreign(&mut self) {
        let is_foreign = |under_way: &UnderWay| matches!(under_way, UnderWay::Foreign(_));
        // A call is joined when it is dropped.
        self.known.retain(|_, under_way| !is_foreign(under_way));
        self.unknown.retain(|under_way| !is_foreign(under_way));
    }

    /// Breaks [`Rule::RequestNotCompleted`] unless the driver has completed every request by itself.
    pub fn expect_completed(&self, after: &str) {
        for under_way in self.known.values().chain(&self.unknown) {
            if let UnderWay::Request(sent, _) = under_way
                && sent.wait(Some(PATIENCE)).is_none()
            {
                let detail = format_args!("a parked request is not completed after {after}");
                judge::violation_at(Rule::RequestNotCompleted, "", sent.holder(), detail);
            }
        }
    }
}

impl Drop for Pended {
    fn drop(&mut self) {
        self.end();
    }
}

impl UnderWay {
    fn ended_within(&self, limit: Duration) -> Option<Ended> {
        match self {
            Self::Request(sent, data) => {
                sent.wait(Some(limit)).map(|outcome| (outcome.status, Some(data.take())))
            }
            Self::Call(call) | Self::Foreign(call) => call.ended_within(limit).map(|status| (status, None)),
        }
    }
}

static LATE: AtomicU64 = AtomicU64::new(0);
/// How long a call may take before it is said to be pending.
const MOMENT: Duration = Duration::from_millis(250);
/// How long a driver may take to end what it was asked to.
const PATIENCE: Duration = Duration::from_secs(10);
