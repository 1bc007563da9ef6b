//! Windows Management Instrumentation: who has registered as a provider, and that nobody traces.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::{APC_LEVEL, PASSIVE_LEVEL};
use super::left::Left;
use super::object::{self, Kind};
use super::status::{self, Status};
use crate::image::Image;
use crate::judge::{self, Rule, violation};
use crate::machine::thread_block;
use crate::sys::DEVICE_OBJECT;

/// Registers a device as a provider of data, or takes the registration back.
///
/// Follows the IoWMIRegistrationControl page (PASSIVE_LEVEL): STATUS_INVALID_PARAMETER for an action that there is not.
/// Nobody asks for data, so no registered device is sent a request. Judged: IRQL; something that is no device object; a
/// device registered twice, or taken back without being registered; a registration left at unload (leak).
pub extern "win64" fn IoWMIRegistrationControl(device: *mut DEVICE_OBJECT, action: u32) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    object::expect(device.addr(), Kind::Device);
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    let mut providers = lock();
    let known = providers.contains_key(&device.addr());
    match action {
        REGISTER if !known => {
            providers.insert(device.addr(), made_at);
        }
        DEREGISTER if known => {
            providers.remove(&device.addr());
        }
        REREGISTER | UPDATE_GUIDS | BLOCK_IRPS if known => {}
        REGISTER..=BLOCK_IRPS => {
            drop(providers);
            let state = if known { "is registered already" } else { "is not registered" };
            violation(Rule::ObjectState, format_args!("WMI action {action}: the device {state}"));
        }
        _ => return status::INVALID_PARAMETER,
    }
    status::SUCCESS
}

/// Tells of trace sessions: there are none.
///
/// Follows the WmiQueryTraceInformation page (IRQL <= APC_LEVEL): STATUS_INVALID_INFO_CLASS for a class that the page
/// does not have, STATUS_NOT_FOUND for one of a session. Judged: IRQL.
pub extern "win64" fn WmiQueryTraceInformation(
    class: u32,
    _information: *mut c_void,
    _length: u32,
    _required: *mut u32,
    _buffer: *mut c_void,
) -> Status {
    judge::irql_at_most(APC_LEVEL);
    match class {
        0..=CLASSES => status::NOT_FOUND,
        _ => status::INVALID_INFO_CLASS,
    }
}

/// The devices that code of an image has registered and nobody has taken back.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let leaked: Vec<_> = lock().values().copied().filter(|made_at| image.contains(*made_at)).collect();
    leaked.into_iter().map(|made_at| Left::new(made_at, "a device registered with WMI")).collect()
}

/// WMIREG_ACTION_ values.
const REGISTER: u32 = 1;
const DEREGISTER: u32 = 2;
const REREGISTER: u32 = 3;
const UPDATE_GUIDS: u32 = 4;
const BLOCK_IRPS: u32 = 5;
/// The last class of the page (LoggerEventsLostClass).
const CLASSES: u32 = 8;
static PROVIDERS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<usize, usize>> {
    PROVIDERS.lock().unwrap_or_else(PoisonError::into_inner)
}
