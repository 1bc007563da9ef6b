//! The routines that take an object of any type: create, delete, reference, contexts.

use std::sync::Arc;

use super::attributes::Attributes;
use super::context;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::loader;
use super::object::{self, Object};
use super::request::Request;
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::Rule;

/// A general object (WdfObjectCreate): contexts and callbacks, nothing else.
#[derive(Debug)]
struct Plain(Arc<Object>);

impl Kind for Plain {
    const NAME: &'static str = "WDFOBJECT";

    fn object(&self) -> &Arc<Object> {
        &self.0
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfObjectCreate,
        WdfObjectDelete,
        WdfObjectReferenceActual,
        WdfObjectDereferenceActual,
        WdfObjectGetTypedContextWorker,
        WdfObjectAllocateContext,
        WdfObjectContextGetObject,
    ]
}

/// Makes a general object; without a parent the driver is it. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfObjectCreate(globals: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(out, "Object");
    driver_memory::write(out, 0_usize);
    verify::up_to_dispatch_level();
    let parent = binding.driver().map(|driver| driver.object.clone());
    let made = Attributes::read(attributes)
        .and_then(|attributes| object::create(&binding, &attributes, parent.as_ref(), Plain));
    match made {
        Ok(plain) => {
            driver_memory::write(out, plain.0.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Ends an object and everything below it. IRQL <= DISPATCH_LEVEL, for many types PASSIVE_LEVEL.
///
/// Judged: an object that the framework ends by itself (trace `misuse-delete-device-verifier`). Of a request the framework
/// itself finds that at its completion only (trace `misuse-delete-request-verifier`).
extern "win64" fn WdfObjectDelete(globals: usize, object: Handle) {
    loader::binding(globals);
    if let Ok(request) = handle::try_of::<Request>(object) {
        verify::unnoticed(Rule::ObjectState, "a WDFREQUEST that the framework ends may not be deleted");
        request.state().deleted = true;
        request.object.dispose();
        return;
    }
    let object = handle::any(object);
    if !object.is_deletable() {
        verify::finding(
            Rule::ObjectState,
            format_args!("a {} that the framework ends may not be deleted", object.kind),
        );
        return;
    }
    object.delete();
}

/// Takes a reference: handle and contexts stay until it is given back. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfObjectReferenceActual(
    globals: usize,
    object: Handle,
    _tag: usize,
    _line: i32,
    _file: usize,
) {
    loader::binding(globals);
    handle::any(object).reference();
}

/// Gives a reference back. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfObjectDereferenceActual(
    globals: usize,
    object: Handle,
    _tag: usize,
    _line: i32,
    _file: usize,
) {
    loader::binding(globals);
    handle::any(object).dereference();
}

/// Returns the object's context of a type, NULL where it has none. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfObjectGetTypedContextWorker(globals: usize, object: Handle, type_info: usize) -> usize {
    loader::binding(globals);
    let object = handle::any(object);
    verify::required(type_info, "TypeInfo");
    object.context(context::unique_type(type_info)).unwrap_or(0)
}

/// Gives an object one context more. STATUS_OBJECT_NAME_EXISTS for a type it has. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfObjectAllocateContext(
    globals: usize,
    object: Handle,
    attributes: usize,
    out: usize,
) -> Status {
    loader::binding(globals);
    let object = handle::any(object);
    verify::required(attributes, "ContextAttributes");
    driver_memory::write_optional(out, 0_usize);
    let attributes = match Attributes::read_without_parent(attributes) {
        Ok(attributes) => attributes,
        Err(status) => return status,
    };
    if attributes.context_type == 0 {
        return status::OBJECT_NAME_INVALID;
    }
    if object.is_disposed() {
        return status::DELETE_PENDING;
    }
    if let Some(address) = object.context(context::unique_type(attributes.context_type)) {
        driver_memory::write_optional(out, address);
        return status::OBJECT_NAME_EXISTS;
    }
    match object.add_context(&attributes) {
        Ok(address) => {
            driver_memory::write_optional(out, address.unwrap_or(0));
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Returns the object that a context belongs to. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfObjectContextGetObject(globals: usize, address: usize) -> Handle {
    loader::binding(globals);
    verify::required(address, "ContextPointer");
    context::owner(address).unwrap_or_else(|| {
        verify::finding(Rule::BadParameter, format_args!("{address:#x} is no context"));
        0
    })
}
