//! The operator's interface: what a program of an administrator may ask of the driver, and tell it.
//!
//! The device is found by [`GUID_DEVINTERFACE_PF_BACKCHANNEL`]. Each request is a device control request with buffered input and
//! output. All numbers are little endian; reserved fields are zero. Structures grow at their end only, and say their size.

use super::{GUID, ctl_code, layout};

/// The device interface class.
pub const GUID_DEVINTERFACE_PF_BACKCHANNEL: GUID =
    GUID::new(0xFD0C_383D, 0x2E2F, 0x4A57, 0x839C_3F26_A630_CA1B);

/// Describes the PF; output: [`PF_BACKCHANNEL_PF`].
pub const IOCTL_PF_BACKCHANNEL_QUERY_PF: u32 = look(0);
/// Describes a VF; input: [`PF_BACKCHANNEL_VF_INPUT`], output: [`PF_BACKCHANNEL_VF`].
pub const IOCTL_PF_BACKCHANNEL_QUERY_VF: u32 = look(1);
/// Reads the counters of a block; input: [`PF_BACKCHANNEL_VF_INPUT`] with the block's id, output: [`PF_BACKCHANNEL_BLOCK`].
pub const IOCTL_PF_BACKCHANNEL_QUERY_BLOCK: u32 = look(2);
/// Reads what happened to a VF; input: [`PF_BACKCHANNEL_VF_INPUT`] with how many events ago, output: [`PF_BACKCHANNEL_EVENT`].
pub const IOCTL_PF_BACKCHANNEL_QUERY_EVENT: u32 = look(3);
/// Reads the call that cost a VF its standing; input: [`PF_BACKCHANNEL_VF_INPUT`], output: [`PF_BACKCHANNEL_EVIDENCE`].
pub const IOCTL_PF_BACKCHANNEL_QUERY_EVIDENCE: u32 = look(4);
/// Lets an isolated VF go; input: [`PF_BACKCHANNEL_VF_INPUT`].
pub const IOCTL_PF_BACKCHANNEL_RELEASE_VF: u32 = change(5);
/// Decides over a VF; input: [`PF_BACKCHANNEL_VF_INPUT`] with 0 (the policy decides), 1 (never isolated) or 2 (isolated).
pub const IOCTL_PF_BACKCHANNEL_DECIDE_VF: u32 = change(6);
/// Sets a block that the operator owns; input: [`PF_BACKCHANNEL_SET_BLOCK`].
pub const IOCTL_PF_BACKCHANNEL_SET_BLOCK: u32 = change(7);
/// Lets VFs be told to read blocks again; input: [`PF_BACKCHANNEL_INVALIDATE`].
pub const IOCTL_PF_BACKCHANNEL_INVALIDATE: u32 = change(8);
/// Reads who changed what; input: [`PF_BACKCHANNEL_VF_INPUT`] with how many changes ago, any VF; output: [`PF_BACKCHANNEL_CHANGE`].
pub const IOCTL_PF_BACKCHANNEL_QUERY_CHANGE: u32 = look(9);
/// Permits what VFs do with a block, until it is registered anew; input: [`PF_BACKCHANNEL_PERMIT`].
pub const IOCTL_PF_BACKCHANNEL_PERMIT: u32 = change(10);

/// How many causes of refusals are counted.
pub const PF_BACKCHANNEL_REFUSALS: usize = 19;

/// Makes the code of a request that looks.
#[must_use]
pub const fn look(index: u32) -> u32 {
    code(index, FILE_READ_DATA)
}

/// Makes the code of a request that changes something.
#[must_use]
pub const fn change(index: u32) -> u32 {
    code(index, FILE_READ_DATA | FILE_WRITE_DATA)
}

/// `CTL_CODE` of a vendor's function, `METHOD_BUFFERED`.
const fn code(index: u32, access: u32) -> u32 {
    ctl_code(FILE_DEVICE_UNKNOWN, index.wrapping_add(0x900), METHOD_BUFFERED, access)
}

const FILE_DEVICE_UNKNOWN: u32 = 0x22;
const METHOD_BUFFERED: u32 = 0;
const FILE_READ_DATA: u32 = 1;
const FILE_WRITE_DATA: u32 = 2;

