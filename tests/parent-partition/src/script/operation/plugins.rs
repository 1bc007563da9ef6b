//! What a script can do with plug-in drivers, and the guests that write meanwhile.

use serde::Deserialize;

use super::fields::{bytes, number};

/// An action on a plug-in driver, by the name of its file without the ending.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum PluginAction {
    /// It is loaded again.
    Load {
        /// Which.
        plugin: String,
    },
    /// It is unloaded; what it leaves behind breaks a rule.
    Unload {
        /// Which.
        plugin: String,
    },
    /// It is unloaded and leaves behind what it likes; the answer has the list.
    Abandon {
        /// Which.
        plugin: String,
    },
    /// A program sends it a device control request.
    Control {
        /// Which.
        plugin: String,
        /// The code.
        #[serde(deserialize_with = "number")]
        code: u32,
        /// The input.
        #[serde(default, deserialize_with = "bytes")]
        input: Vec<u8>,
        /// Bytes of room for output.
        #[serde(default)]
        output: u32,
    },
}

/// Guests, and the VSP beside them, that write on threads of their own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum TrafficAction {
    /// The guests of the first VFs begin to write; they answer no other line until the traffic has ended.
    Begin {
        /// How many VFs.
        vfs: u16,
        /// The block written.
        block: u32,
        /// Bytes of each write, at least 8; the first 4 are the write's number, the next 4 its writer's: 0 is the guest.
        #[serde(default)]
        length: u8,
        /// How many writes each makes; without an end unless given.
        #[serde(default)]
        writes: Option<u64>,
        /// How many threads of the VSP write for each VF beside its guest.
        #[serde(default)]
        threads: u16,
    },
    /// Waits until so many more writes of each VF have ended, whatever they ended with.
    Await {
        /// How many; all that were to be made unless given.
        #[serde(default)]
        writes: Option<u64>,
    },
    /// They finish; the answer says what became of their writes.
    End {},
}
