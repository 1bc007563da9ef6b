//! Drivers: loaded from a file, entered, unloaded.

use std::fmt;
use std::path::Path;

use super::leaks;
use crate::coverage;
use crate::image::{self, Exports, Image};
use crate::invoke;
use crate::judge::{self, Rule};
use crate::machine;
use crate::memory;
use crate::nt::hive::{self, Value};
use crate::nt::status::{self, Status};
use crate::nt::{self, driver, object};
use crate::sys::{DRIVER_OBJECT, UNICODE_STRING};
use crate::wdfldr;

/// A loaded driver.
#[derive(Debug)]
pub struct DriverRef {
    object: usize,
    image: &'static Image,
    service: String,
}

impl DriverRef {
    /// The driver object.
    #[must_use]
    pub fn object(&self) -> *mut DRIVER_OBJECT {
        std::ptr::with_exposed_provenance_mut(self.object)
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> &'static Image {
        self.image
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Whether the PnP manager gives it devices; a driver that it does not makes its own.
    #[must_use]
    pub fn adds_devices(&self) -> bool {
        // SAFETY: a loaded driver's object and its extension are live.
        unsafe { (*(*self.object()).DriverExtension).AddDevice.is_some() }
    }

    pub(super) fn path(&self) -> &str {
        self.image.path()
    }
}

/// Why a driver cannot be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file is no image that can be mapped.
    Image(image::LoadError),
    /// DriverEntry failed.
    Entry(Status),
}

impl LoadError {
    /// The status that the service's start fails with.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Image(image::LoadError::Read(_)) => status::OBJECT_NAME_NOT_FOUND,
            Self::Image(_) => status::INVALID_IMAGE_FORMAT,
            Self::Entry(status) => *status,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Entry(status) => write!(f, "DriverEntry failed with {status:#010x}"),
        }
    }
}

impl std::error::Error for LoadError {}

/// Boots the machine: the calling thread becomes a kernel thread, and the registry has its first keys.
pub fn boot() {
    machine::thread::adopt();
    hive::create(hive::SERVICES);
    hive::create(r"\Registry\Machine\System\CurrentControlSet\Control\Class");
    hive::create(r"\Registry\Machine\System\CurrentControlSet\Enum");
}

/// Loads a driver as a service of that name: maps its image, makes its service key and driver object, and enters it.
///
/// An import that does not exist breaks [`Rule::UnknownImport`]. A driver that fails must have left nothing behind. The
/// registry path that it is handed goes when DriverEntry returns.
///
/// # Errors
/// The file is no driver image, or DriverEntry failed.
pub fn load_driver(service: &str, path: &Path) -> Result<DriverRef, LoadError> {
    let exports = Exports::new(nt::exports().into_iter().chain(wdfldr::exports()));
    let image = image::load(path, &exports).map_err(|error| match error {
        image::LoadError::UnknownImport { module, name } => {
            let detail = format!("imports {module}!{name}, which does not exist");
            judge::violation_at_load(Rule::UnknownImport, &name, path, detail)
        }
        other => LoadError::Image(other),
    })?;
    coverage::place(image);
    let key = driver::service_key(service);
    hive::set(&key, "Type", Value::dword(KERNEL_DRIVER));
    hive::set(&key, "Start", Value::dword(DEMAND_START));
    hive::set(&key, "ErrorControl", Value::dword(ERROR_NORMAL));
    hive::set(&key, "ImagePath", Value::text(&format!(r"\SystemRoot\System32\drivers\{service}.sys")));
    hive::create(&format!(r"{key}\Parameters\Wdf"));
    let loaded = DriverRef {
        object: driver::create(service, Some(image)).expose_provenance(),
        image,
        service: service.to_owned(),
    };
    let registry_path: *mut UNICODE_STRING = driver::zeroed();
    // SAFETY: the structure was just allocated.
    unsafe { *registry_path = driver::text(&key) };
    let status = invoke!(image.entry(); loaded.object(), registry_path) as Status;
    // SAFETY: both blocks were made above.
    unsafe { memory::free((*registry_path).Buffer.addr(), None) };
    memory::free(registry_path.addr(), None);
    image.discard();
    if status::is_success(status) {
        return Ok(loaded);
    }
    discharge(&loaded);
    Err(LoadError::Entry(status))
}

/// Unloads a driver whose devices are removed: its unload routine, then its image.
///
/// A driver that adds no devices deletes its own in its unload routine. Judged: a driver without an unload routine; everything it made that is still there.
pub fn unload(loaded: DriverRef) {
    // SAFETY: a loaded driver's object is live.
    let routine = unsafe { (*loaded.object()).DriverUnload };
    let Some(routine) = routine else {
        judge::violation_at_load(
            Rule::ObjectState,
            "",
            loaded.path().as_ref(),
            "the driver cannot be unloaded",
        );
    };
    if loaded.adds_devices() {
        leaks::judge_devices(&loaded);
    }
    // SAFETY: a loaded driver's object is live.
    unsafe { (*loaded.object()).Flags |= driver::UNLOAD_INVOKED };
    invoke!(routine as usize; loaded.object());
    discharge(&loaded);
}

/// Unloads a driver as [`unload`] does, and says what it leaves behind instead of judging it.
///
/// Its code stays mapped as long as anybody has a reference of its driver object.
pub fn unload_forgiving(loaded: DriverRef) -> Vec<String> {
    // SAFETY: a loaded driver's object is live.
    let routine = unsafe {
        (*loaded.object()).Flags |= driver::UNLOAD_INVOKED;
        (*loaded.object()).DriverUnload
    };
    if let Some(routine) = routine {
        invoke!(routine as usize; loaded.object());
    }
    let left = leaks::left_of(&loaded).iter().map(ToString::to_string).collect();
    object::dereference(loaded.object);
    left
}

/// Ends a driver whose own code has had its last call.
fn discharge(loaded: &DriverRef) {
    leaks::judge_devices(loaded);
    leaks::judge_image(loaded);
    // SAFETY: the driver object is live; its last reference is dropped here.
    unsafe { (*loaded.object()).Flags |= driver::UNLOAD_INVOKED };
    // With the last reference the image goes too.
    object::dereference(loaded.object);
}

/// Values of a service key.
const KERNEL_DRIVER: u32 = 1;
const DEMAND_START: u32 = 3;
const ERROR_NORMAL: u32 = 1;
