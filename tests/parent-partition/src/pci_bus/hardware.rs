//! The functions that are plugged in: the PF's registers, and the VFs while they are on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::function::{DEVICE_CONTROL, Function, SRIOV_OFFSET};
use super::registers::Registers;
use crate::judge::{Rule, violation_at};
use crate::machine::{injection, thread_block};
use crate::nt::status::{self, Status};

/// One plugged-in function.
#[derive(Debug)]
pub(crate) struct Hardware {
    function: Function,
    state: Mutex<State>,
}

struct State {
    present: bool,
    pf: Registers,
    /// As many as are on.
    vfs: Vec<Registers>,
    /// The code that turned the VFs on.
    enabled_at: usize,
    /// References that drivers hold on interfaces, and the code that asked for the first of them.
    references: u32,
    asked_at: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("present", &self.present)
            .field("vfs", &self.vfs.len())
            .finish_non_exhaustive()
    }
}

impl Hardware {
    /// Plugs a function in; it is known by its physical device object.
    pub(super) fn plug(pdo: usize, function: Function) {
        let state = State {
            present: true,
            pf: function.registers(),
            vfs: Vec::new(),
            enabled_at: 0,
            references: 0,
            asked_at: 0,
        };
        plugged().insert(pdo, Arc::new(Self { function, state: Mutex::new(state) }));
    }

    /// The function behind a physical device object.
    pub(crate) fn find(pdo: usize) -> Option<Arc<Self>> {
        plugged().get(&pdo).cloned()
    }

    /// Forgets a function whose physical device object goes.
    pub(super) fn forget(pdo: usize) {
        plugged().remove(&pdo);
    }

    /// What the function is.
    pub(crate) fn function(&self) -> &Function {
        &self.function
    }

    /// The function is pulled out: whoever touches it from now on meets nobody.
    pub(super) fn pull(&self) {
        let mut state = self.state();
        state.present = false;
        state.vfs.clear();
    }

    /// How many VFs are on.
    pub(crate) fn vfs(&self) -> u16 {
        self.state().vfs.len() as u16
    }

    /// Breaks [`Rule::VfsEnabled`] when VFs are on in a function that is about to stop.
    pub(super) fn expect_vfs_off(&self, when: &str) {
        let (vfs, at) = {
            let state = self.state();
            (state.vfs.len(), state.enabled_at)
        };
        // The bus itself kept them on.
        let refused = injection::failed() == Some("EnableVirtualization");
        if vfs != 0 && !refused {
            violation_at(
                Rule::VfsEnabled,
                "EnableVirtualization",
                at,
                format_args!("{vfs} VFs are on at {when}"),
            );
        }
    }

    /// Breaks [`Rule::Leak`] when a driver holds an interface of the function that goes.
    pub(super) fn expect_unreferenced(&self) {
        let (references, at) = {
            let state = self.state();
            (state.references, state.asked_at)
        };
        if references != 0 {
            violation_at(
                Rule::Leak,
                "",
                at,
                format_args!("left behind: {references} references of bus interfaces"),
            );
        }
    }

    /// Counts one reference more.
    pub(super) fn reference(&self) {
        let at = thread_block::current().map_or(0, |block| block.return_address());
        let mut state = self.state();
        state.references += 1;
        if state.references == 1 {
            state.asked_at = at;
        }
    }

