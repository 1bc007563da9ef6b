//! The registry's content: keys and values in memory.
//!
//! Keys are named by full path from `\Registry`; names compare without regard to case, as on Windows ("Registry Key
//! Object Routines" of the DDI reference). Nothing is read from or written to the machine that runs the simulator.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `REG_SZ`: UTF-16 text with its terminator.
pub const REG_SZ: u32 = 1;
/// `REG_BINARY`: bytes.
pub const REG_BINARY: u32 = 3;
/// `REG_DWORD`: 32 bits, little endian.
pub const REG_DWORD: u32 = 4;
/// `REG_MULTI_SZ`: terminated texts, then one more terminator.
pub const REG_MULTI_SZ: u32 = 7;

/// The path under which each driver's service key lies.
pub const SERVICES: &str = r"\Registry\Machine\System\CurrentControlSet\Services";

/// One value: its type (a `REG_` constant) and its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value {
    /// A `REG_` constant.
    pub kind: u32,
    /// The bytes as stored.
    pub data: Vec<u8>,
}

impl Value {
    /// A `REG_DWORD`.
    #[must_use]
    pub fn dword(value: u32) -> Self {
        Self { kind: REG_DWORD, data: value.to_le_bytes().to_vec() }
    }

    /// A `REG_SZ` with its terminator.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let data = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        Self { kind: REG_SZ, data }
    }

    /// A `REG_MULTI_SZ` of these texts.
    #[must_use]
    pub fn texts(texts: &[&str]) -> Self {
        let units = texts.iter().flat_map(|text| text.encode_utf16().chain([0])).chain([0]);
        Self { kind: REG_MULTI_SZ, data: units.flat_map(u16::to_le_bytes).collect() }
    }
}

/// Creates a key and every key above it; says whether it is new.
pub fn create(path: &str) -> bool {
    let mut keys = lock();
    let folded = fold(path);
    let mut end = 1;
    while let Some(next) = folded[end..].find('\\').map(|at| end + at) {
        keys.entry(folded[..next].to_owned()).or_default();
        end = next + 1;
    }
    let new = !keys.contains_key(&folded);
    keys.entry(folded).or_default();
    new
}

/// Says whether a key exists.
#[must_use]
pub fn exists(path: &str) -> bool {
    lock().contains_key(&fold(path))
}

/// Deletes a key that has no keys below it; says whether it was there and empty of keys.
pub fn delete(path: &str) -> bool {
    let mut keys = lock();
    let folded = fold(path);
    let below = format!("{folded}\\");
    if keys.keys().any(|key| key.starts_with(&below)) {
        return false;
    }
    keys.remove(&folded).is_some()
}

/// Sets a value, creating its key where needed.
pub fn set(path: &str, name: &str, value: Value) {
    create(path);
    if let Some(values) = lock().get_mut(&fold(path)) {
        values.insert(name.to_lowercase(), value);
    }
}

/// The value of that name, or nothing.
#[must_use]
pub fn query(path: &str, name: &str) -> Option<Value> {
    lock().get(&fold(path))?.get(&name.to_lowercase()).cloned()
}

/// Deletes a value; says whether it was there.
pub fn delete_value(path: &str, name: &str) -> bool {
    lock().get_mut(&fold(path)).is_some_and(|values| values.remove(&name.to_lowercase()).is_some())
}

type Keys = BTreeMap<String, BTreeMap<String, Value>>;

static KEYS: Mutex<Keys> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, Keys> {
    KEYS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fold(path: &str) -> String {
    path.trim_end_matches('\\').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_brings_its_ancestors() {
        assert!(create(r"\Registry\Machine\Hive1\One\Two"));
        assert!(exists(r"\Registry\Machine\Hive1\One"));
        assert!(!create(r"\REGISTRY\machine\hive1\one\TWO\"));
    }

    #[test]
    fn a_key_with_keys_below_cannot_be_deleted() {
        create(r"\Registry\Machine\Hive2\One\Two");
        assert!(!delete(r"\Registry\Machine\Hive2\One"));
        assert!(delete(r"\Registry\Machine\Hive2\One\Two"));
        assert!(delete(r"\Registry\Machine\Hive2\One"));
        assert!(!delete(r"\Registry\Machine\Hive2\One"));
    }

    #[test]
    fn values_are_found_without_regard_to_case() {
        set(r"\Registry\Machine\Hive3", "NumVFs", Value::dword(4));
        assert_eq!(query(r"\registry\MACHINE\hive3", "NUMVFS"), Some(Value::dword(4)));
        assert!(delete_value(r"\Registry\Machine\Hive3", "numvfs"));
        assert_eq!(query(r"\Registry\Machine\Hive3", "NumVFs"), None);
    }

    #[test]
    fn texts_carry_their_terminators() {
        assert_eq!(Value::text("A").data, [b'A', 0, 0, 0]);
        assert_eq!(Value::texts(&["A", "B"]).data, [b'A', 0, 0, 0, b'B', 0, 0, 0, 0, 0]);
    }
}
