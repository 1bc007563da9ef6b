//! What one line of a script asks for.

use serde::Deserialize;
use serde_json::{Map, Value};

mod fields;
pub mod handles;
pub mod plugins;
use fields::{bytes, bytes_or_null, eight_bytes, five_seconds, null_buffer, number, wide_number};

/// One well-formed line.
#[derive(Debug, PartialEq)]
pub struct Line {
    /// The script's own name for the line; repeated in the answer.
    pub id: Option<Value>,
    /// What to do.
    pub operation: Operation,
}

/// A line that is no operation.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    /// The line's `"id"`, when it was readable.
    pub id: Option<Value>,
    /// What is wrong with it.
    pub reason: String,
}

/// What a script can do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// A guest's VF driver writes a block through its bus interface.
    Write {
        /// The VF whose guest writes.
        vf: u16,
        /// The block written.
        block: u32,
        /// Its content.
        #[serde(deserialize_with = "bytes")]
        data: Vec<u8>,
    },
    /// The same by IOCTL_VPCI_WRITE_BLOCK.
    WriteIoctl {
        /// The VF whose guest writes.
        vf: u16,
        /// The block written.
        block: u32,
        /// Its content.
        #[serde(deserialize_with = "bytes")]
        data: Vec<u8>,
    },
    /// A guest's VF driver reads a block through its bus interface.
    Read {
        /// The VF whose guest reads.
        vf: u16,
        /// The block read.
        block: u32,
        /// Bytes asked for.
        length: u32,
    },
    /// The same by IOCTL_VPCI_READ_BLOCK.
    ReadIoctl {
        /// The VF whose guest reads.
        vf: u16,
        /// The block read.
        block: u32,
        /// Bytes asked for.
        length: u32,
    },
    /// The VSP calls the PF's WriteVfConfigBlock with exactly these arguments.
    VspWrite {
        /// Any VF index.
        vf: u16,
        /// Any block.
        block: u32,
        /// Any length.
        length: u32,
        /// The buffer, byte for byte; `None` is a NULL pointer.
        #[serde(deserialize_with = "bytes_or_null")]
        data: Option<Vec<u8>>,
    },
    /// The VSP calls the PF's ReadVfConfigBlock with exactly these arguments.
    VspRead {
        /// Any VF index.
        vf: u16,
        /// Any block.
        block: u32,
        /// Any length.
        length: u32,
        /// `"data":null` stands for a NULL buffer.
        #[serde(default, rename = "data", deserialize_with = "null_buffer")]
        buffer: ReadBuffer,
    },
    /// The VSP calls ReadVfConfig.
    VfConfigRead {
        /// Any VF index.
        vf: u16,
        /// Any offset.
        offset: u32,
        /// Any length.
        length: u32,
        /// `"data":null` stands for a NULL buffer.
        #[serde(default, rename = "data", deserialize_with = "null_buffer")]
        buffer: ReadBuffer,
    },
    /// The VSP calls WriteVfConfig.
    VfConfigWrite {
        /// Any VF index.
        vf: u16,
        /// Any offset.
        offset: u32,
        /// Any length; that of `data` unless given.
        length: Option<u32>,
        /// The buffer; `None` is a NULL pointer.
        #[serde(deserialize_with = "bytes_or_null")]
        data: Option<Vec<u8>>,
    },
    /// The VSP calls QueryProbedBars, or with a VF QueryProbedBars_2.
    ProbedBars {
        /// Any VF index.
        vf: Option<u16>,
        /// Whether the pointer is NULL.
        #[serde(default)]
        null: bool,
    },
    /// The VSP calls GetVendorAndDevice.
    VendorDevice {
        /// Any VF index.
        vf: u16,
        /// Whether the pointers are NULL.
        #[serde(default)]
        null: bool,
    },
    /// The VSP calls GetDeviceLocation.
    Location {
        /// Any VF index.
        vf: u16,
        /// Whether the pointers are NULL.
        #[serde(default)]
        null: bool,
    },
    /// The VSP calls ResetVf.
    Reset {
        /// Any VF index.
        vf: u16,
    },
    /// The VSP calls SetVfPowerState.
    Power {
        /// Any VF index.
        vf: u16,
        /// `"D0"` to `"D3"`, or any DEVICE_POWER_STATE as a number.
        state: PowerState,
        /// Whether the VF is to wake the system.
        #[serde(default)]
        wake: bool,
    },
    /// The VSP calls GetResourceForBar.
    Bar {
        /// Any VF index.
        vf: u16,
        /// Any BAR index.
        bar: u16,
        /// Whether the pointer is NULL.
        #[serde(default)]
        null: bool,
    },
    /// The VSP calls QueryLuid, or with a VF QueryVfLuid.
    Luid {
        /// Any VF index.
        vf: Option<u16>,
        /// Whether the pointer is NULL.
        #[serde(default)]
        null: bool,
    },
    /// The VSP calls QueryLuidVf.
    LuidVf {
        /// Eight bytes.
        #[serde(deserialize_with = "eight_bytes")]
        luid: [u8; 8],
        /// Whether the pointer is NULL.
        #[serde(default)]
        null: bool,
    },
    /// The VSP has the PF carry out a guest's read of a mitigated register.
    RegisterRead {
        /// Any VF index.
        vf: u16,
        /// Any register.
        bar: u16,
        /// Any offset.
        #[serde(deserialize_with = "wide_number")]
        offset: u64,
        /// Any length.
        length: u32,
        /// `"data":null` stands for a NULL buffer.
        #[serde(default, rename = "data", deserialize_with = "null_buffer")]
        buffer: ReadBuffer,
    },
    /// The same of a write.
    RegisterWrite {
        /// Any VF index.
        vf: u16,
        /// Any register.
        bar: u16,
        /// Any offset.
        #[serde(deserialize_with = "wide_number")]
        offset: u64,
        /// Any length; that of `data` unless given.
        length: Option<u32>,
        /// The buffer; `None` is a NULL pointer.
        #[serde(deserialize_with = "bytes_or_null")]
        data: Option<Vec<u8>>,
    },
    /// The VSP sends IRP_MN_QUERY_INTERFACE and gives back at once what it is handed.
    QueryInterface {
        /// `"sriov"`, `"mitigable"`, or a GUID with dashes.
        guid: InterfaceName,
        /// Any size.
        size: u16,
        /// Any version.
        version: u16,
    },
    /// The VSP sends a device control request to the PF.
    Ioctl {
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
    /// IOCTL_SRIOV_ATTACH.
    Attach {},
    /// IOCTL_SRIOV_DETACH.
    Detach {},
    /// IOCTL_SRIOV_NOTIFICATION.
    Notification {},
    /// IOCTL_SRIOV_EVENT_COMPLETE.
    EventComplete {
        /// The status that the VSP gives, STATUS_SUCCESS unless it says otherwise.
        #[serde(default, deserialize_with = "number")]
        status: u32,
    },
    /// An earlier operation that was answered STATUS_PENDING: waits for its end.
    Await {
        /// That operation's `"id"`.
        of: Value,
    },
    /// An earlier request that was answered STATUS_PENDING: cancels it and waits for its end.
    Cancel {
        /// That operation's `"id"`.
        of: Value,
        /// Whether a DPC cancels it, at DISPATCH_LEVEL.
        #[serde(default)]
        dpc: bool,
    },
    /// An earlier request that was answered STATUS_PENDING: has a DPC cancel it when the driver calls a routine next.
    CancelAt {
        /// That operation's `"id"`.
        of: Value,
        /// The routine's name.
        call: String,
    },
    /// The PF is asked to invalidate blocks, by the operator's interface.
    Invalidate {
        /// A VF index or `"all"`.
        vf: Target,
        /// Bit n stands for block n.
        #[serde(deserialize_with = "wide_number")]
        mask: u64,
    },
    /// A program of an administrator asks the driver, or tells it.
    Operator {
        /// What.
        request: OperatorRequest,
        /// Any VF index.
        #[serde(default)]
        vf: u16,
        /// What the request's description says.
        #[serde(default, deserialize_with = "number")]
        argument: u32,
        /// The block that is set.
        #[serde(default)]
        block: u32,
        /// Bit n stands for block n.
        #[serde(default, deserialize_with = "wide_number")]
        mask: u64,
        /// The content that is set.
        #[serde(default, deserialize_with = "bytes")]
        data: Vec<u8>,
        /// The input instead of what the request has by its layout.
        #[serde(default, deserialize_with = "bytes_or_null")]
        input: Option<Vec<u8>>,
        /// Bytes of room for output, with `input`.
        #[serde(default)]
        output: u32,
    },
    /// A guest's VF driver waits to be told of blocks with new content.
    WaitInvalidate {
        /// The VF whose guest waits.
        vf: u16,
        /// How long at most.
        #[serde(default = "five_seconds")]
        milliseconds: u64,
    },
    /// PnP asks whether the device can be stopped.
    QueryStop {},
    /// PnP says that it need not stop.
    CancelStop {},
    /// PnP stops the device.
    Stop {},
    /// PnP starts the device again.
    Start {},
    /// PnP asks whether the device can be removed, while the VSP keeps its handle, or when it has given back handle and
    /// interface; it takes both again if the device stays.
    QueryRemove {
        /// Whether the VSP gives both back before.
        #[serde(default)]
        released: bool,
    },
    /// PnP says that it need not go.
    CancelRemove {},
    /// The device is gone.
    SurpriseRemove {},
    /// The VSP lets go, and PnP removes the device.
    Remove {},
    /// The system goes to sleep.
    Sleep {},
    /// The system comes back to work.
    Resume {},
    /// The device is removed and the driver unloaded.
    Unload {},
    /// The driver is loaded again and the device started.
    Load {},
    /// Another party opens the PF, and does something with its handle.
    Handle(handles::HandleAction),
    /// Something is done with a plug-in driver.
    Plugin(plugins::PluginAction),
    /// Guests, and the VSP beside them, write on threads of their own.
    Traffic(plugins::TrafficAction),
}

