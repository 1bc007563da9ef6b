//! The handlers compiled into this driver: the table that an IHV edits.
//!
//! One line a handler: who serves, and the blocks it serves. What stands here is the worked example, the host half for
//! Linux mlx5 VF drivers; a device of yours brings its own.

use backchannel::{BlockHandler, Schema};

use crate::{
    irql::RaisedSpinLock,
    mlx5::{self, Mlx5},
};

/// Every handler, and the blocks it serves.
pub(crate) static HANDLERS: [(&dyn BlockHandler, &[Schema]); 1] = [(&MLX5, &mlx5::BLOCKS)];

/// Blocks that can be registered, and blocks that each VF's store has room for.
pub(crate) const BLOCKS: usize = 64;

/// How many VFs the example keeps conversations for.
const VFS: usize = 16;

static MLX5: Mlx5<RaisedSpinLock, VFS> = Mlx5::new();

/// The handlers alone, in the order of the table, as the engine takes them.
pub(crate) static SERVICES: [&dyn BlockHandler; HANDLERS.len()] = {
    let mut services: [&dyn BlockHandler; HANDLERS.len()] = [&MLX5; HANDLERS.len()];
    let mut to: &mut [&dyn BlockHandler] = &mut services;
    let mut from: &[(&dyn BlockHandler, &[Schema])] = &HANDLERS;
    while let (Some((place, others)), Some(((handler, _), rest))) = (to.split_first_mut(), from.split_first())
    {
        *place = *handler;
        to = others;
        from = rest;
    }
    services
};
