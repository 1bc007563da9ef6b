//! The handlers compiled into this driver: the table that an IHV edits.
//!
//! What stands here is the worked example, the host half for Linux mlx5 VF drivers; a device of yours brings its own.

use crate::{
    irql::RaisedSpinLock,
    mlx5::{self, Mlx5},
    pf::Handlers,
};

/// The handlers of this package's own image.
pub(crate) static HANDLERS: Handlers = Handlers::new(&[&MLX5], &[&mlx5::BLOCKS]);

/// How many VFs the example keeps conversations for.
const VFS: usize = 16;

static MLX5: Mlx5<RaisedSpinLock, VFS> = Mlx5::silent();