/// Output of [`IOCTL_PF_BACKCHANNEL_QUERY_PF`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_PF {
    /// The size of this structure, in bytes.
    pub Size: u32,
    /// How many VFs there are; 0 while the PF is stopped.
    pub NumVFs: u16,
    /// How many VFs the hardware could have; 0 while the PF is stopped.
    pub TotalVFs: u16,
    /// References to the PF that others hold: interfaces that were handed out and not given back. They keep the device from
    /// being removed.
    pub References: u32,
    /// The conversation with the virtualization stack: 0 detached, 1 stopped, 2 attached, 3 asked to stop, 4 attached and
    /// stopped, 5 restarting, 6 removed.
    pub Conversation: u32,
    /// Rebalances that were refused because the virtualization stack did not answer in time.
    pub QueryStopTimeouts: u32,
    /// Requests that wait for an invalidation.
    pub InvalidationRequests: u32,
    /// Calls refused that belong to no VF, by cause.
    pub Refusals: [u64; PF_BACKCHANNEL_REFUSALS],
}

/// Input of requests that are about one VF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_VF_INPUT {
    /// The VF.
    pub VfIndex: u16,
    /// Zero.
    pub Reserved: u16,
    /// What the request's description says.
    pub Argument: u32,
}

/// Output of [`IOCTL_PF_BACKCHANNEL_QUERY_VF`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_VF {
    /// The size of this structure, in bytes.
    pub Size: u32,
    /// How often the VF began a new life.
    pub Generation: u32,
    /// 0 absent, 1 enabled, 2 off.
    pub State: u8,
    /// 0 good, 1 throttled, 2 isolated, 3 on probation.
    pub Standing: u8,
    /// The operator's decision, as for [`IOCTL_PF_BACKCHANNEL_DECIDE_VF`].
    pub Decision: u8,
    /// Zero.
    pub Reserved: u8,
    /// Faults in the VF's present life.
    pub Faults: u32,
    /// Invalidations posted for the VF; wraps.
    pub InvalidationsPosted: u32,
    /// Invalidations told; wraps.
    pub InvalidationsTold: u32,
    /// Calls refused, by cause.
    pub Refusals: [u64; PF_BACKCHANNEL_REFUSALS],
}

/// Output of [`IOCTL_PF_BACKCHANNEL_QUERY_BLOCK`]; times in units of 100 ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_BLOCK {
    /// Calls answered with success.
    pub Served: u64,
    /// Bytes of those calls.
    pub Bytes: u64,
    /// When the last of them began.
    pub Last: u64,
    /// Calls that reached the handler.
    pub HandlerCalls: u64,
    /// Time spent in the handler.
    pub HandlerTotal: u64,
    /// Time of the longest handler call.
    pub HandlerLongest: u32,
    /// Calls refused; wraps.
    pub Refused: u32,
}

/// Output of [`IOCTL_PF_BACKCHANNEL_QUERY_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_EVENT {
    /// When, in units of 100 ns.
    pub Time: u64,
    /// The number of the event, from 1; wraps.
    pub Number: u32,
    /// In which life of the VF.
    pub Generation: u32,
    /// The block, or 0.
    pub Block: u32,
    /// What: the kind in the upper byte, the cause in the lower.
    pub Code: u16,
    /// The stated length of the transfer; 65,535 for anything above.
    pub Length: u16,
    /// The status that the caller was told.
    pub Status: u32,
    /// Zero.
    pub Reserved: u32,
}

/// Output of [`IOCTL_PF_BACKCHANNEL_QUERY_EVIDENCE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_EVIDENCE {
    /// When, in units of 100 ns.
    pub Time: u64,
    /// The block.
    pub Block: u32,
    /// The stated length.
    pub Length: u32,
    /// The cause of the refusal.
    pub Cause: u8,
    /// How many bytes were kept.
    pub Kept: u8,
    /// Zero.
    pub Reserved: [u8; 6],
    /// The bytes.
    pub Bytes: [u8; 128],
}

