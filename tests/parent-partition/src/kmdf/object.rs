//! What every framework object has: a place in the tree, references, contexts, the order of its end.
//!
//! ```text
//!  live ──delete──► disposed ──last reference gone──► destroyed
//!        (cleanup callbacks,          (destroy callbacks, contexts freed,
//!         children first)              the handle is dead)
//! ```
//!
//! SPEC: order of cleanup and destroy callbacks as recorded in `start` and `start-open-surprise`: children in order of
//! creation, each before its parent; all cleanups of a tree before its first destroy.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use super::attributes::{Attributes, ExecutionLevel, SynchronizationScope};
use super::callback;
use super::context::Context;
use super::handle::{self, Handle, Kind};
use super::loader::Binding;
use super::status::Status;
use super::verify::{self, Violation};
use crate::judge::Rule;
use crate::machine::thread_block;

/// The part of an object that does not depend on its type.
pub(super) struct Object {
    /// The handle, dead once the object is destroyed.
    pub(super) handle: Handle,
    /// The handle's C type.
    pub(super) kind: &'static str,
    /// The driver whose object this is.
    pub(super) binding: Arc<Binding>,
    /// Level at which callbacks of this object may run, inherited already.
    pub(super) execution_level: ExecutionLevel,
    /// Which callbacks exclude each other, inherited already.
    pub(super) scope: SynchronizationScope,
    /// The driver's code that made it, or was being served when the framework did.
    pub(super) made_at: usize,
    references: AtomicI64,
    deletable: AtomicBool,
    state: Mutex<State>,
    on_dispose: OnceLock<Hook>,
    on_destroy: OnceLock<Hook>,
}

/// Makes an object and puts it into the tree: under the attributes' parent, else under `parent`.
///
/// `parent` is `None` for the driver alone.
pub(super) fn create<T: Kind>(
    binding: &Arc<Binding>,
    attributes: &Attributes,
    parent: Option<&Arc<Object>>,
    make: impl FnOnce(Arc<Object>) -> T,
) -> Result<Arc<T>, Status> {
    let parent = match attributes.parent {
        0 => parent.cloned(),
        given => Some(handle::any(given)),
    };
    let inherited = parent.as_ref().map(|parent| (parent.execution_level, parent.scope));
    let object = Arc::new(Object {
        handle: handle::reserve(),
        kind: T::NAME,
        binding: binding.clone(),
        execution_level: attributes.execution_level.under(inherited.map(|(level, _)| level)),
        scope: attributes.scope.under(inherited.map(|(_, scope)| scope)),
        made_at: thread_block::current().map_or(0, |block| block.return_address()),
        references: AtomicI64::new(1),
        deletable: AtomicBool::new(true),
        state: Mutex::new(State::default()),
        on_dispose: OnceLock::new(),
        on_destroy: OnceLock::new(),
    });
    object.add_context(attributes)?;
    if let Some(parent) = &parent {
        parent.adopt(&object);
    }
    let body = Arc::new(make(object));
    handle::publish(Arc::clone(&body));
    Ok(body)
}

impl Object {
    /// The object above this one; `None` for a driver and once this object is disposed.
    pub(super) fn parent(&self) -> Option<Arc<Object>> {
        self.state().parent.as_ref().and_then(Weak::upgrade)
    }

    /// Whether `ancestor` is this object or above it.
    pub(super) fn is_under(self: &Arc<Self>, ancestor: &Arc<Object>) -> bool {
        let mut at = Some(self.clone());
        while let Some(object) = at {
            if Arc::ptr_eq(&object, ancestor) {
                return true;
            }
            at = object.parent();
        }
        false
    }

    /// Whether disposing has begun.
    pub(super) fn is_disposed(&self) -> bool {
        self.state().disposed
    }

    /// From now on WdfObjectDelete refuses the object: the framework deletes it.
    pub(super) fn keep_from_deletion(&self) {
        self.deletable.store(false, Ordering::Relaxed);
    }

    /// Whether WdfObjectDelete may be called.
    pub(super) fn is_deletable(&self) -> bool {
        self.deletable.load(Ordering::Relaxed)
    }

    /// The framework's own part of disposing, before the driver's cleanup callbacks.
    pub(super) fn when_disposed(&self, hook: impl Fn() + Send + Sync + 'static) {
        assert!(self.on_dispose.set(Box::new(hook)).is_ok(), "one dispose hook an object");
    }

