//! Handlers that tests use.

use std::sync::{Condvar, Mutex};

use backchannel::{BlockHandler, BlockId, Call, NtStatus, Output, Vf, VfEvent};

/// What a handler was called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    Write { vf: Vf, block: BlockId, bytes: Vec<u8> },
    Read { vf: Vf, block: BlockId, length: usize },
    Event { vf: Vf, event: VfEvent },
}

/// Accepts everything and remembers it.
#[derive(Default)]
pub(crate) struct Recording {
    log: Mutex<Vec<Log>>,
}

impl Recording {
    pub(crate) fn leak() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Gives what happened since the last time.
    pub(crate) fn take(&self) -> Vec<Log> {
        std::mem::take(&mut *self.log.lock().expect("no handler fails under this lock"))
    }

    pub(crate) fn writes(&self) -> Vec<Vec<u8>> {
        let log = self.log.lock().expect("no handler fails under this lock");
        let bytes = |entry: &Log| match entry {
            Log::Write { bytes, .. } => Some(bytes.clone()),
            Log::Read { .. } | Log::Event { .. } => None,
        };
        log.iter().filter_map(bytes).collect()
    }

    pub(crate) fn events(&self) -> Vec<(u16, VfEvent)> {
        let log = self.log.lock().expect("no handler fails under this lock");
        let event = |entry: &Log| match entry {
            Log::Event { vf, event } => Some((vf.index.value(), *event)),
            Log::Read { .. } | Log::Write { .. } => None,
        };
        log.iter().filter_map(event).collect()
    }

    fn push(&self, entry: Log) {
        self.log.lock().expect("no handler fails under this lock").push(entry);
    }
}

impl BlockHandler for Recording {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        self.push(Log::Write { vf: call.vf(), block: call.block(), bytes: block.to_vec() });
        Ok(())
    }

    fn read(&self, call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        self.push(Log::Read { vf: call.vf(), block: call.block(), length: out.len() });
        Ok(())
    }

    fn vf_event(&self, vf: Vf, event: VfEvent) {
        self.push(Log::Event { vf, event });
    }
}

/// Answers every read with the same bytes.
pub(crate) struct Answering(pub(crate) &'static [u8]);

impl BlockHandler for Answering {
    fn read(&self, _call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        out.fill(self.0)
    }
}

/// Refuses everything with one status.
pub(crate) struct Refusing(pub(crate) NtStatus);

impl BlockHandler for Refusing {
    fn write(&self, _call: &Call<'_>, _block: &[u8]) -> Result<(), NtStatus> {
        Err(self.0)
    }

    fn read(&self, _call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        out.bytes_mut().fill(0xEE);
        Err(self.0)
    }
}

/// Holds every write until the test lets it go.
#[derive(Default)]
pub(crate) struct Blocking {
    state: Mutex<BlockingState>,
    changed: Condvar,
}

#[derive(Default)]
struct BlockingState {
    inside: usize,
    open: bool,
    writes: Vec<Vec<u8>>,
}

impl Blocking {
    pub(crate) fn leak() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Waits until so many calls are inside.
    pub(crate) fn await_inside(&self, calls: usize) {
        let state = self.state.lock().expect("no handler fails under this lock");
        let _state = self.changed.wait_while(state, |state| state.inside != calls).expect("as above");
    }

    /// Lets all calls go, present and future.
    pub(crate) fn open(&self) {
        self.state.lock().expect("no handler fails under this lock").open = true;
        self.changed.notify_all();
    }

    /// Holds later calls again.
    pub(crate) fn close(&self) {
        self.state.lock().expect("no handler fails under this lock").open = false;
    }

    pub(crate) fn writes(&self) -> Vec<Vec<u8>> {
        self.state.lock().expect("no handler fails under this lock").writes.clone()
    }
}

impl BlockHandler for Blocking {
    fn write(&self, _call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let mut state = self.state.lock().expect("no handler fails under this lock");
        state.inside += 1;
        state.writes.push(block.to_vec());
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| !state.open).expect("as above");
        state.inside -= 1;
        self.changed.notify_all();
        Ok(())
    }
}
