//! WDFSTRING: a counted string with a handle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::attributes::Attributes;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::loader;
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::sys;

/// A string.
#[derive(Debug)]
pub(super) struct Text {
    object: Arc<Object>,
    /// Terminated; its buffer is what WdfStringGetUnicodeString hands out.
    units: Mutex<Vec<u16>>,
}

impl Kind for Text {
    const NAME: &'static str = "WDFSTRING";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Text {
    /// Makes a string object.
    pub(super) fn new(
        binding: &Arc<loader::Binding>,
        attributes: &Attributes,
        units: &[u16],
    ) -> Result<Arc<Self>, Status> {
        let parent = binding.driver().map(|driver| driver.object.clone());
        object::create(binding, attributes, parent.as_ref(), |object| Self {
            object,
            units: Mutex::new(terminated(units)),
        })
    }

    /// The handle.
    pub(super) fn handle(&self) -> Handle {
        self.object.handle
    }

    /// Replaces the text.
    pub(super) fn set(&self, units: &[u16]) {
        *self.units() = terminated(units);
    }

    fn units(&self) -> MutexGuard<'_, Vec<u16>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfStringCreate, WdfStringGetUnicodeString]
}

/// Makes a string object of a counted string, or an empty one. PASSIVE_LEVEL.
extern "win64" fn WdfStringCreate(globals: usize, string: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(out, "String");
    driver_memory::write(out, 0_usize);
    verify::passive_level();
    let units = if string == 0 { Vec::new() } else { counted(string) };
    match Attributes::read(attributes).and_then(|attributes| Text::new(&binding, &attributes, &units)) {
        Ok(text) => {
            driver_memory::write(out, text.handle());
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Points a counted string at the text, which lives as long as the object. PASSIVE_LEVEL.
extern "win64" fn WdfStringGetUnicodeString(globals: usize, string: Handle, out: usize) {
    loader::binding(globals);
    let text = handle::of::<Text>(string);
    verify::required(out, "UnicodeString");
    verify::passive_level();
    let units = text.units();
    let bytes = units.len() * 2;
    let counted = sys::UNICODE_STRING {
        Length: (bytes - 2) as u16,
        MaximumLength: bytes as u16,
        Buffer: units.as_ptr().cast_mut(),
    };
    driver_memory::write(out, counted);
}

/// The text of a UNICODE_STRING at an address.
pub(super) fn counted(address: usize) -> Vec<u16> {
    let string: sys::UNICODE_STRING = driver_memory::read(address);
    driver_memory::units(string.Buffer as usize, usize::from(string.Length) / 2)
}

fn terminated(units: &[u16]) -> Vec<u16> {
    let mut units = units.to_vec();
    units.push(0);
    units
}
