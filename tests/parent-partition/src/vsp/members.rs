//! The members of the PF's interface beside the two of blocks, each called with exactly the arguments given.
//!
//! Whatever the PF is to fill ends at an inaccessible page and holds a pattern before the call.

use super::buffer::Lender;
use super::pf::{Pf, address};
use crate::invoke;
use crate::judge::{self, Rule};
use crate::machine::irql;
use crate::nt::status::{self, Status};
use crate::sys::{LUID, SRIOV_DEVICE_INTERFACE_STANDARD_2};

/// What a member that fills memory is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// Room for what it answers.
    Room,
    /// A NULL pointer.
    Null,
}

/// The arguments of ReadWriteMitigatedRegister besides its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterAccess {
    /// Any VF index.
    pub vf: u16,
    /// Whether it is a read.
    pub read: bool,
    /// Any register.
    pub bar: u16,
    /// Any offset.
    pub offset: u64,
    /// Any length.
    pub length: u32,
}

/// What a member said, and what its memory held then; no bytes where it got a NULL pointer.
pub type Filled = (Status, Vec<u8>);

impl Pf {
    /// Calls ReadVfConfig; `before` is what the buffer holds, `None` a NULL buffer.
    pub fn read_config(&self, vf: u16, offset: u32, length: u32, before: Option<&[u8]>) -> Filled {
        let member = self.member("ReadVfConfig", address(self.table().ReadVfConfig));
        let call = |data| member.call(|routine, context| invoke!(routine; context, data, vf, offset, length));
        let Some(before) = before else { return (call(std::ptr::null_mut()), Vec::new()) };
        let mut lender = Lender::new(before.len());
        let lent = lender.lend(before);
        let status = call(lent.pointer());
        (status, lent.back(member.name, member.routine))
    }

    /// Calls WriteVfConfig; `None` is a NULL buffer. Breaks [`Rule::Access`] when the routine changed the buffer.
    pub fn write_config(&self, vf: u16, offset: u32, length: u32, data: Option<&[u8]>) -> Status {
        let member = self.member("WriteVfConfig", address(self.table().WriteVfConfig));
        let call = |data| member.call(|routine, context| invoke!(routine; context, data, vf, offset, length));
        let Some(data) = data else { return call(std::ptr::null_mut()) };
        let mut lender = Lender::new(data.len());
        let lent = lender.lend(data);
        let status = call(lent.pointer());
        if lent.back(member.name, member.routine) != data {
            judge::violation_at(
                Rule::Access,
                member.name,
                member.routine,
                "changed the buffer it was given to read",
            );
        }
        status
    }

    /// Calls QueryProbedBars, for six registers.
    pub fn probed_bars(&self, out: Out) -> Filled {
        let member = self.member("QueryProbedBars", address(self.table().QueryProbedBars));
        member.fill(out, 24, |routine, context, bars| invoke!(routine; context, bars))
    }

    /// Calls GetVendorAndDevice; the two identifiers.
    pub fn vendor_and_device(&self, vf: u16, out: Out) -> [Vec<u8>; 2] {
        let member = self.member("GetVendorAndDevice", address(self.table().GetVendorAndDevice));
        let mut device = Vec::new();
        let (_, vendor) = member.fill(out, 2, |routine, context, vendor| {
            let filled = member.fill(out, 2, |_, _, device| invoke!(routine; context, vf, vendor, device));
            device = filled.1;
            0
        });
        [vendor, device]
    }

    /// Calls GetDeviceLocation; segment, bus and function.
    pub fn location(&self, vf: u16, out: Out) -> [Vec<u8>; 3] {
        let member = self.member("GetDeviceLocation", address(self.table().GetDeviceLocation));
        let (mut bus, mut function) = (Vec::new(), Vec::new());
        let (_, segment) = member.fill(out, 2, |routine, context, segment| {
            bus = member
                .fill(out, 1, |_, _, bus| {
                    function = member
                        .fill(out, 1, |_, _, function| invoke!(routine; context, vf, segment, bus, function))
                        .1;
                    0
                })
                .1;
            0
        });
        [segment, bus, function]
    }

    /// Calls ResetVf.
    pub fn reset(&self, vf: u16) -> Status {
        let member = self.member("ResetVf", address(self.table().ResetVf));
        member.call(|routine, context| invoke!(routine; context, vf))
    }

    /// Calls SetVfPowerState with any DEVICE_POWER_STATE.
    pub fn set_power(&self, vf: u16, state: i32, wake: bool) -> Status {
        let member = self.member("SetVfPowerState", address(self.table().SetVfPowerState));
        member.call(|routine, context| invoke!(routine; context, vf, state, wake))
    }

    /// Calls GetResourceForBar; one CM_PARTIAL_RESOURCE_DESCRIPTOR.
    pub fn resource_for_bar(&self, vf: u16, bar: u16, out: Out) -> Filled {
        let member = self.member("GetResourceForBar", address(self.table().GetResourceForBar));
        member.fill(out, 20, |routine, context, resource| invoke!(routine; context, vf, bar, resource))
    }