/// A DEVICE_POWER_STATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerState(pub i32);

/// A request of the operator's interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRequest {
    QueryPf,
    QueryVf,
    QueryBlock,
    QueryEvent,
    QueryEvidence,
    ReleaseVf,
    DecideVf,
    SetBlock,
    Invalidate,
    QueryChange,
    Permit,
}

/// What an invalidation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(pub u16);

/// An interface's GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceName(pub [u8; 16]);

/// Which major function carries a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Major {
    /// IRP_MJ_DEVICE_CONTROL.
    DeviceControl,
    /// IRP_MJ_INTERNAL_DEVICE_CONTROL.
    #[default]
    Internal,
}

/// The requestor mode of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The VSP.
    #[default]
    Kernel,
    /// A process.
    User,
}

/// What a raw read is given to write to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadBuffer {
    /// As many bytes as asked for, at most a page.
    #[default]
    Present,
    /// A NULL pointer.
    Null,
}

impl Line {
    /// Parses a line, without its line end.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with a reason for the script's author.
    pub fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let mut object: Map<String, Value> =
            serde_json::from_slice(line).map_err(|error| Malformed { id: None, reason: place(&error) })?;
        let id = object.remove("id");
        match Operation::deserialize(Value::Object(object)) {
            Ok(operation) => match operation.contradiction() {
                Some(reason) => Err(Malformed { id, reason }),
                None => Ok(Self { id, operation }),
            },
            Err(error) => Err(Malformed { id, reason: error.to_string() }),
        }
    }
}

impl Operation {
    /// Why the operation cannot be carried out as written.
    ///
    /// A buffer shorter than a length that the PF may accept would have it read past the end, and the
    /// fault would be the script's; beyond 128 bytes the PF must refuse before it looks.
    fn contradiction(&self) -> Option<String> {
        match self {
            Self::VspWrite { length: length @ 1..=LONGEST_BLOCK, data: Some(data), .. }
                if data.len() < *length as usize =>
            {
                Some(format!("data holds {} bytes, length is {length}", data.len()))
            }
            Self::VfConfigWrite { length: Some(length @ 1..=CONFIGURATION), data: Some(data), .. }
                if data.len() < *length as usize =>
            {
                Some(format!("data holds {} bytes, length is {length}", data.len()))
            }
            _ => None,
        }
    }
}

/// The reason with the column alone: a script's line is a whole text to the parser.
fn place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => format!("{reason} at column {}", error.column()),
        None => text,
    }
}

const LONGEST_BLOCK: u32 = 128;
/// Bytes of a function's configuration space.
const CONFIGURATION: u32 = 4096;

#[cfg(test)]
mod tests;
