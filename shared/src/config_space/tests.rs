//! Functions as they should be, and as they should not.

use core::cell::{Cell, RefCell};

use super::{
    ConfigSpace, NoAnswer, SriovCapability, function_level_reset, identity, set_power, sriov_capability,
};
use crate::platform::MILLISECOND;
use crate::vf::VfPowerState;

/// A function of 4096 bytes.
struct Function {
    bytes: RefCell<Vec<u8>>,
    answers: Cell<bool>,
}

impl Function {
    /// The double words that are not 0, by offset.
    fn new(words: &[(usize, u32)]) -> Self {
        let mut bytes = vec![0; 4096];
        for (offset, value) in words {
            bytes[*offset..][..4].copy_from_slice(&value.to_le_bytes());
        }
        Self { bytes: RefCell::new(bytes), answers: Cell::new(true) }
    }

    fn word(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.bytes.borrow()[offset..][..2].try_into().unwrap())
    }
}

impl ConfigSpace for Function {
    fn read(&self, offset: u16) -> Option<u32> {
        assert_eq!(offset % 4, 0, "reads are of whole double words");
        let at = usize::from(offset);
        let bytes = self.bytes.borrow();
        self.answers.get().then(|| u32::from_le_bytes(bytes[at..][..4].try_into().unwrap()))
    }

    fn write(&self, offset: u16, value: u16) -> bool {
        let at = usize::from(offset);
        self.bytes.borrow_mut()[at..][..2].copy_from_slice(&value.to_le_bytes());
        self.answers.get()
    }
}

/// A function that reads well and takes no writes.
struct ReadOnly(Function);

impl ConfigSpace for ReadOnly {
    fn read(&self, offset: u16) -> Option<u32> {
        self.0.read(offset)
    }

    fn write(&self, _offset: u16, _value: u16) -> bool {
        false
    }
}

const COMMAND: (usize, u32) = (0x04, 1 << 20);

/// A VF with PCI Express and power management.
fn vf() -> Function {
    Function::new(&[
        COMMAND,
        (0x34, 0x60),
        (0x60, 0x7010),
        (0x64, 1 << 28),
        (0x68, 0x2810),
        (0x70, 0x0001),
        (0x74, 0x8000),
    ])
}

#[test]
fn sriov_capability_is_found_behind_others() {
    let pf = Function::new(&[
        (0x100, 0x1501_0001),
        (0x150, 0x0001_0010),
        (0x15C, 0x0010_0008),
        (0x168, 0x101E_0000),
    ]);
    assert_eq!(sriov_capability(&pf), Some(SriovCapability { total_vfs: 16, vf_device: 0x101E }));
}

#[test]
fn a_function_without_extended_capabilities_has_no_sriov_capability() {
    assert_eq!(sriov_capability(&Function::new(&[])), None);
    assert_eq!(sriov_capability(&Function::new(&[(0x100, u32::MAX)])), None);
}

#[test]
fn chains_that_run_in_circles_or_out_of_place_end() {
    let circle = Function::new(&[(0x100, 0x1001_0001)]);
    assert_eq!(sriov_capability(&circle), None);
    let backwards = Function::new(&[(0x100, 0x0401_0001), (0x40, 0x0001_0010)]);
    assert_eq!(sriov_capability(&backwards), None);
    let circle = Function::new(&[COMMAND, (0x34, 0x40), (0x40, 0x4005)]);
    assert_eq!(function_level_reset(&circle, |_| panic!("there is nothing to wait for")), Ok(false));
    let header = Function::new(&[COMMAND, (0x34, 0x04)]);
    assert_eq!(function_level_reset(&header, |_| panic!("there is nothing to wait for")), Ok(false));
}

#[test]
fn nobody_has_no_identity() {
    assert_eq!(identity(&Function::new(&[(0, 0x1018_15B3)])), Some((0x15B3, 0x1018)));
    assert_eq!(identity(&Function::new(&[(0, u32::MAX)])), None);
}

#[test]
fn reset_keeps_the_rest_of_the_control_word_and_waits_100_ms() {
    let (vf, waited) = (vf(), Cell::new(0));
    assert_eq!(function_level_reset(&vf, |time| waited.set(time)), Ok(true));
    assert_eq!((vf.word(0x68), waited.get()), (0xA810, 100 * MILLISECOND));
}

#[test]
fn a_function_that_cannot_be_reset_alone_is_not_touched() {
    let vf = Function::new(&[COMMAND, (0x34, 0x60), (0x60, 0x0010), (0x68, 0x2810)]);
    assert_eq!(function_level_reset(&vf, |_| panic!("there is nothing to wait for")), Ok(false));
    assert_eq!(vf.word(0x68), 0x2810);
}

#[test]
fn reset_that_was_begun_already_is_not_taken_back() {
    let vf = Function::new(&[COMMAND, (0x34, 0x60), (0x60, 0x0010), (0x64, 1 << 28), (0x68, 0xA810)]);
    assert_eq!(function_level_reset(&vf, |_| ()), Ok(true));
    assert_eq!(vf.word(0x68), 0xA810);
}

#[test]
fn capability_right_behind_the_header_is_found() {
    let vf = Function::new(&[COMMAND, (0x34, 0x40), (0x40, 0x0010), (0x44, 1 << 28)]);
    assert_eq!(function_level_reset(&vf, |_| ()), Ok(true));
}

#[test]
fn chain_of_a_function_that_says_it_has_none_is_not_followed() {
    let vf = Function::new(&[(0x34, 0x40), (0x40, 0x0010), (0x44, 1 << 28)]);
    assert_eq!(function_level_reset(&vf, |_| panic!("there is nothing to wait for")), Ok(false));
}

#[test]
fn power_state_that_does_not_leave_d3_needs_no_time() {
    let vf = vf();
    let never = |_| panic!("there is nothing to wait for");
    assert_eq!(set_power(&vf, VfPowerState::D0, false, never), Ok(()), "it is in D0");
    assert_eq!(set_power(&vf, VfPowerState::D3, false, never), Ok(()));
    assert_eq!(set_power(&vf, VfPowerState::D3, true, never), Ok(()), "it stays in D3");
    assert_eq!(vf.word(0x74), 0x0103);
}

#[test]
fn power_down_clears_no_wake_status_and_power_up_waits_10_ms() {
    let (vf, waited) = (vf(), Cell::new(0));
    assert_eq!(set_power(&vf, VfPowerState::D3, true, |time| waited.set(time)), Ok(()));
    assert_eq!((vf.word(0x74), waited.get()), (0x0103, 0));
    assert_eq!(set_power(&vf, VfPowerState::D0, false, |time| waited.set(time)), Ok(()));
    assert_eq!((vf.word(0x74), waited.get()), (0, 10 * MILLISECOND));
}

#[test]
fn a_function_that_does_not_answer_is_an_error_only_where_something_had_to_be_done() {
    let vf = vf();
    vf.answers.set(false);
    assert_eq!(function_level_reset(&vf, |_| ()), Ok(false), "no capability was seen");
    vf.answers.set(true);
    let half = ReadOnly(vf);
    assert_eq!(function_level_reset(&half, |_| ()), Err(NoAnswer));
    assert_eq!(set_power(&half, VfPowerState::D3, false, |_| ()), Err(NoAnswer));
}
