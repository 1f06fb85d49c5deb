#![allow(clippy::cast_possible_truncation, reason = "what is expected is computed in floats")]

use super::super::integer::{exponential, log2, normal, scale};
use super::super::tables::{EXP2, LOG2, NORMAL, NORMAL_P99};
use crate::{Latency, Link, LinkError, Loss, Quantiles, Sampler};
use bruit_engine::Rng;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const DRAWS: usize = 200_000;

/// Sorted draws, in microseconds.
fn draws(latency: Latency) -> Vec<f64> {
    latency.validate().unwrap();
    let sampler = Sampler::new(&latency);
    let mut rng = Rng::from_seed(5);
    let mut all: Vec<_> =
        (0..DRAWS).map(|_| sampler.draw(rng.next_u64()).as_secs_f64() * 1e6).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn mean(all: &[f64]) -> f64 {
    all.iter().sum::<f64>() / DRAWS as f64
}

fn assert_near(is: f64, should: f64, tolerance: f64) {
    assert!((is - should).abs() <= tolerance * should.abs().max(1e-9), "{is}, not {should}");
}

/// The tail of the standard normal distribution beyond `z`, by Simpson's rule.
fn tail(z: f64) -> f64 {
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (steps, end) = (4000, 10.0);
    let width = (end - z) / f64::from(steps);
    let weight = |i: i32| if i == 0 || i == steps { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
    (0..=steps).map(|i| weight(i) * density(z + width * f64::from(i))).sum::<f64>() * width / 3.0
}

#[test]
fn the_tables_are_what_they_say() {
    for (i, &value) in NORMAL.iter().enumerate() {
        let (octave, step) = (i32::try_from(i / 8).unwrap(), (i % 8) as f64);
        let p = 2_f64.powi(-(octave + 2)) * (1.0 + step / 8.0);
        assert_near(tail(f64::from(value) / 65_536.0), p, 1e-4);
    }
    assert_near(tail(f64::from(NORMAL_P99) / 65_536.0), 0.01, 1e-4);
    let one = 2_f64.powi(32);
    for i in 0..=64_u8 {
        let x = f64::from(i) / 64.0;
        assert_near(EXP2[usize::from(i)] as f64, x.exp2() * one, 1e-9);
        assert!((LOG2[usize::from(i)] as f64 - (1.0 + x).log2() * one).abs() <= 0.51);
    }
}

#[test]
fn logarithms_and_powers_are_near_the_real_ones() {
    for value in [1, 2, 3, 7, 1000, 123_456_789, 1 << 40, u64::MAX] {
        let is = log2(value) as f64 / 2_f64.powi(32);
        assert!((is - (value as f64).log2()).abs() < 5e-5, "{value}: {is}");
    }
    for exponent in [-70.0, -3.3, -0.5, 0.0, 0.01, 1.0, 7.77, 30.0] {
        let is = scale(1_000_000_007, (exponent * 2_f64.powi(32)) as i64) as f64;
        let should = 1_000_000_007.0 * f64::exp2(exponent);
        assert!((is - should.min(2_f64.powi(62))).abs() <= should * 3e-5 + 1.0, "{exponent}: {is}");
    }
    assert_eq!((scale(5, i64::MAX), scale(0, i64::MAX), scale(5, i64::MIN)), (1 << 62, 0, 0));
}

#[test]
fn normal_and_exponential_draws_have_the_right_quantiles() {
    // The highest bit is the sign, the others are the tail.
    for (p, z) in [(0.5, 0.0), (0.25, 0.674_490), (0.1, 1.281_552), (0.001, 3.090_232)] {
        let bits = (p * 2_f64.powi(64)) as u64;
        for bits in [bits - 1, (bits - 1) | 1 << 63] {
            let is = normal(bits) as f64 / 65_536.0;
            let sign = if bits >> 63 == 0 { 1.0 } else { -1.0 };
            assert!((is - sign * z).abs() < 3e-3, "{p}: {is}");
        }
    }
    assert_eq!(normal(0), -normal(1 << 63), "cut at the same place on both sides");
    assert_eq!(exponential(u64::MAX) >> 20, 0);
    assert_near(exponential(1 << 63) as f64, 2_f64.ln() * 2_f64.powi(32), 1e-4);
}

#[test]
fn a_log_normal_latency_has_its_median_and_its_99th_percentile() {
    let all = draws(Latency::LogNormal { median: 10 * MS, p99: 40 * MS });
    assert_near(all[DRAWS / 2], 10_000.0, 0.01);
    assert_near(all[DRAWS * 99 / 100], 40_000.0, 0.03);
    assert_near(all[DRAWS / 100], 2_500.0, 0.03);
    let sigma = 4_f64.ln() / 2.326_348;
    assert_near(mean(&all), 10_000.0 * (sigma * sigma / 2.0).exp(), 0.01);
    let none = draws(Latency::LogNormal { median: MS, p99: MS });
    assert_eq!((none[0], none[DRAWS - 1]), (1000.0, 1000.0));
}

#[test]
fn an_exponential_latency_has_its_mean_and_its_tail() {
    let all = draws(Latency::Exponential { min: 2 * MS, mean: 5 * MS });
    assert!(all[0] >= 2000.0);
    assert_near(mean(&all), 5000.0, 0.01);
    assert_near(all[DRAWS / 2], 2000.0 + 3000.0 * 2_f64.ln(), 0.02);
    assert_near(all[DRAWS * 99 / 100], 2000.0 + 3000.0 * 100_f64.ln(), 0.02);
}

#[test]
fn measured_quantiles_come_out_again() {
    let given = [(0, MS), (500_000, 2 * MS), (990_000, 10 * MS), (1_000_000, 100 * MS)];
    let quantiles = Quantiles::new(&given).unwrap();
    assert!(quantiles.points().eq(given));
    let all = draws(Latency::Quantiles(quantiles));
    assert_near(all[0], 1000.0, 0.01);
    assert_near(all[DRAWS / 4], 1500.0, 0.01);
    assert_near(all[DRAWS / 2], 2000.0, 0.03);
    assert_near(all[DRAWS * 9 / 10], 2000.0 + 8000.0 * 40.0 / 49.0, 0.01);
    assert!(all[DRAWS - 1] <= 100_000.0);
}

#[test]
fn bursts_have_the_mean_loss_and_the_mean_length() {
    for (ppm, burst_mean) in [(50_000, 4), (200_000, 1), (10_000, 30), (800_000, 10)] {
        let loss = Loss::Bursty { ppm, burst_mean };
        loss.validate().unwrap();
        let (mut rng, mut is_bad, mut was_lost) = (Rng::from_seed(1), false, false);
        let (mut lost, mut bursts) = (0_u32, 0_u32);
        for _ in 0..2_000_000 {
            let is_lost = loss.takes(&mut is_bad, rng.next_u64());
            lost += u32::from(is_lost);
            bursts += u32::from(is_lost && !was_lost);
            was_lost = is_lost;
        }
        assert_near(f64::from(lost) / 2e6, f64::from(ppm) / 1e6, 0.03);
        assert_near(f64::from(lost) / f64::from(bursts), f64::from(burst_mean), 0.03);
    }
    let (all, mut is_bad) = (Loss::Bursty { ppm: 1_000_000, burst_mean: 9 }, false);
    assert!((0..99).all(|bits| all.takes(&mut is_bad, bits)));
}

#[test]
fn impossible_links_are_refused_with_the_reason() {
    let link = Link::default();
    let refused = |link: Link| link.validate().unwrap_err().to_string();
    let latency = |latency: Latency| refused(Link { latency, ..link });
    let loss = |loss: Loss| refused(Link { loss, ..link });
    for (is, says) in [
        (latency(Latency::Uniform { min: 2 * MS, max: MS }), "from 2ms to 1ms"),
        (latency(Latency::LogNormal { median: Duration::ZERO, p99: MS }), "median above zero"),
        (latency(Latency::Constant(3_600_001 * MS)), "at most an hour"),
        (loss(Loss::Random { ppm: 1_000_001 }), "loss is 1000001 in a million"),
        (loss(Loss::Bursty { ppm: 900_000, burst_mean: 8 }), "bursts of 8"),
        (loss(Loss::Bursty { ppm: 0, burst_mean: 0 }), "bursts of 0"),
        (refused(Link { bandwidth: Some(0), ..link }), "bandwidth of 0"),
        (refused(Link { reorder_ppm: 2_000_000, ..link }), "reorder is 2000000"),
    ] {
        assert!(is.contains(says), "{is}");
    }
    let points = [
        &[(0, MS)][..],
        &[(1, MS), (1_000_000, MS)],
        &[(0, MS), (999_999, MS)],
        &[(0, 2 * MS), (1_000_000, MS)],
        &[(0, MS); 13],
    ];
    assert!(points.into_iter().all(|bad| Quantiles::new(bad) == Err(LinkError::Quantiles)));
}
