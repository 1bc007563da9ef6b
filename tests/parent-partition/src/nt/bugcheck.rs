//! Routines that the system calls at a bugcheck: kept on a list, so that one left behind is found.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::HIGH_LEVEL;
use super::left::Left;
use crate::image::Image;
use crate::judge::{self, for_caller};
use crate::machine::thread_block;
use crate::sys::KBUGCHECK_REASON_CALLBACK_RECORD;

/// Registers a routine for a reason; false when the record is registered already.
///
/// Follows the KeRegisterBugCheckReasonCallback page (any IRQL). A bugcheck ends the run before any such routine is called.
/// Judged: a record still registered at unload (leak).
///
/// # Safety
/// `record` is writable and stays where it is.
pub unsafe extern "win64" fn KeRegisterBugCheckReasonCallback(
    record: *mut KBUGCHECK_REASON_CALLBACK_RECORD,
    routine: usize,
    reason: i32,
    component: *mut u8,
) -> u8 {
    judge::irql_at_most(HIGH_LEVEL);
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    let new = lock().insert(record.addr(), made_at).is_none();
    // SAFETY: the caller promises a writable record; the routine has the type that the record's reason asks for.
    for_caller(|| unsafe {
        (*record).CallbackRoutine = std::mem::transmute::<usize, Option<_>>(routine);
        (*record).Reason = reason;
        (*record).Component = component;
        (*record).State = STATE_REGISTERED;
    });
    u8::from(new)
}

/// Takes a record back; false when it is not registered.
///
/// Follows the KeDeregisterBugCheckReasonCallback page (any IRQL).
///
/// # Safety
/// `record` is writable.
pub unsafe extern "win64" fn KeDeregisterBugCheckReasonCallback(
    record: *mut KBUGCHECK_REASON_CALLBACK_RECORD,
) -> u8 {
    judge::irql_at_most(HIGH_LEVEL);
    let known = lock().remove(&record.addr()).is_some();
    if known {
        // SAFETY: the caller promises a writable record.
        for_caller(|| unsafe { (*record).State = 0 });
    }
    u8::from(known)
}

/// The records that code of an image has registered and nobody has taken back.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let leaked: Vec<_> = lock().values().copied().filter(|made_at| image.contains(*made_at)).collect();
    leaked.into_iter().map(|made_at| Left::new(made_at, "a registered bugcheck routine")).collect()
}

const STATE_REGISTERED: u8 = 1;
static RECORDS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<usize, usize>> {
    RECORDS.lock().unwrap_or_else(PoisonError::into_inner)
}
