//! The one way to the PF that all channels share.
//!
//! While it is open, any number of threads call the PF at once. To close it is to wait for those that are
//! inside, and then to give the connection back.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pf::Pf;
use crate::machine::wait;

/// A connection to the PF that may be missing.
#[derive(Debug, Default)]
pub struct Door(Mutex<Option<Arc<Pf>>>);

/// The connection, for one call.
#[derive(Debug)]
pub struct Visit(Option<Arc<Pf>>);

impl Door {
    /// Lets channels in to `pf`.
    ///
    /// # Panics
    ///
    /// When there is a connection already.
    pub fn open(&self, pf: Pf) {
        let before = self.lock().replace(Arc::new(pf));
        assert!(before.is_none(), "one PF at a time");
    }

    /// The PF, unless there is none now.
    pub fn enter(&self) -> Option<Visit> {
        self.lock().clone().map(|pf| Visit(Some(pf)))
    }

    /// Lets nobody in any more, waits for those inside, and returns the connection.
    pub fn close(&self) -> Option<Pf> {
        let mut last = Some(self.lock().take()?);
        let name = last.as_ref().map_or(0, name);
        wait::until_of(name, None, || match Arc::try_unwrap(last.take()?) {
            Ok(pf) => Some(pf),
            Err(shared) => {
                last = Some(shared);
                None
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Pf>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Visit {
    type Target = Pf;

    fn deref(&self) -> &Pf {
        self.0.as_deref().expect("present until it is dropped")
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let pf = self.0.take();
        let name = pf.as_ref().map_or(0, name);
        wait::change_of(name, || drop(pf));
    }
}

/// What those name who wait for the last visit's end.
fn name(pf: &Arc<Pf>) -> usize {
    Arc::as_ptr(pf).addr()
}
