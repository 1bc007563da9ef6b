//! The handlers compiled into this driver: the table that an IHV edits.
//!
//! What stands here is the worked example, the host half for Linux mlx5 VF drivers; a device of yours brings its own.

use crate::{
    mlx5::{self, Mlx5},
    pf::Handlers,
};

/// The handlers of this package's own image.
pub(crate) static HANDLERS: Handlers = Handlers::new(&[&Mlx5(())], &[&mlx5::BLOCKS]);
