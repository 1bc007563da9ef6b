//! Small executable entries for the simulator's routines, one a name.
//!
//! An image never calls a Rust function directly: its imports, function tables and interface members point to
//! thunks, which pass through the gate. All thunk code is made at once and then only executable; making a
//! thunk fills the next descriptor.

use std::collections::HashMap;
use std::ptr::with_exposed_provenance_mut;
use std::sync::{Mutex, PoisonError};

use super::{gate, injection};
use crate::memory::pages;

/// What the gate knows of one thunk.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Descriptor {
    target: usize,
    stack_arguments: u64,
    name: &'static str,
}

impl Descriptor {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

/// Offsets that the gate's assembly uses.
pub(super) const TARGET: usize = 0;
pub(super) const STACK_ARGUMENTS: usize = 8;

/// Makes an entry that images can call for `target`, an `extern "win64"` function.
///
/// `stack_arguments` is the number of arguments beyond the fourth. Called from an image the entry notes name
/// and return address and runs the target on the host stack; called from simulator code it is the target.
///
/// The same name and target always have the same entry.
///
/// # Panics
///
/// When [`LIMIT`] thunks exist: the simulator makes one a routine, not one a call.
pub fn make(name: &'static str, target: usize, stack_arguments: u8) -> usize {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let table = table.get_or_insert_with(Table::new);
    if let Some(made) = table.made.get(&(target, name)) {
        return *made;
    }
    let index = table.made.len();
    assert!(index < LIMIT, "more than {LIMIT} thunks");
    let descriptor = Descriptor {
        target: injection::target_of(name, target),
        stack_arguments: u64::from(stack_arguments),
        name,
    };
    // SAFETY: slot `index` is inside the mapped descriptor area, aligned, and nobody calls its thunk yet.
    unsafe { with_exposed_provenance_mut::<Descriptor>(table.descriptors + index * SLOT).write(descriptor) };
    let entry = table.code + index * ENTRY;
    table.made.insert((target, name), entry);
    entry
}

/// Whether `address` lies in a thunk's code.
pub(crate) fn contains(address: usize) -> bool {
    let table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    table.as_ref().is_some_and(|table| (table.code..table.code + table.made.len() * ENTRY).contains(&address))
}

/// How many thunks a process can have.
pub const LIMIT: usize = 4096;

struct Table {
    code: usize,
    descriptors: usize,
    made: HashMap<(usize, &'static str), usize>,
}

impl Table {
    fn new() -> Self {
        let code = pages::reserve(CODE + DESCRIPTORS);
        let descriptors = code + CODE;
        pages::open(code, CODE + DESCRIPTORS);
        for index in 0..LIMIT {
            let entry = code + index * ENTRY;
            // The address of the gate is kept behind the last descriptor.
            let bytes = entry_code(entry, descriptors + index * SLOT, descriptors + LIMIT * SLOT);
            // SAFETY: `entry` is inside the code area, which is still writable and known to nobody.
            unsafe { with_exposed_provenance_mut::<[u8; ENTRY]>(entry).write(bytes) };
        }
        // SAFETY: the word behind the last descriptor is inside the mapping.
        unsafe { with_exposed_provenance_mut::<usize>(descriptors + LIMIT * SLOT).write(gate::address()) };
        pages::make_executable(code, CODE);
        Self { code, descriptors, made: HashMap::new() }
    }
}

/// `lea r11, [rip + descriptor]; jmp [rip + gate]`, and breakpoints to the end of the entry.
fn entry_code(entry: usize, descriptor: usize, gate: usize) -> [u8; ENTRY] {
    let to_descriptor = ((descriptor - (entry + 7)) as u32).to_le_bytes();
    let to_gate = ((gate - (entry + 13)) as u32).to_le_bytes();
    let mut code = [0xCC; ENTRY];
    code[..3].copy_from_slice(&[0x4C, 0x8D, 0x1D]);
    code[3..7].copy_from_slice(&to_descriptor);
    code[7..9].copy_from_slice(&[0xFF, 0x25]);
    code[9..13].copy_from_slice(&to_gate);
    code
}

const ENTRY: usize = 16;
const SLOT: usize = size_of::<Descriptor>();
const CODE: usize = LIMIT * ENTRY;
const DESCRIPTORS: usize = (LIMIT * SLOT + 8).next_multiple_of(pages::PAGE);
static TABLE: Mutex<Option<Table>> = Mutex::new(None);

const _: () = assert!(std::mem::offset_of!(Descriptor, target) == TARGET);
const _: () = assert!(std::mem::offset_of!(Descriptor, stack_arguments) == STACK_ARGUMENTS);
