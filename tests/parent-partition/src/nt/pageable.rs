//! Pageable parts of an image: locked in memory while they must not be paged out.
//!
//! Nothing is paged out here; what is judged is that each lock is undone.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::with_exposed_provenance_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::APC_LEVEL;
use super::left::Left;
use crate::image::{self, Image};
use crate::judge::{self, Rule, violation};
use crate::machine::thread_block;

/// Locks the section of an image that holds an address, and returns the section's handle.
///
/// Follows the MmLockPagableDataSection page (IRQL <= APC_LEVEL). Judged: IRQL; an address in no section of an image; a
/// section still locked at unload (leak).
pub extern "win64" fn MmLockPagableDataSection(address: *mut c_void) -> *mut c_void {
    judge::irql_at_most(APC_LEVEL);
    let found = image::find(address.addr()).and_then(|image| image.section_of(address.addr()));
    let Some(section) = found else {
        violation(Rule::BadParameter, format_args!("{address:p} lies in no section of an image"));
    };
    let handle = section.start();
    lock(handle);
    with_exposed_provenance_mut(handle)
}

/// Locks a section whose handle [`MmLockPagableDataSection`] returned.
///
/// Follows the MmLockPagableSectionByHandle page (IRQL <= APC_LEVEL). Judged: IRQL; something that is no such handle.
pub extern "win64" fn MmLockPagableSectionByHandle(handle: *mut c_void) {
    judge::irql_at_most(APC_LEVEL);
    expect_section(handle.addr());
    lock(handle.addr());
}

/// Undoes one lock of a section.
///
/// Follows the MmUnlockPagableImageSection page (IRQL <= APC_LEVEL). Judged: IRQL; something that is no handle of a
/// section; a section that is not locked.
pub extern "win64" fn MmUnlockPagableImageSection(handle: *mut c_void) {
    judge::irql_at_most(APC_LEVEL);
    expect_section(handle.addr());
    let mut locked = table();
    match locked.get_mut(&handle.addr()).and_then(Vec::pop) {
        Some(_made_at) => {}
        None => {
            drop(locked);
            violation(Rule::ObjectState, format_args!("the section at {handle:p} is not locked"));
        }
    }
}

/// The locks that code of an image has taken and nobody has undone.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let leaked: Vec<_> =
        table().values().flatten().copied().filter(|made_at| image.contains(*made_at)).collect();
    leaked.into_iter().map(|made_at| Left::new(made_at, "a section locked in memory")).collect()
}

fn lock(handle: usize) {
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    table().entry(handle).or_default().push(made_at);
}

fn expect_section(handle: usize) {
    let section = image::find(handle).and_then(|image| image.section_of(handle));
    if section.is_none_or(|section| section.start() != handle) {
        violation(Rule::BadParameter, format_args!("{handle:#x} is no handle of a section"));
    }
}

/// Who locked each section, once a lock.
type Locked = BTreeMap<usize, Vec<usize>>;

static LOCKED: Mutex<Locked> = Mutex::new(BTreeMap::new());

fn table() -> MutexGuard<'static, Locked> {
    LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}
