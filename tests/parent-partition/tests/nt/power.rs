//! Power IRPs through the stack of a WDM driver that owns its policy.

use parent_partition::judge::Rule;
use parent_partition::nt::status;
use parent_partition::pnp::{self, SystemState};
use parent_partition::scenario;

use crate::machine::{Machine, control};

impl Machine {
    /// The power IRPs that have arrived at the driver since it was asked last: set or query, whose state, which.
    fn noted(&self) -> Vec<u8> {
        control(NOTES, &[], 16).run(self.file).1
    }
}

#[test]
fn a_device_follows_the_system_to_sleep_and_back() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(pnp::query_power(&machine.device, SystemState::Sleeping3), status::SUCCESS);
        assert_eq!(machine.noted(), [QUERY | SYSTEM | S3, QUERY | D3]);
        assert_eq!(pnp::sleep(&machine.device), status::SUCCESS);
        assert_eq!(machine.noted(), [SET | SYSTEM | S3, SET | D3]);
        assert_eq!(machine.story(STATE_BEFORE).1, [D0, 0, 0, 0]);
        assert_eq!(pnp::resume(&machine.device), status::SUCCESS);
        assert_eq!(machine.noted(), [SET | SYSTEM | S0, SET | D0]);
        assert_eq!(machine.story(STATE_BEFORE).1, [D3, 0, 0, 0]);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_system_that_shuts_down_turns_the_device_off() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(pnp::set_power(&machine.device, SystemState::Shutdown), status::SUCCESS);
        assert_eq!(machine.noted(), [SET | SYSTEM | S5, SET | D3]);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_device_that_cannot_sleep_keeps_the_system_awake() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(machine.story(REFUSES_QUERIES).0, status::SUCCESS);
        assert_eq!(pnp::query_power(&machine.device, SystemState::Sleeping3), status::DEVICE_BUSY);
        assert_eq!(machine.noted(), [QUERY | SYSTEM | S3, QUERY | D3]);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_device_that_sleeps_can_vanish() {
    scenario!(|| {
        let machine = Machine::started();
        assert_eq!(pnp::sleep(&machine.device), status::SUCCESS);
        assert_eq!(pnp::surprise_remove(&machine.device), status::SUCCESS);
        machine.end();
    })
    .expect_clean();
}

#[test]
fn a_power_irp_that_pends_is_marked() {
    let verdict = scenario!(|| {
        let machine = Machine::started();
        assert_eq!(machine.story(FORGETS_THE_MARK).0, status::SUCCESS);
        pnp::sleep(&machine.device);
    });
    let report = verdict.expect_broken(Rule::IrpPending);
    assert_eq!(report.at(), Some("power"), "{}", report.to_json());
}

/// Stories of the driver.
const NOTES: u32 = 18;
const REFUSES_QUERIES: u32 = 19;
const FORGETS_THE_MARK: u32 = 20;
const STATE_BEFORE: u32 = 21;
/// A noted power IRP.
const QUERY: u8 = 0;
const SET: u8 = 0x20;
const SYSTEM: u8 = 0x10;
const S0: u8 = 1;
const S3: u8 = 4;
const S5: u8 = 6;
const D0: u8 = 1;
const D3: u8 = 4;