    /// Counts one reference less; `false` when there is none.
    #[must_use]
    pub(super) fn dereference(&self) -> bool {
        let mut state = self.state();
        let left = state.references.checked_sub(1);
        state.references = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether a driver holds an interface.
    pub(super) fn is_referenced(&self) -> bool {
        self.state().references != 0
    }

    /// Reads the PF's registers; all ones from a function that is gone.
    pub(super) fn read(&self, offset: u32, length: u32) -> Vec<u8> {
        let state = self.state();
        let bytes = state.pf.read(offset, length);
        if state.present { bytes.to_vec() } else { vec![0xFF; bytes.len()] }
    }

    /// Writes the PF's registers.
    pub(super) fn write(&self, offset: u32, data: &[u8]) -> u32 {
        self.state().pf.write(offset, data)
    }

    /// Reads a VF's registers; nothing from one that is not on.
    pub(super) fn read_vf(&self, vf: u16, offset: u32, length: u32) -> Vec<u8> {
        let state = self.state();
        state.vfs.get(usize::from(vf)).map_or_else(Vec::new, |vf| vf.read(offset, length).to_vec())
    }

    /// Writes a VF's registers and returns how many bytes it took; a function level reset is over at once.
    pub(super) fn write_vf(&self, vf: u16, offset: u32, data: &[u8]) -> u32 {
        let mut state = self.state();
        let Some(registers) = state.vfs.get_mut(usize::from(vf)) else { return 0 };
        let written = registers.write(offset, data);
        // SPEC: the bit reads as zero; writing one resets the function.
        let begins_reset = (DEVICE_CONTROL + 1)
            .checked_sub(offset as usize)
            .and_then(|index| data.get(index))
            .is_some_and(|byte| byte & 0x80 != 0);
        if begins_reset {
            registers.reset();
        }
        written
    }

    /// Turns `count` VFs on, or all off.
    ///
    /// # Errors
    /// STATUS_NO_SUCH_DEVICE, STATUS_INVALID_DEVICE_STATE without the capability, STATUS_INVALID_PARAMETER.
    pub(super) fn enable(&self, count: u16, on: bool) -> Result<(), Status> {
        let at = thread_block::current().map_or(0, |block| block.return_address());
        let mut state = self.state();
        if !state.present {
            return Err(status::NO_SUCH_DEVICE);
        }
        if self.function.total_vfs == 0 {
            return Err(status::INVALID_DEVICE_STATE);
        }
        // SPEC: the page asks for 0 to disable and lists 0 as wrong; it is wrong only to enable.
        let is_right = if on { (1..=self.function.total_vfs).contains(&count) } else { count == 0 };
        // SPEC: NumVFs must not change while VF Enable is set.
        if !is_right || on && !state.vfs.is_empty() {
            return Err(status::INVALID_PARAMETER);
        }
        state.vfs = (0..count).map(|_| Function::vf_registers()).collect();
        state.enabled_at = at;
        state.pf.change(SRIOV_OFFSET + 0x10, count.to_le_bytes());
        // Control: VF Enable and VF Memory Space Enable.
        state.pf.change(SRIOV_OFFSET + 0x08, (if on { 0x0009_u16 } else { 0 }).to_le_bytes());
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plugged() -> MutexGuard<'static, BTreeMap<usize, Arc<Hardware>>> {
    static PLUGGED: Mutex<BTreeMap<usize, Arc<Hardware>>> = Mutex::new(BTreeMap::new());
    PLUGGED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{DEVICE_CONTROL, Function, Hardware, SRIOV_OFFSET};
    use crate::nt::status;
    use std::sync::Arc;

    fn hardware(pdo: usize, total_vfs: u16) -> Arc<Hardware> {
        Hardware::plug(
            pdo,
            Function { vendor: 1, device: 2, vf_device: 3, total_vfs, ..Function::default() },
        );
        Hardware::find(pdo).expect("just plugged in")
    }

    #[test]
    fn vfs_have_registers_only_while_they_are_on() {
        let hardware = hardware(1, 4);
        assert_eq!(hardware.read_vf(0, 0, 4), [0; 0]);
        assert_eq!(hardware.enable(2, true), Ok(()));
        assert_eq!(hardware.read_vf(1, 0, 4), [0xFF; 4]);
        assert_eq!(hardware.read_vf(2, 0, 4), [0; 0]);
        assert_eq!(hardware.read(SRIOV_OFFSET as u32 + 0x10, 2), [2, 0]);
        assert_eq!(hardware.enable(0, false), Ok(()));
        assert_eq!(hardware.read_vf(1, 0, 4), [0; 0]);
    }

    #[test]
    fn wrong_counts_are_refused() {
        let hardware = hardware(2, 4);
        for (count, on) in [(0, true), (5, true), (1, false)] {
            assert_eq!(hardware.enable(count, on), Err(status::INVALID_PARAMETER), "{count} {on}");
        }
        assert_eq!(hardware.enable(4, true), Ok(()));
        assert_eq!(hardware.enable(4, true), Err(status::INVALID_PARAMETER));
    }

    #[test]
    fn function_level_reset_clears_what_software_wrote() {
        let hardware = hardware(3, 1);
        hardware.enable(1, true).expect("one VF");
        hardware.write_vf(0, 4, &[0x04]);
        assert_eq!(hardware.read_vf(0, 4, 1), [0x04]);
        hardware.write_vf(0, DEVICE_CONTROL as u32, &[0x00, 0x80]);
        assert_eq!(hardware.read_vf(0, 4, 1), [0]);
        assert_eq!(hardware.read_vf(0, DEVICE_CONTROL as u32, 2), [0, 0]);
    }

    #[test]
    fn pulled_function_answers_all_ones() {
        let hardware = hardware(4, 1);
        hardware.enable(1, true).expect("one VF");
        hardware.pull();
        assert_eq!(hardware.read(0, 4), [0xFF; 4]);
        assert_eq!(hardware.read_vf(0, 0, 4), [0; 0]);
        assert_eq!(hardware.enable(0, false), Err(status::NO_SUCH_DEVICE));
    }
}
