//! The object manager's names: devices and symbolic links.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::irql::PASSIVE_LEVEL;
use super::left::Left;
use super::status::{self, Status};
use super::string;
use crate::image::Image;
use crate::judge;
use crate::machine::thread_block;
use crate::sys::UNICODE_STRING;

/// Makes a symbolic link to a device's name.
///
/// Follows the IoCreateSymbolicLink page (PASSIVE_LEVEL): STATUS_OBJECT_NAME_COLLISION. Judged: IRQL; a link that is
/// still there at unload (leak).
///
/// # Safety
/// Both strings are valid.
pub unsafe extern "win64" fn IoCreateSymbolicLink(
    link: *const UNICODE_STRING,
    device: *const UNICODE_STRING,
) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises valid strings.
    let (link, device) = unsafe { (string::text(link), string::text(device)) };
    insert(&link, Name::Link(device))
}

/// Deletes a symbolic link.
///
/// Follows the IoDeleteSymbolicLink page (PASSIVE_LEVEL): STATUS_OBJECT_NAME_NOT_FOUND. Judged: IRQL.
///
/// # Safety
/// The string is valid.
pub unsafe extern "win64" fn IoDeleteSymbolicLink(link: *const UNICODE_STRING) -> Status {
    judge::irql_at_most(PASSIVE_LEVEL);
    // SAFETY: the caller promises a valid string.
    remove(&unsafe { string::text(link) })
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Name {
    /// A device object.
    Device(usize),
    /// A device object, opened with a name of its own: a device interface's reference string.
    Interface(usize, String),
    /// Another name.
    Link(String),
}

/// Adds a name.
pub(super) fn insert(name: &str, object: Name) -> Status {
    let mut names = lock();
    let folded = fold(name);
    if names.contains_key(&folded) {
        return status::OBJECT_NAME_COLLISION;
    }
    let made_at = thread_block::current().map_or(0, |block| block.return_address());
    names.insert(folded, Entry { object, made_at });
    status::SUCCESS
}

/// Removes a name.
pub(super) fn remove(name: &str) -> Status {
    match lock().remove(&fold(name)) {
        Some(_) => status::SUCCESS,
        None => status::OBJECT_NAME_NOT_FOUND,
    }
}

/// Removes the names of a device.
pub(super) fn forget_device(device: usize) {
    lock().retain(|_, entry| match &entry.object {
        Name::Device(named) | Name::Interface(named, _) => *named != device,
        Name::Link(_) => true,
    });
}

/// The device that a path leads to, through links, and what is left of the path behind the device's name.
pub(super) fn resolve(path: &str) -> Option<(usize, String)> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let names = lock();
        let folded = fold(&path);
        let (name, entry) = names
            .iter()
            .filter(|(name, _)| {
                let rest = folded.strip_prefix(name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
            })
            .max_by_key(|(name, _)| name.len())?;
        let rest_length = folded.len() - name.len();
        let rest = path.get(path.len() - rest_length..).unwrap_or_default().to_owned();
        match &entry.object {
            Name::Device(device) => return Some((*device, rest)),
            Name::Interface(device, reference) => return Some((*device, format!("{reference}{rest}"))),
            Name::Link(target) => path = format!("{target}{rest}"),
        }
    }
    None
}

/// The names that code of an image has made and nobody has removed.
pub(crate) fn leaked_by(image: &Image) -> Vec<Left> {
    let names = lock();
    let leaked = names.iter().filter(|(_, entry)| image.contains(entry.made_at));
    leaked.map(|(name, entry)| Left::new(entry.made_at, format_args!("the name {name}"))).collect()
}

struct Entry {
    object: Name,
    made_at: usize,
}

/// How many links a path may lead through.
const LINKS: usize = 8;
static NAMES: Mutex<BTreeMap<String, Entry>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<String, Entry>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fold(name: &str) -> String {
    let name = name.to_lowercase();
    match name.strip_prefix(r"\dosdevices\") {
        Some(rest) => format!(r"\??\{rest}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_device_and_keeps_the_rest_of_the_path() {
        assert_eq!(insert(r"\Device\Names1", Name::Device(7)), status::SUCCESS);
        assert_eq!(insert(r"\??\Names1Link", Name::Link(r"\Device\Names1".into())), status::SUCCESS);
        assert_eq!(resolve(r"\DosDevices\names1link\rest"), Some((7, r"\rest".into())));
        assert_eq!(resolve(r"\??\Names1LinkAndMore"), None);
        forget_device(7);
        assert_eq!(resolve(r"\??\Names1Link"), None);
        assert_eq!(remove(r"\??\Names1Link"), status::SUCCESS);
    }

    #[test]
    fn a_name_is_given_once() {
        assert_eq!(insert(r"\Device\Names2", Name::Device(8)), status::SUCCESS);
        assert_eq!(insert(r"\device\NAMES2", Name::Device(9)), status::OBJECT_NAME_COLLISION);
        forget_device(8);
    }
}
