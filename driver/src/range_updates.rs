//! Requests that wait for the mitigated ranges of a VF to change: one for each VF.
//!
//! LOCK: a leaf lock, as that of the conversation: nothing but the framework's own locks and marks of the engine is taken
//! under it, no request is completed under it.

use core::cell::Cell;

use backchannel::NtStatus;
use lock_api::Mutex;

use crate::{
    irql::RaisedSpinLock,
    storage::Array,
    wdf::{
        irp::File,
        request::{Parked, Request, RequestCallbacks},
    },
};

/// The requests that wait, by VF.
#[derive(Debug)]
pub(crate) struct RangeUpdates(Mutex<RaisedSpinLock, Array<Place>>);

type Place = Cell<Option<Parked>>;

impl RangeUpdates {
    /// No request waits, and none can.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Array::EMPTY))
    }

    /// Lets a request wait for each of so many VFs, if fewer could until now.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// No memory.
    pub(crate) fn make_room(&self, vfs: u16) -> Result<(), NtStatus> {
        if self.0.lock().len() >= usize::from(vfs) {
            return Ok(());
        }
        let mut room = Array::filled(vfs.into(), Place::default)?;
        let mut waiting = self.0.lock();
        for (new, old) in room.iter().zip(waiting.iter()) {
            new.swap(old);
        }
        core::mem::swap(&mut *waiting, &mut room);
        drop(waiting);
        Ok(())
    }

    /// Takes a request that waits for a VF.
    pub(crate) fn park<T: RequestCallbacks>(&self, request: Request, vf: u16) {
        let refused = {
            let waiting = self.0.lock();
            match waiting.get(usize::from(vf)).map(|place| (place, place.take())) {
                None => Some((request, NtStatus::INVALID_PARAMETER)),
                Some((place, Some(first))) => {
                    place.set(Some(first));
                    Some((request, NtStatus::SHARING_VIOLATION))
                }
                Some((place, None)) => match request.park::<T>() {
                    Ok(parked) => {
                        place.set(Some(parked));
                        None
                    }
                    Err(request) => Some((request, NtStatus::CANCELLED)),
                },
            }
        };
        if let Some((request, status)) = refused {
            request.complete(status);
        }
    }

    /// Completes the requests of VFs whose ranges have changed.
    ///
    /// `take` takes the mark of a VF, if it has one; `put_back` gives a mark back that nobody could be told of.
    pub(crate) fn tell(&self, take: impl Fn(u16) -> bool, put_back: impl Fn(u16)) {
        for vf in 0..u16::MAX {
            let taken = {
                let waiting = self.0.lock();
                let Some(place) = waiting.get(usize::from(vf)) else { return };
                match place.take() {
                    Some(parked) if take(vf) => parked.take_back(),
                    other => {
                        place.set(other);
                        continue;
                    }
                }
            };
            match taken {
                Some(request) => request.answer(&vf),
                None => put_back(vf),
            }
        }
    }

    /// A waiting request was cancelled; whoever held it for that completes it.
    pub(crate) fn forget(&self, request: &Request) {
        for place in self.0.lock().iter() {
            place.set(place.take().filter(|parked| !parked.is(request)));
        }
    }

    /// Completes everything that waits, or what waits of a file.
    pub(crate) fn cancel(&self, of: Option<File>) {
        for vf in 0..usize::from(u16::MAX) {
            let taken = {
                let waiting = self.0.lock();
                let Some(place) = waiting.get(vf) else { return };
                match place.take() {
                    Some(parked) if of.is_none_or(|file| parked.file() == file) => parked.take_back(),
                    other => {
                        place.set(other);
                        None
                    }
                }
            };
            if let Some(request) = taken {
                request.complete(NtStatus::CANCELLED);
            }
        }
    }
}
