//! The handlers compiled into this driver: the table that an IHV edits.
//!
//! One line a block: its schema and who serves it. The blocks here are the worked example, the host half for Linux mlx5
//! VF drivers; a device of yours brings its own.

use backchannel::{BlockHandler, Schema};

use crate::{
    irql::RaisedSpinLock,
    mlx5::{self, Mlx5},
};

/// A block and who serves it.
pub type Registration = (Schema, &'static dyn BlockHandler);

/// How many VFs the example keeps conversations for.
const VFS: usize = 16;

static MLX5: Mlx5<RaisedSpinLock, VFS> = Mlx5::new();

/// Every block that this driver serves.
pub static HANDLERS: [Registration; 19] = {
    let [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, wa, wb, wc, wd, we, wf] = mlx5::WINDOW;
    [
        (mlx5::CONTROL, &MLX5),
        (mlx5::STATISTICS, &MLX5),
        (mlx5::REPORT, &MLX5),
        (w0, &MLX5),
        (w1, &MLX5),
        (w2, &MLX5),
        (w3, &MLX5),
        (w4, &MLX5),
        (w5, &MLX5),
        (w6, &MLX5),
        (w7, &MLX5),
        (w8, &MLX5),
        (w9, &MLX5),
        (wa, &MLX5),
        (wb, &MLX5),
        (wc, &MLX5),
        (wd, &MLX5),
        (we, &MLX5),
        (wf, &MLX5),
    ]
};
