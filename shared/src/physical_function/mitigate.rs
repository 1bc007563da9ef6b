//! Mitigated registers: which ranges a VF has, and a guest's access to one.
//!
//! An access is a call of its VF: it enters the VF's gate, so that it neither overlaps a handler's call for the VF nor
//! outlives the VF's life, and a stop awaits it no longer than others. That ranges have changed is state, like an
//! invalidation: a mark of the VF, taken by who tells the virtualization stack.

use lock_api::RawMutex;

use super::PhysicalFunction;
use crate::bar::BARS;
use crate::gate::{Gated, Turned};
use crate::mitigation::{LONGEST_ACCESS, Mitigated, MitigatedRange, Register, RegisterAccess};
use crate::platform::Platform;
use crate::status::NtStatus;
use crate::sync::Ordering;
use crate::transfer::{Sink, Source};
use crate::vf::{Generation, Vf, VfIndex, VfState};

impl<G: Gated<BLOCKS>, R: RawMutex, const BLOCKS: usize> PhysicalFunction<'_, G, R, BLOCKS>
where
    Self: Sync,
{
    /// Counts the mitigated ranges of each register of a VF.
    ///
    /// `vf` is as the VSP gave it. Source: `pcivirt.h`, `IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT`.
    ///
    /// # Errors
    ///
    /// `STATUS_DEVICE_NOT_READY`: the PF is stopped. `STATUS_INVALID_PARAMETER`: there is no such VF.
    /// `STATUS_INTERNAL_ERROR`: a range is wrong.
    // SPEC: abi 6.24: the page has the sender set the VF's index to 0, and calls the counts ranges; by the structures it is any
    // VF's, and one count for each of its six registers.
    pub fn mitigated_range_counts(&self, by: &Mitigated<'_>, vf: u16) -> Result<[u32; BARS], NtStatus> {
        let vf = self.mitigated_vf(vf)?;
        let mut counts = [0; BARS];
        for (bar, count) in (0..).zip(&mut counts) {
            *count = by.count(vf, bar)?;
        }
        Ok(counts)
    }

    /// Gives each mitigated range of a register of a VF to `act`, in ascending order.
    ///
    /// Source: `pcivirt.h`, `IOCTL_SRIOV_QUERY_MITIGATED_RANGES`.
    ///
    /// # Errors
    ///
    /// As [`mitigated_range_counts`](Self::mitigated_range_counts), and `STATUS_INVALID_PARAMETER`: there can be no such
    /// register. What was given before an error is void.
    pub fn mitigated_ranges(
        &self,
        by: &Mitigated<'_>,
        vf: u16,
        bar: u8,
        act: &mut dyn FnMut(MitigatedRange),
    ) -> Result<(), NtStatus> {
        by.each(self.mitigated_vf(vf)?, bar, act)
    }

    /// Answers a guest's read of a mitigated register, 1 to 8 bytes long.
    ///
    /// A refused read fills the buffer with zeros if it is not NULL and its length is 1 to 8, and else touches nothing.
    /// Called at `PASSIVE_LEVEL`; waits for earlier calls of the VF up to the time budget. Isolation by policy is for
    /// blocks alone.
    ///
    /// Source: `pcivirt.h`, `READ_WRITE_MITIGATED_REGISTER`.
    pub fn read_register<P: Platform>(
        &self,
        by: &Mitigated<'_>,
        vf: u16,
        at: Register,
        sink: &mut impl Sink,
        platform: &P,
    ) -> NtStatus {
        let mut bytes = [0; LONGEST_ACCESS];
        let Some(place) = part(&mut bytes, sink.is_null(), sink.length()) else {
            return NtStatus::INVALID_PARAMETER;
        };
        let done = self.access(vf, at, platform, &mut |access| {
            by.check(access.vf, at, sink.length(), |range| range.reads)?;
            by.read(access, place)
        });
        sink.fill(if done.is_ok() { place } else { &[] });
        done.map_or_else(|status| status, |()| NtStatus::SUCCESS)
    }

    /// Takes a guest's write to a mitigated register, 1 to 8 bytes long. Otherwise as [`read_register`](Self::read_register).
    pub fn write_register<P: Platform>(
        &self,
        by: &Mitigated<'_>,
        vf: u16,
        at: Register,
        source: &impl Source,
        platform: &P,
    ) -> NtStatus {
        let mut bytes = [0; LONGEST_ACCESS];
        let Some(place) = part(&mut bytes, source.is_null(), source.length()) else {
            return NtStatus::INVALID_PARAMETER;
        };
        let done = self.access(vf, at, platform, &mut |access| {
            by.check(access.vf, at, source.length(), |range| range.writes)?;
            source.copy_to(place);
            by.write(access, place)
        });
        done.map_or_else(|status| status, |()| NtStatus::SUCCESS)
    }

    /// Says whether ranges may have changed that nobody was told of: one load, for a host to look at after each call.
    #[must_use]
    pub fn has_range_updates(&self) -> bool {
        self.ranges_changed.load(Ordering::Acquire) != 0
    }

    /// Has the virtualization stack ask for a VF's ranges again; afterwards a host looks whether a request is parked.
    pub fn update_mitigated_ranges(&self, vf: VfIndex) {
        if let Some(vf) = self.vf(vf) {
            vf.ranges_changed.store(1, Ordering::Release);
            self.ranges_changed.store(1, Ordering::Release);
        }
    }

    /// Takes the mark of a VF whose ranges have changed; who took it tells it, or puts it back by
    /// [`update_mitigated_ranges`](Self::update_mitigated_ranges).
    #[must_use]
    pub fn take_range_update(&self, vf: VfIndex) -> bool {
        self.vf(vf).is_some_and(|vf| vf.ranges_changed.swap(0, Ordering::AcqRel) != 0)
    }

    /// Takes note that each mark of a VF will be looked for.
    ///
    /// INVARIANT: to be called before the search: what is marked during it is noted again. A read-modify-write, so that the
    /// search sees the VF's mark of whoever it overwrites.
    pub fn begin_range_updates(&self) {
        let _mark = self.ranges_changed.swap(0, Ordering::AcqRel);
    }

    /// Drops all marks: the VSP has detached, and asks for all ranges when it comes back.
    pub fn drop_range_updates(&self) {
        for (_, vf) in self.every_vf() {
            vf.ranges_changed.store(0, Ordering::Release);
        }
    }

    fn mitigated_vf(&self, vf: u16) -> Result<Vf, NtStatus> {
        let index = self.served(vf).map_err(super::VfError::status)?;
        self.vf_identity(index).ok_or(NtStatus::INVALID_PARAMETER)
    }

    /// Runs an access in its VF's gate.
    #[cold]
    #[inline(never)]
    fn access<P: Platform>(
        &self,
        vf: u16,
        at: Register,
        platform: &P,
        act: &mut dyn FnMut(&RegisterAccess<'_>) -> Result<(), NtStatus>,
    ) -> Result<(), NtStatus> {
        let Vf { index, .. } = self.mitigated_vf(vf)?;
        let vf = self.vf(index).ok_or(NtStatus::INVALID_PARAMETER)?;
        let mut inside =
            vf.enter(index.value(), self.time_budget(), platform).map_err(|turned| match turned {
                Turned::Closed => NtStatus::DEVICE_NOT_READY,
                Turned::Crowded | Turned::TimedOut => NtStatus::IO_TIMEOUT,
            })?;
        let mut owned = inside.open(&vf.gated).ok_or(NtStatus::DEVICE_NOT_READY)?;
        self.settle(vf, index, &mut owned, platform);
        let generation = Generation::new(owned.settled);
        let done = match vf.state() {
            VfState::Absent => Err(NtStatus::DEVICE_NOT_READY),
            VfState::Off => Err(NtStatus::INVALID_DEVICE_STATE),
            VfState::Enabled => act(&RegisterAccess { vf: Vf { index, generation }, at, services: self }),
        };
        // What a reset has overtaken is no answer for the VF's next life.
        let done = if vf.generation() == generation { done } else { Err(NtStatus::DEVICE_NOT_READY) };
        self.settle_again(vf, index, &mut owned, platform);
        done
    }
}

/// As many bytes as an access has, if that is 1 to 8 and its buffer is there.
fn part(bytes: &mut [u8; LONGEST_ACCESS], is_null: bool, length: u32) -> Option<&mut [u8]> {
    let length = usize::try_from(length).ok().filter(|length| *length != 0 && !is_null)?;
    bytes.get_mut(..length)
}
