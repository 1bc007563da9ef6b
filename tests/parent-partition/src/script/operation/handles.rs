//! What a script can do with handles of the PF that are not the VSP's own.

use serde::Deserialize;
use serde_json::Value;

use super::fields::{bytes, number};
use super::{Major, Mode};

/// An action on a handle, which is known by the `"id"` of the line that opened it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum HandleAction {
    /// Somebody opens the PF by its device interface.
    Open {},
    /// A device control request is sent on it.
    Control {
        /// The handle.
        on: Value,
        /// The code.
        #[serde(deserialize_with = "number")]
        code: u32,
        /// Which major function carries it.
        #[serde(default)]
        major: Major,
        /// Who asks.
        #[serde(default)]
        mode: Mode,
        /// The input.
        #[serde(default, deserialize_with = "bytes")]
        input: Vec<u8>,
        /// Bytes of room for output.
        #[serde(default)]
        output: u32,
    },
    /// A file is read, with buffers as the top of the stack asks for them.
    Read {
        /// The handle.
        on: Value,
        /// Bytes.
        length: u32,
    },
    /// The interface is asked for, version 1, and kept until it is released, also when the handle is closed.
    Interface {
        /// The handle.
        on: Value,
    },
    /// QueryLuid is called by the interface that was kept.
    Luid {
        /// The handle.
        on: Value,
    },
    /// WriteVfConfigBlock is called by the interface that was kept, on a thread of its own.
    Write {
        /// The handle.
        on: Value,
        /// The VF index.
        vf: u16,
        /// The block.
        block: u32,
        /// Its content.
        #[serde(deserialize_with = "bytes")]
        data: Vec<u8>,
    },
    /// The interface that was kept is given back.
    Release {
        /// The handle.
        on: Value,
    },
    /// The handle is closed, whatever waits for it.
    Close {
        /// The handle.
        on: Value,
    },
}
