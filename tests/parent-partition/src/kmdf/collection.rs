//! WDFCOLLECTION: a list of objects, each kept by a reference.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::attributes::Attributes;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::loader;
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::Rule;

/// A list of objects.
#[derive(Debug)]
pub(super) struct Collection {
    object: Arc<Object>,
    items: Mutex<Vec<Arc<Object>>>,
}

impl Kind for Collection {
    const NAME: &'static str = "WDFCOLLECTION";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Collection {
    fn items(&self) -> MutexGuard<'_, Vec<Arc<Object>>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear(&self) {
        let items = std::mem::take(&mut *self.items());
        for item in items {
            item.dereference();
        }
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfCollectionCreate,
        WdfCollectionGetCount,
        WdfCollectionAdd,
        WdfCollectionRemove,
        WdfCollectionRemoveItem,
        WdfCollectionGetItem,
        WdfCollectionGetFirstItem,
        WdfCollectionGetLastItem,
    ]
}

/// Makes an empty collection. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCollectionCreate(globals: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(out, "Collection");
    driver_memory::write(out, 0_usize);
    let parent = binding.driver().map(|driver| driver.object.clone());
    let made = Attributes::read(attributes).and_then(|attributes| {
        object::create(&binding, &attributes, parent.as_ref(), |object| Collection {
            object,
            items: Mutex::new(Vec::new()),
        })
    });
    match made {
        Ok(collection) => {
            let for_disposal = Arc::downgrade(&collection);
            collection.object.when_disposed(move || {
                if let Some(collection) = for_disposal.upgrade() {
                    collection.clear();
                }
            });
            driver_memory::write(out, collection.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Returns the number of items. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCollectionGetCount(globals: usize, collection: Handle) -> u32 {
    loader::binding(globals);
    handle::of::<Collection>(collection).items().len() as u32
}

/// Adds an object at the end and takes a reference. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCollectionAdd(globals: usize, collection: Handle, item: Handle) -> Status {
    loader::binding(globals);
    let collection = handle::of::<Collection>(collection);
    let item = handle::any(item);
    item.reference();
    collection.items().push(item);
    status::SUCCESS
}

/// Takes an object out and gives the reference back. IRQL <= DISPATCH_LEVEL.
///
/// Judged: an object that is not in the collection.
extern "win64" fn WdfCollectionRemove(globals: usize, collection: Handle, item: Handle) {
    loader::binding(globals);
    let collection = handle::of::<Collection>(collection);
    let item = handle::any(item);
    let at = collection.items().iter().position(|other| Arc::ptr_eq(other, &item));
    match at {
        Some(at) => take_out(&collection, at),
        None => verify::finding(Rule::BadParameter, "the object is not in the collection"),
    }
}

/// Takes the object at an index out and gives the reference back. IRQL <= DISPATCH_LEVEL.
///
/// Judged: an index past the end.
extern "win64" fn WdfCollectionRemoveItem(globals: usize, collection: Handle, index: u32) {
    loader::binding(globals);
    let collection = handle::of::<Collection>(collection);
    if (index as usize) < collection.items().len() {
        take_out(&collection, index as usize);
    } else {
        verify::finding(Rule::BadParameter, format_args!("the collection has no item {index}"));
    }
}

/// Returns the object at an index, NULL past the end. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCollectionGetItem(globals: usize, collection: Handle, index: u32) -> Handle {
    loader::binding(globals);
    let collection = handle::of::<Collection>(collection);
    let items = collection.items();
    items.get(index as usize).map_or(0, |item| item.handle)
}

/// Returns the first object, NULL for none. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCollectionGetFirstItem(globals: usize, collection: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Collection>(collection).items().first().map_or(0, |item| item.handle)
}

/// Returns the last object, NULL for none. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfCollectionGetLastItem(globals: usize, collection: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Collection>(collection).items().last().map_or(0, |item| item.handle)
}

fn take_out(collection: &Collection, at: usize) {
    let item = collection.items().remove(at);
    item.dereference();
}
