//! Requests that a driver takes from a queue itself.

use std::sync::Arc;

use super::driver_memory;
use super::file::File;
use super::handle::{self, Handle};
use super::loader;
use super::queue::{Dispatch, Queue};
use super::queue_state::Notification;
use super::request::{self, Request};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::Rule;

impl Queue {
    /// Gives the driver the first waiting request that `wanted` accepts.
    ///
    /// Refusals as in traces `queue-retrieve-parallel`, `queue-power`, `queue-manual`.
    fn retrieve(self: &Arc<Self>, wanted: impl Fn(&Request) -> bool) -> Result<Arc<Request>, Status> {
        if self.config.dispatch == Dispatch::Parallel {
            return Err(status::INVALID_DEVICE_STATE);
        }
        loop {
            let request = {
                let mut state = self.state();
                if self.config.dispatch == Dispatch::Sequential
                    && state.driver_count == 0
                    && !state.waiting.is_empty()
                {
                    drop(state);
                    verify::finding(
                        Rule::ObjectState,
                        "a sequential queue with no request presented: this races",
                    );
                    state = self.state();
                }
                if state.power.is_off() || !state.dispatches {
                    return Err(status::WDF_PAUSED);
                }
                let request = state.take_waiting(&wanted).ok_or(status::NO_MORE_ENTRIES)?;
                state.give_to_driver(&request);
                request
            };
            request.give_to_driver();
            if request.irp().is_some_and(|irp| self.completes_itself(irp)) {
                request.complete(status::SUCCESS, 0);
                continue;
            }
            request.set_presented();
            return Ok(request);
        }
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfIoQueueRetrieveNextRequest,
        WdfIoQueueRetrieveRequestByFileObject,
        WdfIoQueueFindRequest,
        WdfIoQueueRetrieveFoundRequest,
        WdfIoQueueReadyNotify,
    ]
}

/// Takes the next request. STATUS_NO_MORE_ENTRIES when there is none. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueRetrieveNextRequest(globals: usize, queue: Handle, out: usize) -> Status {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    verify::required(out, "OutRequest");
    driver_memory::write(out, 0_usize);
    hand_over(queue.retrieve(|_| true), out)
}

/// Takes the next request of a file object. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueRetrieveRequestByFileObject(
    globals: usize,
    queue: Handle,
    file: Handle,
    out: usize,
) -> Status {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    let file = handle::of::<File>(file);
    verify::required(out, "OutRequest");
    driver_memory::write(out, 0_usize);
    hand_over(queue.retrieve(|request| request.file_object() == file.wdm), out)
}

/// Finds a waiting request after `after`, without taking it; the driver gets a reference. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueFindRequest(
    globals: usize,
    queue: Handle,
    after: Handle,
    file: Handle,
    parameters: usize,
    out: usize,
) -> Status {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    let after = handle::optional::<Request>(after);
    let file = handle::optional::<File>(file);
    verify::required(out, "OutRequest");
    driver_memory::write(out, 0_usize);
    if queue.config.dispatch != Dispatch::Manual {
        verify::finding(Rule::ObjectState, "only a manual queue can be searched");
        return status::INVALID_DEVICE_REQUEST;
    }
    let found = {
        let state = queue.state();
        let mut rest = state.waiting.iter();
        let passed = after.as_ref().is_none_or(|after| rest.any(|request| Arc::ptr_eq(request, after)));
        if !passed {
            return status::NOT_FOUND;
        }
        let wanted =
            |request: &&Arc<Request>| file.as_ref().is_none_or(|file| request.file_object() == file.wdm);
        rest.find(wanted).cloned()
    };
    let Some(found) = found else { return status::NO_MORE_ENTRIES };
    found.object.reference();
    if parameters != 0 {
        request::write_parameters(&found, parameters);
    }
    driver_memory::write(out, found.handle());
    status::SUCCESS
}

/// Takes a request that was found; the reference stays the driver's to give back. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueRetrieveFoundRequest(
    globals: usize,
    queue: Handle,
    found: Handle,
    out: usize,
) -> Status {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    let found = handle::of::<Request>(found);
    verify::required(out, "OutRequest");
    driver_memory::write(out, 0_usize);
    if queue.config.dispatch != Dispatch::Manual {
        verify::finding(Rule::ObjectState, "found requests are taken from a manual queue");
        return status::INVALID_DEVICE_REQUEST;
    }
    let taken = queue.retrieve(|request| std::ptr::eq(request, &raw const *found));
    hand_over(
        taken.map_err(|status| if status == status::NO_MORE_ENTRIES { status::NOT_FOUND } else { status }),
        out,
    )
}

/// Calls back when a request comes to the queue while it is empty; NULL ends that, on a stopped queue.
///
/// Refusals as in trace `queue-ready-notify`. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfIoQueueReadyNotify(
    globals: usize,
    queue: Handle,
    function: usize,
    context: usize,
) -> Status {
    loader::binding(globals);
    let queue = handle::of::<Queue>(queue);
    let refused = {
        let mut state = queue.state();
        if queue.config.dispatch != Dispatch::Manual {
            Some("only a manual queue tells that it is ready")
        } else if function != 0 && state.when_ready.is_some() {
            Some("there is a callback already")
        } else if function == 0 && state.when_ready.is_none() {
            Some("there is no callback to take back")
        } else if function == 0 && state.dispatches {
            Some("the queue must be stopped first")
        } else {
            state.when_ready = (function != 0).then_some(Notification { function, context });
            None
        }
    };
    if let Some(reason) = refused {
        verify::finding(Rule::ObjectState, reason);
        return status::INVALID_DEVICE_REQUEST;
    }
    queue.run_events();
    status::SUCCESS
}

fn hand_over(retrieved: Result<Arc<Request>, Status>, out: usize) -> Status {
    match retrieved {
        Ok(request) => {
            driver_memory::write(out, request.handle());
            status::SUCCESS
        }
        Err(status) => status,
    }
}
