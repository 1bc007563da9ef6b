//! What the virtualization stack asks of a PF besides blocks, and what power does to it.
//!
//! Every answer is definite at any time: outside D0, and after the device is gone, it is `STATUS_DEVICE_NOT_READY`.

use core::sync::atomic::Ordering;

use backchannel::{
    BARS, MILLISECOND, NtStatus, VfError, VfPowerState,
    abi::{LUID, pcivirt::CM_PARTIAL_RESOURCE_DESCRIPTOR},
    function_level_reset, set_power,
};

use crate::{
    bus::Location,
    hardware::Hardware,
    irql::{pause, unique_id},
    pf::Pf,
    rundown::Inside,
};

impl Pf {
    /// Takes the hardware, and brings memory for its VFs.
    ///
    /// # Errors
    /// No memory, no identifier, or there is hardware already.
    pub(crate) fn prepare(&self, hardware: Hardware) -> Result<(), NtStatus> {
        if self.luid.load(Ordering::Relaxed) == 0 {
            self.luid.store(unique_id()?, Ordering::Relaxed);
        }
        self.make_room(hardware.vfs().0)?;
        if self.hardware.fill(hardware) { Ok(()) } else { Err(NtStatus::INVALID_DEVICE_STATE) }
    }

    /// Turns the VFs on and serves them (D0 entry). What a failure leaves half-done is undone.
    ///
    /// # Errors
    /// What the bus driver says, or the PF is started.
    pub(crate) fn power_up(&self) -> Result<(), NtStatus> {
        let hardware = self.hardware.enter_closed().ok_or(NtStatus::INVALID_DEVICE_STATE)?;
        hardware.enable()?;
        if let Err(status) = self.start(hardware.vfs().0) {
            let _first_failure_counts = hardware.disable();
            return Err(status);
        }
        drop(hardware);
        self.hardware.open();
        self.tell_invalidations();
        Ok(())
    }

    /// Serves nobody any more and turns the VFs off (D0 exit); a device that is gone is not touched.
    pub(crate) fn power_down(&self) {
        self.refuse_calls();
        if self.gone.load(Ordering::Acquire) {
            return;
        }
        if let Some(hardware) = self.hardware.enter_closed() {
            // There is nobody to tell: leaving D0 cannot be refused.
            let _status = hardware.disable();
        }
    }

    /// Lets no call in any more, and waits for those inside.
    pub(crate) fn refuse_calls(&self) {
        self.hardware.close(wait);
        self.stop();
    }

