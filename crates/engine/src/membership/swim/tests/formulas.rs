//! The formulas at small and large n, and memberlist's own test values.

use super::super::formula::{Bounds, log2_ceil, log2_q32, retransmit_limit};
use super::super::local_health::LocalHealth;
use super::super::suspicion::Suspicion;
use super::*;
use std::num::NonZeroU8;

fn nz(value: u8) -> NonZeroU8 {
    NonZeroU8::new(value).unwrap()
}

fn log10_rule(mult: u8) -> Params {
    let suspicion = SuspicionRule::Log10 { mult: nz(mult), max_mult: nz(6) };
    Params { suspicion, ..Params::memberlist_lan() }
}

#[test]
fn the_logarithm_is_exact_for_powers_of_two_and_close_elsewhere() {
    assert_eq!(log2_q32(0), 0);
    assert_eq!(log2_q32(1), 0);
    assert_eq!(log2_q32(2), 1 << 32);
    assert_eq!(log2_q32(1 << 63), 63 << 32);
    for n in [3_u32, 5, 10, 50, 1000, 123_456] {
        let exact = f64::from(n).log2();
        let ours = log2_q32(u64::from(n)) as f64 / 2_f64.powi(32);
        assert!((exact - ours).abs() < 1e-8, "{n}: {exact} {ours}");
    }
    assert_eq!([0, 1, 2, 3, 50, 1000].map(log2_ceil), [0, 1, 2, 2, 6, 10]);
}

#[test]
fn memberlist_minimum_suspicion_times() {
    let expected = [(5, 1000), (10, 1000), (50, 1698), (100, 2000), (500, 2698), (1000, 3000)];
    for (n, factor) in expected {
        let bounds = Bounds::new(&log10_rule(3), n);
        assert_eq!(bounds.min, MS * 3 * factor, "n = {n}");
        assert_eq!(bounds.max, MS * 18 * factor, "n = {n}");
    }
    for n in [0, 1, 2] {
        assert_eq!(Bounds::new(&log10_rule(4), n).min, 4 * SECOND);
        assert_eq!(Bounds::new(&log10_rule(4), n).confirmations, 0);
    }
    assert_eq!(Bounds::new(&log10_rule(4), 3).confirmations, 0);
    assert_eq!(Bounds::new(&log10_rule(4), 4).confirmations, 2);
}

#[test]
fn memberlist_remaining_suspicion_times() {
    let bounds = Bounds { min: 2 * SECOND, max: 30 * SECOND, confirmations: 3 };
    let start = Instant::ZERO + SECOND;
    let mut suspicion = Suspicion::new(start, 0, bounds, Duration::ZERO);
    assert_eq!(suspicion.deadline(), start + 30 * SECOND);
    assert!(!suspicion.confirm(0), "the first accuser is no confirmation");
    assert!(suspicion.confirm(1));
    assert!(!suspicion.confirm(1));
    assert_eq!(suspicion.deadline(), start + 2 * SECOND + 14 * SECOND);
    assert!(suspicion.confirm(2));
    assert_eq!(suspicion.deadline(), start + 3 * SECOND + MS * 4810);
    assert!(suspicion.confirm(3));
    assert_eq!(suspicion.deadline(), start + 4 * SECOND - 2 * SECOND);
    assert!(!suspicion.confirm(4), "enough");
    assert_eq!(suspicion.accusers, [0, 1, 2, 3]);
    suspicion.reprieve(start + 5 * SECOND);
    assert_eq!(suspicion.deadline(), start + 7 * SECOND);
}

#[test]
fn without_expected_confirmations_the_minimum_holds_at_once() {
    let bounds = Bounds { min: 2 * SECOND, max: 30 * SECOND, confirmations: 0 };
    let mut suspicion = Suspicion::new(Instant::ZERO, 0, bounds, Duration::ZERO);
    assert_eq!(suspicion.deadline(), Instant::ZERO + 2 * SECOND);
    assert!(!suspicion.confirm(1));
}

#[test]
fn native_suspicion_times() {
    // 2 × (500 ms + 50 ms × ceil(log2(n + 1)))
    for (n, millis) in [(1, 1100), (2, 1200), (10, 1400), (50, 1600), (1000, 2000)] {
        let bounds = Bounds::new(&Params::lan(), n);
        assert_eq!((bounds.min, bounds.max), (MS * millis, MS * millis * 6), "n = {n}");
        assert_eq!(bounds.confirmations, n.saturating_sub(2).min(3));
    }
}

#[test]
fn retransmit_limits() {
    for (mult, n, limit) in
        [(3, 0, 0), (3, 1, 3), (3, 99, 6), (4, 2, 4), (4, 9, 4), (4, 10, 8), (4, 1000, 16)]
    {
        assert_eq!(retransmit_limit(nz(mult), n), limit, "({mult}, {n})");
    }
    assert_eq!(retransmit_limit(nz(255), usize::MAX), 255 * 20);
}

#[test]
fn local_health_is_bounded_and_charges_one_stall_once() {
    let mut health = LocalHealth::new(nz(8), SECOND);
    health.improve();
    assert_eq!(health.score(), 0);
    let now = Instant::ZERO + 10 * SECOND;
    health.note_lag(now, MS * 249, MS * 250);
    assert_eq!(health.score(), 0);
    health.note_lag(now, MS * 250, MS * 250);
    health.note_lag(now, MS * 300, MS * 250);
    assert_eq!(health.score(), 1);
    health.note_lag(now, MS * 800, MS * 250);
    assert_eq!((health.score(), health.scale(SECOND)), (3, 4 * SECOND));
    health.note_lag(now + SECOND, MS * 250, MS * 250);
    assert_eq!(health.score(), 4);
    health.note_lag(now + 5 * SECOND, Duration::MAX, MS * 250);
    assert_eq!(health.score(), 7);
}

#[test]
fn profiles_are_valid_and_bad_settings_are_refused() {
    for params in [Params::local(), Params::lan(), Params::wan(), Params::memberlist_lan()] {
        assert_eq!(params.validate(), Ok(()));
    }
    let lan = Params::lan;
    let cases = [
        (Params { gossip_interval: Duration::ZERO, ..lan() }, ParamsError::Zero("gossip_interval")),
        (Params { probe_timeout: SECOND, ..lan() }, ParamsError::TimeoutBeyondPeriod),
        (Params { nack_after: MS * 501, ..lan() }, ParamsError::NackTooLate),
        (Params { members_max: 1, ..lan() }, ParamsError::MembersMax),
        (Params { incarnation_leap_max: 0, ..lan() }, ParamsError::Incarnation),
        (Params { probe_interval: SECOND * 3601, ..lan() }, ParamsError::TooLong("probe_interval")),
    ];
    for (params, error) in cases {
        assert_eq!(params.validate(), Err(error));
    }
}

#[test]
fn reasons_read_as_words() {
    let words = [
        (Why::Founder, "this node"),
        (Why::HeardFrom(7), "heard from 7"),
        (Why::Unanswered { direct: 1, indirect: 3 }, "no answer to 1 direct and 3 indirect probes"),
        (Why::SuspectedBy(2), "suspected by 2"),
        (Why::SuspicionExpired { accusers: vec![1, 2] }, "suspicion expired, accused by 1, 2"),
        (Why::DeclaredBy(3), "declared failed by 3"),
        (Why::SaidGoodbye, "said goodbye"),
        (Why::Refuted, "it refuted"),
    ];
    for (why, expected) in words {
        assert_eq!(why.to_string(), expected);
    }
}