/// Input of [`IOCTL_PF_BACKCHANNEL_SET_BLOCK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_SET_BLOCK {
    /// The VF.
    pub VfIndex: u16,
    /// How many of the bytes count.
    pub Length: u16,
    /// The block.
    pub Block: u32,
    /// The content.
    pub Bytes: [u8; 128],
}

/// Input of [`IOCTL_PF_BACKCHANNEL_INVALIDATE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_INVALIDATE {
    /// The VF; 0xFFFF for all of them.
    pub VfIndex: u16,
    /// Zero.
    pub Reserved: [u8; 6],
    /// Bit n is block n.
    pub BlockMask: u64,
}

/// Input of [`IOCTL_PF_BACKCHANNEL_PERMIT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_PERMIT {
    /// The block.
    pub Block: u32,
    /// Bit 0: VFs may read it. Bit 1: VFs may write it. What its schema does not allow stays refused.
    pub Permission: u32,
}

/// Output of [`IOCTL_PF_BACKCHANNEL_QUERY_CHANGE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PF_BACKCHANNEL_CHANGE {
    /// When, in units of 100 ns.
    pub Time: u64,
    /// The number of the change, from 1; wraps.
    pub Number: u32,
    /// The process that asked.
    pub Process: u32,
    /// The code of the request.
    pub Code: u32,
    /// How it ended, an NTSTATUS.
    pub Status: u32,
    /// What it was about: the decision, or the block, or the lower half of the mask.
    pub Argument: u32,
    /// What else: the length, or the permission, or the upper half of the mask.
    pub Detail: u32,
    /// The VF; 0xFFFF for all of them.
    pub VfIndex: u16,
    /// Zero.
    pub Reserved: [u8; 6],
}

layout!(PF_BACKCHANNEL_PERMIT, 8, { Block: 0, Permission: 4 });
layout!(PF_BACKCHANNEL_CHANGE, 40, {
    Time: 0, Number: 8, Process: 12, Code: 16, Status: 20, Argument: 24, Detail: 28, VfIndex: 32,
});
layout!(PF_BACKCHANNEL_PF, 176, {
    Size: 0, NumVFs: 4, TotalVFs: 6, References: 8, Conversation: 12, QueryStopTimeouts: 16, InvalidationRequests: 20,
    Refusals: 24,
});
layout!(PF_BACKCHANNEL_VF_INPUT, 8, { VfIndex: 0, Argument: 4 });
layout!(PF_BACKCHANNEL_VF, 176, {
    Size: 0, Generation: 4, State: 8, Standing: 9, Decision: 10, Faults: 12, InvalidationsPosted: 16,
    InvalidationsTold: 20, Refusals: 24,
});
layout!(PF_BACKCHANNEL_BLOCK, 48, { Served: 0, Bytes: 8, Last: 16, HandlerCalls: 24, HandlerTotal: 32, HandlerLongest: 40, Refused: 44 });
layout!(PF_BACKCHANNEL_EVENT, 32, { Time: 0, Number: 8, Generation: 12, Block: 16, Code: 20, Length: 22, Status: 24 });
layout!(PF_BACKCHANNEL_EVIDENCE, 152, { Time: 0, Block: 8, Length: 12, Cause: 16, Kept: 17, Bytes: 24 });
layout!(PF_BACKCHANNEL_SET_BLOCK, 136, { VfIndex: 0, Length: 2, Block: 4, Bytes: 8 });
layout!(PF_BACKCHANNEL_INVALIDATE, 16, { VfIndex: 0, BlockMask: 8 });

#[cfg(test)]
mod tests {
    use super::{IOCTL_PF_BACKCHANNEL_INVALIDATE, IOCTL_PF_BACKCHANNEL_QUERY_PF, PF_BACKCHANNEL_REFUSALS};
    use crate::refusal::Refusal;

    #[test]
    fn codes_are_buffered_and_changes_need_write_access() {
        assert_eq!(
            (IOCTL_PF_BACKCHANNEL_QUERY_PF, IOCTL_PF_BACKCHANNEL_INVALIDATE),
            (0x0022_6400, 0x0022_E420)
        );
    }

    #[test]
    fn every_cause_of_a_refusal_has_its_place() {
        assert_eq!(Refusal::COUNT, PF_BACKCHANNEL_REFUSALS);
    }
}