    /// The hardware, for a VF that there is.
    ///
    /// # Errors
    /// The PF is not in D0, or there is no such VF.
    pub(crate) fn vf(&self, vf: u16) -> Result<Inside<'_, Hardware>, NtStatus> {
        let hardware = self.hardware.enter().ok_or(NtStatus::DEVICE_NOT_READY)?;
        // SPEC: abi 6.4, 6.18: VFs are counted from 0; one sample answers a wrong index with an invalid parameter, another with an
        // invalid request. It is the parameter that is invalid.
        if vf < hardware.vfs().0 { Ok(hardware) } else { Err(NtStatus::INVALID_PARAMETER) }
    }

    /// Where a VF is on the bus.
    pub(crate) fn location(&self, vf: u16) -> Result<Location, NtStatus> {
        self.vf(vf)?.bus()?.location(vf)
    }

    /// The vendor id and the device id of a VF.
    pub(crate) fn vf_ids(&self, vf: u16) -> Result<(u16, u16), NtStatus> {
        Ok(self.vf(vf)?.vf_ids())
    }

    /// The registers of VFs as read after ones were written to them.
    pub(crate) fn probed_bars(&self) -> Result<[u32; BARS], NtStatus> {
        let hardware = self.hardware.enter().ok_or(NtStatus::DEVICE_NOT_READY)?;
        Ok(hardware.probed_bars().values())
    }

    /// The registers of one VF: all VFs have the same.
    pub(crate) fn probed_bars_of(&self, vf: u16) -> Result<[u32; BARS], NtStatus> {
        Ok(self.vf(vf)?.probed_bars().values())
    }

    /// The memory behind a register of a VF.
    pub(crate) fn resource(&self, vf: u16, bar: u16) -> Result<CM_PARTIAL_RESOURCE_DESCRIPTOR, NtStatus> {
        let hardware = self.vf(vf)?;
        if usize::from(bar) < BARS {
            Ok(hardware.resource(vf, bar.into()))
        } else {
            Err(NtStatus::INVALID_PARAMETER)
        }
    }

    /// Resets a VF: first its hardware, where that can be reset alone, then what it left here.
    pub(crate) fn reset_vf(&self, vf: u16) -> Result<(), NtStatus> {
        let hardware = self.vf(vf)?;
        let reset = function_level_reset(&hardware.bus()?.config_space(vf), pause);
        drop(hardware);
        let serving = self.serving().ok_or(NtStatus::DEVICE_NOT_READY)?;
        serving.engine.reset_vf(vf, &serving.kernel()).map_err(VfError::status)?;
        self.tell_invalidations();
        reset.map(|_| ()).map_err(|_| NtStatus::UNSUCCESSFUL)
    }

    /// Puts a VF into a power state; its calls are refused in D3 before its hardware sleeps, and served after it woke.
    pub(crate) fn set_vf_power(&self, vf: u16, state: i32, wake: bool) -> Result<(), NtStatus> {
        let hardware = self.vf(vf)?;
        let named = VfPowerState::from_raw(state).ok_or(NtStatus::INVALID_PARAMETER)?;
        let space = hardware.bus()?.config_space(vf);
        if named != VfPowerState::D0 {
            self.set_engine_power(vf, state)?;
        }
        set_power(&space, named, wake, pause).map_err(|_| NtStatus::UNSUCCESSFUL)?;
        if named == VfPowerState::D0 {
            self.set_engine_power(vf, state)?;
        }
        self.tell_invalidations();
        Ok(())
    }

    fn set_engine_power(&self, vf: u16, state: i32) -> Result<(), NtStatus> {
        let serving = self.serving().ok_or(NtStatus::DEVICE_NOT_READY)?;
        serving.engine.set_vf_power(vf, state, &serving.kernel()).map_err(VfError::status)
    }

    /// The PF's identifier: the same from the first start to the last reference.
    pub(crate) fn identifier(&self) -> Result<LUID, NtStatus> {
        match self.luid.load(Ordering::Relaxed) {
            0 => Err(NtStatus::DEVICE_NOT_READY),
            luid => Ok(LUID::from_value(luid)),
        }
    }

    /// The PF's identifier, in D0.
    pub(crate) fn luid(&self) -> Result<LUID, NtStatus> {
        let _in_d0 = self.hardware.enter().ok_or(NtStatus::DEVICE_NOT_READY)?;
        self.identifier()
    }

    /// A VF's identifier: the same as long as the PF is there.
    ///
    /// SPEC: abi 6.16: the page of this member describes another one; by its name and parameters it gives the VF's.
    pub(crate) fn vf_luid(&self, vf: u16) -> Result<LUID, NtStatus> {
        let _in_d0 = self.vf(vf)?;
        let serving = self.serving().ok_or(NtStatus::DEVICE_NOT_READY)?;
        let luid = serving.luids.get(usize::from(vf)).ok_or(NtStatus::INVALID_PARAMETER)?;
        Ok(LUID::from_value(luid.load(Ordering::Relaxed)))
    }

    /// The VF that has an identifier.
    pub(crate) fn vf_of_luid(&self, wanted: LUID) -> Result<u16, NtStatus> {
        let hardware = self.hardware.enter().ok_or(NtStatus::DEVICE_NOT_READY)?;
        let serving = self.serving().ok_or(NtStatus::DEVICE_NOT_READY)?;
        let wanted = wanted.value();
        (0..hardware.vfs().0)
            .zip(serving.luids.iter())
            .find_map(|(vf, luid)| (luid.load(Ordering::Relaxed) == wanted).then_some(vf))
            .ok_or(NtStatus::INVALID_PARAMETER)
    }
}

/// Lets those inside go on for a moment.
pub(crate) fn wait() {
    pause(MILLISECOND);
}