    /// Calls QueryLuid.
    pub fn luid(&self, out: Out) -> Filled {
        let member = self.member("QueryLuid", address(self.table().QueryLuid));
        member.fill(out, LUID_SIZE, |routine, context, luid| invoke!(routine; context, luid))
    }

    /// Calls QueryProbedBars_2 of version 2.
    ///
    /// # Errors
    /// The PF does not have that version.
    pub fn probed_bars_of(&self, vf: u16, out: Out) -> Result<Filled, Status> {
        self.with_second(|pf, second| {
            let member = pf.member("QueryProbedBars_2", address(second.QueryProbedBars_2));
            member.fill(out, 24, |routine, context, bars| invoke!(routine; context, vf, bars))
        })
    }

    /// Calls QueryVfLuid of version 2.
    ///
    /// # Errors
    /// The PF does not have that version.
    pub fn vf_luid(&self, vf: u16, out: Out) -> Result<Filled, Status> {
        self.with_second(|pf, second| {
            let member = pf.member("QueryVfLuid", address(second.QueryVfLuid));
            member.fill(out, LUID_SIZE, |routine, context, luid| invoke!(routine; context, vf, luid))
        })
    }

    /// Calls QueryLuidVf of version 2; the VF index.
    ///
    /// # Errors
    /// The PF does not have that version.
    pub fn luid_vf(&self, luid: [u8; LUID_SIZE], out: Out) -> Result<Filled, Status> {
        // A structure of eight bytes travels by value, in one register.
        let luid = u64::from_le_bytes(luid);
        self.with_second(|pf, second| {
            let member = pf.member("QueryLuidVf", address(second.QueryLuidVf));
            member.fill(out, 2, |routine, context, vf| invoke!(routine; context, luid, vf))
        })
    }

    /// Has the PF carry out a guest's access to a mitigated register: a write of `data`, or a read into as many bytes.
    ///
    /// `None` is a NULL buffer. Breaks [`Rule::Access`] when a write changed the buffer.
    ///
    /// # Errors
    /// The PF has no such registers.
    pub fn access_register(&self, access: &RegisterAccess, data: Option<&[u8]>) -> Result<Filled, Status> {
        let table = self.mitigable().ok_or(status::NOT_SUPPORTED)?;
        let routine = address(table.ReadWriteMitigatedRegister);
        let member = Member {
            name: "ReadWriteMitigatedRegister",
            routine,
            context: table.Context.expose_provenance(),
        };
        let RegisterAccess { vf, read, bar, offset, length } = *access;
        let call = |data: *mut u8| {
            member.call(|routine, context| invoke!(routine; context, vf, read, bar, offset, length, data))
        };
        let filled = match data {
            None => (call(std::ptr::null_mut()), Vec::new()),
            Some(data) => {
                let mut lender = Lender::new(data.len());
                let lent = lender.lend(data);
                (call(lent.pointer()), lent.back(member.name, routine))
            }
        };
        invoke!(address(table.InterfaceDereference); table.Context);
        if !read && data.is_some_and(|data| data != filled.1) {
            judge::violation_at(
                Rule::Access,
                member.name,
                routine,
                "changed the buffer it was given to read",
            );
        }
        Ok(filled)
    }

    fn with_second<T>(
        &self,
        call: impl FnOnce(&Self, &SRIOV_DEVICE_INTERFACE_STANDARD_2) -> T,
    ) -> Result<T, Status> {
        let second = self.second().ok_or(status::NOT_SUPPORTED)?;
        let value = call(self, &second);
        invoke!(address(second.InterfaceDereference); second.Context);
        Ok(value)
    }

    /// Breaks [`Rule::BadParameter`] when the PF left the member out.
    fn member(&self, name: &'static str, routine: usize) -> Member {
        if routine == 0 {
            let at = address(self.table().InterfaceReference);
            let detail = format_args!("answered an interface without {name}");
            judge::violation_at(Rule::BadParameter, "IRP_MN_QUERY_INTERFACE", at, detail);
        }
        Member { name, routine, context: self.table().Context.expose_provenance() }
    }
}

struct Member {
    name: &'static str,
    routine: usize,
    context: usize,
}

impl Member {
    /// Calls at PASSIVE_LEVEL, as the header has it of every member.
    fn call(&self, call: impl FnOnce(usize, usize) -> u64) -> Status {
        judge::irql_exactly(irql::PASSIVE_LEVEL);
        call(self.routine, self.context) as Status
    }

    /// Calls with memory for `size` bytes.
    fn fill(&self, out: Out, size: usize, call: impl FnOnce(usize, usize, *mut u8) -> u64) -> Filled {
        if out == Out::Null {
            return (self.call(|routine, context| call(routine, context, std::ptr::null_mut())), Vec::new());
        }
        let mut lender = Lender::new(size);
        let lent = lender.lend(&vec![UNTOUCHED; size]);
        let status = self.call(|routine, context| call(routine, context, lent.pointer()));
        (status, lent.back(self.name, self.routine))
    }
}

/// Bytes of a LUID.
pub const LUID_SIZE: usize = size_of::<LUID>();
/// What memory holds before a member fills it.
pub const UNTOUCHED: u8 = 0xA5;
