//! What the policy lets pass, and what it does not.

use super::{CONTROL, FAULT, ISOLATION, LIMIT, Override, PROBATION, Policy, STANDARD, Standing, Verdict};
use crate::platform::SECOND;
use crate::refusal::{EVERY_REFUSAL, Refusal};
use crate::schema::RateClass;

const NOW: u64 = 1_000 * SECOND;

fn faults(policy: &Policy, count: u64, time: u64) -> Option<Standing> {
    (0..count).filter_map(|_| policy.fault(Refusal::Length, time)).last()
}

fn isolated() -> Policy {
    let policy = Policy::new();
    assert_eq!(faults(&policy, 1_000, NOW), Some(Standing::Isolated));
    policy
}

#[test]
fn burst_of_the_known_client_and_more_passes() {
    let policy = Policy::new();
    for _ in 0..16_384 {
        assert_eq!(policy.draw(RateClass::Standard, NOW), Verdict::Pass);
    }
    assert_eq!(policy.draw(RateClass::Standard, NOW), Verdict::Over(NOW + STANDARD.interval));
}

#[test]
fn each_class_has_the_burst_and_the_rate_that_it_says() {
    let classes = [
        (RateClass::Standard, 16_384, 8_000),
        (RateClass::Control, 64, 50),
        (RateClass::Bulk, 65_536, 50_000),
    ];
    for (class, burst, rate) in classes {
        let policy = Policy::new();
        let drawn = (0..100_000).take_while(|_| policy.draw(class, NOW) == Verdict::Pass).count();
        assert_eq!(drawn, burst, "{class:?} at once");
        let later = NOW + SECOND;
        let drawn = (0..100_000).take_while(|_| policy.draw(class, later) == Verdict::Pass).count();
        assert_eq!(drawn, rate.min(burst), "{class:?} one second later");
    }
}

#[test]
fn known_client_with_128_rings_at_ten_updates_a_second_is_never_limited() {
    let policy = Policy::new();
    for tenth in 0..1_000 {
        for _ in 0..35 {
            assert_eq!(policy.draw(RateClass::Standard, NOW + tenth * SECOND / 10), Verdict::Pass);
        }
    }
}

#[test]
fn sustained_rate_of_the_contract_passes_for_ever() {
    let policy = Policy::new();
    for n in 0..100_000 {
        assert_eq!(policy.draw(RateClass::Standard, NOW + n * SECOND / 400), Verdict::Pass);
    }
}

#[test]
fn empty_bucket_has_one_token_after_one_interval() {
    let policy = Policy::new();
    while policy.draw(RateClass::Control, NOW) == Verdict::Pass {}
    assert_eq!(policy.draw(RateClass::Control, NOW + CONTROL.interval), Verdict::Pass);
    assert_ne!(policy.draw(RateClass::Control, NOW + CONTROL.interval), Verdict::Pass);
    assert_eq!(policy.draw(RateClass::Bulk, NOW), Verdict::Pass, "another class has its own");
}

#[test]
fn unlimited_class_is_never_over() {
    let policy = Policy::new();
    assert!((0..200_000).all(|_| policy.draw(RateClass::Unlimited, NOW) == Verdict::Pass));
}

#[test]
fn throttle_then_isolation_then_probation_then_release() {
    let policy = Policy::new();
    assert_eq!(faults(&policy, 499, NOW), None);
    assert_eq!(faults(&policy, 1, NOW), Some(Standing::Throttled));
    assert!(!policy.is_isolated(NOW));
    assert_eq!(faults(&policy, 499, NOW), None);
    assert_eq!(faults(&policy, 1, NOW), Some(Standing::Isolated));
    assert!(policy.is_isolated(NOW + ISOLATION - 1));
    assert!(!policy.is_isolated(NOW + ISOLATION));
    assert_eq!(policy.standing(), Standing::Probation);
    assert!(!policy.is_isolated(NOW + ISOLATION + PROBATION - 1));
    assert_eq!(policy.standing(), Standing::Probation);
    assert!(!policy.is_isolated(NOW + ISOLATION + PROBATION));
    assert_eq!(policy.standing(), Standing::Good);
}

