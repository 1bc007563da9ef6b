//! What the PnP manager keeps of each device that a bus enumerated.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::hive;
use crate::judge::{Rule, violation};

/// One enumerated device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Node {
    /// The instance path: enumerator, device and instance identifiers.
    pub(crate) instance: String,
    /// The service that runs it.
    pub(crate) service: String,
    /// The hardware identifiers, most specific first.
    pub(crate) hardware_ids: Vec<String>,
    /// The place on its bus.
    pub(crate) location: String,
}

impl Node {
    /// The path of the hardware key, whose values outlive the device.
    pub(crate) fn hardware_key(&self) -> String {
        format!(r"{ENUM}\{}\Device Parameters", self.instance)
    }

    /// The path of the software key, which an INF fills.
    pub(crate) fn software_key(&self) -> String {
        format!(r"{CLASS}\{}", self.instance.replace('\\', "#"))
    }
}

/// Lists the node of a new physical device object.
pub(crate) fn insert(pdo: usize, node: Node) {
    hive::create(&node.hardware_key());
    hive::create(&node.software_key());
    lock().insert(pdo, node);
}

/// Takes a node off the list.
pub(crate) fn remove(pdo: usize) {
    lock().remove(&pdo);
}

/// The node of a physical device object.
pub(crate) fn find(pdo: usize) -> Option<Node> {
    lock().get(&pdo).cloned()
}

/// The node of a physical device object; any other device breaks [`Rule::BadParameter`].
pub(super) fn expect(pdo: usize) -> Node {
    find(pdo).unwrap_or_else(|| {
        violation(
            Rule::BadParameter,
            format_args!("{pdo:#x} is not the physical device object of an enumerated device"),
        )
    })
}

const ENUM: &str = r"\Registry\Machine\System\CurrentControlSet\Enum";
const CLASS: &str = r"\Registry\Machine\System\CurrentControlSet\Control\Class";
static NODES: Mutex<BTreeMap<usize, Node>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<usize, Node>> {
    NODES.lock().unwrap_or_else(PoisonError::into_inner)
}
