//! The end of objects: in which order, after how many references, and what a dead handle says.

use std::cell::RefCell;
use std::sync::Arc;

use super::{Object, create};
use crate::kmdf::attributes::Attributes;
use crate::kmdf::handle::{self, Fault, Handle, Kind};
use crate::kmdf::loader::Binding;
use crate::machine;

#[derive(Debug)]
struct Thing(Arc<Object>);

impl Kind for Thing {
    const NAME: &'static str = "WDFTHING";

    fn object(&self) -> &Arc<Object> {
        &self.0
    }
}

#[derive(Debug)]
struct Other(Arc<Object>);

impl Kind for Other {
    const NAME: &'static str = "WDFOTHER";

    fn object(&self) -> &Arc<Object> {
        &self.0
    }
}

thread_local! {
    static SEEN: RefCell<Vec<(&'static str, Handle)>> = const { RefCell::new(Vec::new()) };
}

extern "win64" fn cleanup(object: Handle) {
    SEEN.with_borrow_mut(|seen| seen.push(("cleanup", object)));
}

extern "win64" fn destroy(object: Handle) {
    SEEN.with_borrow_mut(|seen| seen.push(("destroy", object)));
}

/// Makes an object whose callbacks are seen, on a kernel thread.
fn thing(parent: Option<&Arc<Thing>>) -> Arc<Thing> {
    machine::thread::adopt();
    let attributes = Attributes {
        cleanup: cleanup as *const () as usize,
        destroy: destroy as *const () as usize,
        ..Attributes::default()
    };
    let parent = parent.map(|parent| parent.0.clone());
    create(&Binding::of_no_driver(), &attributes, parent.as_ref(), Thing).expect("an object")
}

fn seen() -> Vec<(&'static str, Handle)> {
    SEEN.with_borrow_mut(std::mem::take)
}

#[test]
fn a_tree_is_cleaned_up_children_first_and_destroyed_in_the_same_order() {
    let top = thing(None);
    let queue = thing(Some(&top));
    let below_queue = thing(Some(&queue));
    let last = thing(Some(&top));
    let order = [&below_queue, &queue, &last, &top].map(|thing| thing.0.handle);
    top.0.delete();
    let expected: Vec<_> = order
        .iter()
        .map(|handle| ("cleanup", *handle))
        .chain(order.iter().map(|handle| ("destroy", *handle)))
        .collect();
    assert_eq!(seen(), expected);
}

#[test]
fn a_reference_keeps_handle_and_destroy_callback_back() {
    let object = thing(None);
    let handle = object.0.handle;
    object.0.reference();
    object.0.delete();
    assert_eq!(seen(), [("cleanup", handle)]);
    assert!(handle::try_of::<Thing>(handle).is_ok());
    object.0.dereference();
    assert_eq!(seen(), [("destroy", handle)]);
    assert_eq!(handle::try_of::<Thing>(handle).err(), Some(Fault::Deleted("WDFTHING")));
}

#[test]
fn a_second_deletion_of_a_referenced_object_does_nothing() {
    let object = thing(None);
    object.0.reference();
    object.0.delete();
    object.0.delete();
    assert_eq!(object.0.references(), 1);
    object.0.dereference();
    assert_eq!(seen().len(), 2);
}

#[test]
fn a_child_that_ended_before_is_not_ended_again_with_its_parent() {
    let top = thing(None);
    let child = thing(Some(&top));
    child.0.delete();
    seen();
    let handle = top.0.handle;
    top.0.delete();
    assert_eq!(seen(), [("cleanup", handle), ("destroy", handle)]);
}

#[test]
fn handles_are_typed_and_never_used_twice() {
    let object = thing(None);
    let handle = object.0.handle;
    assert_eq!(handle::try_of::<Other>(handle).err(), Some(Fault::OtherType("WDFTHING")));
    assert_eq!(handle::try_of::<Thing>(0).err(), Some(Fault::Null));
    assert_eq!(handle::try_of::<Thing>(handle + 8).err(), Some(Fault::Garbage));
    object.0.delete();
    assert_ne!(thing(None).0.handle, handle);
}