#[test]
fn throttled_vf_heals_when_its_faults_leak_away() {
    let policy = Policy::new();
    assert_eq!(faults(&policy, 500, NOW), Some(Standing::Throttled));
    let healed = NOW + LIMIT / 4;
    assert!(!policy.is_isolated(healed));
    assert_eq!(policy.standing(), Standing::Throttled);
    assert!(!policy.is_isolated(healed + 1));
    assert_eq!(policy.standing(), Standing::Good);
}

#[test]
fn throttled_vf_has_a_quarter_of_its_rate() {
    let policy = Policy::new();
    assert_eq!(faults(&policy, 500, NOW), Some(Standing::Throttled));
    let passed = (0..20_000).filter(|_| policy.draw(RateClass::Standard, NOW) == Verdict::Pass).count();
    assert_eq!(passed, 4_096);
}

#[test]
fn probation_ends_sooner_and_isolation_is_twice_as_long_the_second_time() {
    let policy = isolated();
    let time = NOW + ISOLATION;
    assert!(!policy.is_isolated(time));
    assert_eq!(faults(&policy, 249, time), None);
    assert_eq!(faults(&policy, 1, time), Some(Standing::Isolated));
    assert!(policy.is_isolated(time + 2 * ISOLATION - 1));
    assert!(!policy.is_isolated(time + 2 * ISOLATION));
}

#[test]
fn hundred_faults_a_second_are_never_punished() {
    let policy = Policy::new();
    for n in 0..100_000 {
        assert_eq!(policy.fault(Refusal::UnknownBlock, NOW + n * FAULT), None);
    }
}

#[test]
fn only_faults_of_the_guest_count() {
    for refusal in EVERY_REFUSAL {
        let policy = Policy::new();
        for _ in 0..20_000 {
            let _standing = policy.fault(refusal, NOW);
        }
        let expected = if refusal.is_guest_fault() { Standing::Isolated } else { Standing::Good };
        assert_eq!(policy.standing(), expected, "{refusal:?}");
    }
}

#[test]
fn being_over_the_rate_weighs_a_tenth() {
    let policy = Policy::new();
    for _ in 0..4_999 {
        assert_eq!(policy.fault(Refusal::Rate, NOW), None);
    }
    assert_eq!(policy.fault(Refusal::Rate, NOW), Some(Standing::Throttled));
}

#[test]
fn reset_is_no_way_out_of_an_isolation() {
    let policy = isolated();
    policy.begin_next_life();
    assert!(policy.is_isolated(NOW + ISOLATION - 1));
    assert!(!policy.is_isolated(NOW + ISOLATION));
    assert_eq!(policy.faults(), 0);
}

#[test]
fn next_tenant_starts_with_full_buckets_and_in_good_standing() {
    let policy = Policy::new();
    while policy.draw(RateClass::Control, NOW) == Verdict::Pass {}
    assert_eq!(faults(&policy, 500, NOW), Some(Standing::Throttled));
    policy.begin_next_life();
    assert_eq!(policy.standing(), Standing::Good);
    assert_eq!(policy.draw(RateClass::Control, NOW), Verdict::Pass);
}

#[test]
fn operator_decides_over_the_policy() {
    let policy = isolated();
    policy.decide(Override::Exempt);
    assert!(!policy.is_isolated(NOW));
    policy.decide(Override::Isolated);
    assert!(policy.is_isolated(NOW + 100 * ISOLATION));
    policy.decide(Override::None);
    assert!(policy.is_isolated(NOW));
    policy.release();
    assert!(!policy.is_isolated(NOW));
    assert_eq!(policy.standing(), Standing::Good);
    policy.decide(Override::Exempt);
    assert_eq!(faults(&policy, 5_000, NOW), None);
}

#[test]
fn level_and_times_are_those_that_the_module_says() {
    assert_eq!((FAULT, LIMIT), (100_000, 100_000_000), "100 a second leak away; 1,000 at once are the limit");
    assert_eq!((ISOLATION, PROBATION), (100_000_000, 600_000_000), "10 s and 60 s, in units of 100 ns");
}
