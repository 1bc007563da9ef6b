//! The order in which threads take locks: two locks that are taken in both orders can deadlock, whether they did or not.
//!
//! Every lock that a thread takes while it holds another adds an edge from that one; an edge that closes a circle breaks
//! [`Rule::LockOrder`]. It sees spin locks, fast mutexes and mutexes of the kernel, spin locks and wait locks of the framework.
//! Trying to take a lock, which waits for nobody, adds no edge. A lock that a driver makes of its own memory, without a
//! routine, is not seen: of those only the raise of the level is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Rule, violation};

/// The calling thread is about to wait for a lock.
pub(crate) fn wanted(lock: usize) {
    HELD.with_borrow(|held| {
        if let Some(last) = held.last() {
            let mut orders = orders();
            if let Some(other) = held.iter().find(|other| leads(&orders, lock, **other)) {
                let detail = format!(
                    "the lock at {lock:#x} is taken while the one at {other:#x} is held; it was the other way round before"
                );
                drop(orders);
                violation(Rule::LockOrder, detail);
            }
            orders.entry(*last).or_default().insert(lock);
        }
    });
}

/// The calling thread has the lock.
pub(crate) fn taken(lock: usize) {
    HELD.with_borrow_mut(|held| held.push(lock));
}

/// The calling thread gives the lock back.
pub(crate) fn released(lock: usize) {
    HELD.with_borrow_mut(|held| {
        if let Some(place) = held.iter().rposition(|other| *other == lock) {
            held.remove(place);
        }
    });
}

/// There is another lock at the address from now on, or none.
pub(crate) fn forget(lock: usize) {
    let mut orders = orders();
    orders.remove(&lock);
    orders.values_mut().for_each(|later| {
        later.remove(&lock);
    });
}

/// Whether `to` was taken, directly or over others, while `from` was held.
fn leads(orders: &Orders, from: usize, to: usize) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(lock) = open.pop() {
        if lock == to {
            return true;
        }
        if seen.insert(lock) {
            open.extend(orders.get(&lock).into_iter().flatten());
        }
    }
    false
}

/// What was taken while a lock was held.
type Orders = BTreeMap<usize, BTreeSet<usize>>;

fn orders() -> MutexGuard<'static, Orders> {
    static ORDERS: Mutex<Orders> = Mutex::new(BTreeMap::new());
    ORDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// In the order in which they were taken.
    static HELD: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use super::{Orders, leads};

    #[test]
    fn an_order_over_a_third_lock_is_found() {
        let orders: Orders = [(1, [2].into()), (2, [3].into())].into();
        assert!(leads(&orders, 1, 3));
        assert!(!leads(&orders, 3, 1));
    }
}