    /// The framework's own part of destroying, after the driver's destroy callbacks.
    pub(super) fn when_destroyed(&self, hook: impl Fn() + Send + Sync + 'static) {
        assert!(self.on_destroy.set(Box::new(hook)).is_ok(), "one destroy hook an object");
    }

    /// Takes a reference.
    pub(super) fn reference(&self) {
        self.references.fetch_add(1, Ordering::SeqCst);
    }

    /// Gives a reference back; the last one destroys the object.
    ///
    /// Judged: the last reference of an object that was never deleted (trace `misuse-deref-too-many-verifier`).
    pub(super) fn dereference(self: &Arc<Self>) {
        let left = self.references.fetch_sub(1, Ordering::SeqCst) - 1;
        if left > 0 {
            return;
        }
        if left < 0 || !self.is_disposed() {
            verify::violation(
                Rule::Reference,
                Violation::ObjectError,
                format_args!("a {} was freed by WdfObjectDereference, not WdfObjectDelete", self.kind),
            );
        }
        self.destroy();
    }

    /// References held, the object's own included.
    pub(super) fn references(&self) -> i64 {
        self.references.load(Ordering::SeqCst)
    }

    /// Ends the object and everything below it: cleanup callbacks now, destroy callbacks with the last reference.
    ///
    /// A second call finds nothing left to do.
    pub(super) fn delete(self: &Arc<Self>) {
        if self.dispose() {
            self.release_children();
            self.dereference();
        }
    }

    /// First half of [`Object::delete`]: cleanup callbacks, children first. False when somebody was here before.
    pub(super) fn dispose(self: &Arc<Self>) -> bool {
        {
            let mut state = self.state();
            if std::mem::replace(&mut state.disposed, true) {
                return false;
            }
        }
        let mut at = 0;
        while let Some(child) = self.child(at) {
            child.dispose();
            at += 1;
        }
        if let Some(hook) = self.on_dispose.get() {
            hook();
        }
        for function in self.callbacks(|context| context.cleanup) {
            callback::call(function, &[self.handle as u64]);
        }
        if let Some(parent) = self.parent() {
            parent.part_from(self);
        }
        true
    }

    /// Second half of [`Object::delete`] for what is below: drops each child's own reference, deepest first.
    pub(super) fn release_children(self: &Arc<Self>) {
        let children = std::mem::take(&mut self.state().children);
        for child in children {
            child.release_children();
            child.state().parent = None;
            child.dereference();
        }
    }

    /// Gives the object one context more, as its attributes say; with neither type nor callbacks there is none.
    pub(super) fn add_context(&self, attributes: &Attributes) -> Result<Option<usize>, Status> {
        let Some(context) = Context::new(attributes, self.handle)? else { return Ok(None) };
        let address = context.address;
        self.state().contexts.push(context);
        Ok(Some(address))
    }

    /// The context of a type (by the address of its type's identity), if the object has one.
    pub(super) fn context(&self, unique_type: usize) -> Option<usize> {
        let state = self.state();
        state
            .contexts
            .iter()
            .find(|context| context.unique_type == unique_type)
            .map(|context| context.address)
    }

    fn destroy(self: &Arc<Self>) {
        for function in self.callbacks(|context| context.destroy) {
            callback::call(function, &[self.handle as u64]);
        }
        if let Some(hook) = self.on_destroy.get() {
            hook();
        }
        for context in std::mem::take(&mut self.state().contexts) {
            context.free();
        }
        handle::retire(self.handle);
    }

    fn adopt(self: &Arc<Self>, child: &Arc<Object>) {
        child.state().parent = Some(Arc::downgrade(self));
        self.state().children.push(child.clone());
    }

    /// A child that ends by itself leaves the tree; one that ends with its parent stays until the parent releases it.
    fn part_from(&self, child: &Arc<Object>) {
        let mut state = self.state();
        if !state.disposed {
            state.children.retain(|other| !Arc::ptr_eq(other, child));
        }
    }

    fn child(&self, at: usize) -> Option<Arc<Object>> {
        self.state().children.get(at).cloned()
    }

    fn callbacks(&self, which: impl Fn(&Context) -> usize) -> Vec<usize> {
        self.state().contexts.iter().map(which).filter(|function| *function != 0).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of an object's state panics")
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#x}", self.kind, self.handle)
    }
}

type Hook = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct State {
    disposed: bool,
    parent: Option<Weak<Object>>,
    children: Vec<Arc<Object>>,
    contexts: Vec<Context>,
}

#[cfg(test)]
mod tests;
