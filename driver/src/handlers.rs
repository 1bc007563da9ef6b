//! The handlers compiled into this driver: the table that an IHV edits.
//!
//! What stands here is the worked example, the host half for Linux mlx5 VF drivers; a device of yours brings its own.

use backchannel::{BlockHandler, Schema};

use crate::{
    irql::RaisedSpinLock,
    mlx5::{self, Mlx5},
    pf::{Pf, Table},
    storage::Template,
};

/// The handlers of a PF, and the blocks that each serves.
///
/// A driver of an IHV that links this package keeps one in a `static` and gives it to [`add_device`](crate::add_device);
/// this package's own image does the same.
#[derive(Debug)]
pub struct Handlers {
    pub(crate) blocks: &'static [&'static [Schema]],
    pub(crate) template: Template<Pf>,
}

impl Handlers {
    /// Lists the handlers, and in the same order the blocks of each; 255 handlers and 64 blocks at most.
    // Inline, so that it exists in constants only: as code it would need a frame of several KiB.
    #[inline]
    #[must_use]
    pub const fn new<const COUNT: usize>(
        handlers: &'static [&'static dyn BlockHandler; COUNT],
        blocks: &'static [&'static [Schema]; COUNT],
    ) -> Self {
        Self { blocks, template: Template::new(Pf::unused(Table::new(handlers))) }
    }
}

/// The handlers of this package's own image.
pub(crate) static HANDLERS: Handlers = Handlers::new(&[&MLX5], &[&mlx5::BLOCKS]);

/// How many VFs the example keeps conversations for.
const VFS: usize = 16;

static MLX5: Mlx5<RaisedSpinLock, VFS> = Mlx5::new();
