//! What the operator permits of a block: reads and writes of VFs, beyond what its schema does.

use lock_api::RawMutex;

use super::HandlerTable;
use crate::block::BlockId;

/// What VFs may do with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Whether VFs may read it.
    pub reads: bool,
    /// Whether VFs may write it.
    pub writes: bool,
}

impl<R: RawMutex, const BLOCKS: usize> HandlerTable<'_, R, BLOCKS> {
    /// Permits what VFs do with a block, for calls that begin later; `false` if it is not registered.
    ///
    /// What the schema does not allow stays refused. The permission ends with the registration.
    ///
    /// ```
    /// use backchannel::{BlockHandler, BlockId, HandlerTable, Permission, Schema, Service, schema};
    /// struct Sink;
    /// impl BlockHandler for Sink {}
    /// const BLOCK: Schema = schema!(Schema::written(BlockId::new(3)).length(4));
    /// let table = HandlerTable::<spin::Mutex<()>, 4>::new(&[&Sink]);
    /// let nothing = Permission { reads: false, writes: false };
    /// assert!(!table.permit(BlockId::new(3), nothing));
    /// table.register(&BLOCK, Service::Handler(0)).unwrap();
    /// assert!(table.permit(BlockId::new(3), nothing));
    /// ```
    pub fn permit(&self, id: BlockId, permission: Permission) -> bool {
        let mut master = self.master.lock();
        let Some(entry) = master.registered.get_mut(&id) else { return false };
        entry.route = entry.route.permitting(
            entry.schema.is_read() && permission.reads,
            entry.schema.is_written() && permission.writes,
        );
        self.move_on();
        true
    }
}
