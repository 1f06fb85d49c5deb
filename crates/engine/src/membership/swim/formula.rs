//! The formulas of SWIM and Lifeguard, in integers.

use super::config::{Params, SuspicionRule};
use std::num::NonZeroU8;
use std::time::Duration;

/// `log2(value)` with 32 fractional bits, cut; exact for powers of two, 0 for 0 and 1.
pub(super) fn log2_q32(value: u64) -> u64 {
    if value < 2 {
        return 0;
    }
    let zeros = value.leading_zeros();
    let mut result = u64::from(63 - zeros);
    // A number in 1..2 with 63 fractional bits; squaring it doubles its logarithm, whose next bit
    // is set if the square reaches 2.
    let mut mantissa = u128::from(value << zeros);
    for _ in 0..32 {
        mantissa = (mantissa * mantissa) >> 63;
        let bit = mantissa >> 64 != 0;
        mantissa >>= u32::from(bit);
        result = (result << 1) | u64::from(bit);
    }
    result
}

/// `1000 × log10(value)`, cut.
fn log10_milli(value: u64) -> u64 {
    // Larger than the error of the two logarithms and smaller than any step that matters, so that
    // powers of ten come out whole.
    const ROUNDING: u128 = 1 << 14;
    let scaled = u128::from(log2_q32(value)) * 1000 + ROUNDING;
    u64::try_from(scaled / u128::from(log2_q32(10))).expect("at most 19,266")
}

/// `ceil(log2(n + 1))`: the bits of `n`.
pub(super) fn log2_ceil(n: usize) -> u32 {
    usize::BITS - n.leading_zeros()
}

/// `mult × ceil(log10(n + 1))`: how often one member sends one update.
pub(super) fn retransmit_limit(mult: NonZeroU8, n: usize) -> u32 {
    let wanted = n as u128 + 1;
    let mut digits = 0;
    let mut power = 1_u128;
    while power < wanted {
        power *= 10;
        digits += 1;
    }
    u32::from(mult.get()) * digits
}

/// One way through a group of `n`: what a statement takes to be heard by all.
pub(super) fn spread_time(params: &Params, n: usize) -> Duration {
    params.probe_timeout + params.gossip_interval * log2_ceil(n)
}

/// The range of one suspicion's timeout, fixed when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: Duration,
    pub(super) max: Duration,
    /// Accusers beside the first that bring the timeout down to `min`.
    pub(super) confirmations: usize,
}

impl Bounds {
    /// The range in a group of `n` members, this node and the suspect included.
    pub(super) fn new(params: &Params, n: usize) -> Self {
        let others = n.saturating_sub(2);
        match params.suspicion {
            SuspicionRule::Log10 { mult, max_mult } => {
                let scale = log10_milli(n.max(1) as u64).max(1000);
                let scale = u32::try_from(scale).expect("at most 19,266");
                let min = params.probe_interval * (u32::from(mult.get()) * scale) / 1000;
                let wanted = usize::from(mult.get()).saturating_sub(2);
                let confirmations = if others < wanted { 0 } else { wanted };
                Self { min, max: min * u32::from(max_mult.get()), confirmations }
            }
            SuspicionRule::Spread { mult, max_mult, confirmations } => {
                let min = spread_time(params, n) * u32::from(mult.get());
                let confirmations = usize::from(confirmations).min(others);
                Self { min, max: min * u32::from(max_mult.get()), confirmations }
            }
        }
    }

    /// The timeout once `count` accusers have joined the first.
    pub(super) fn timeout(&self, count: usize) -> Duration {
        if count >= self.confirmations {
            return self.min;
        }
        let span = (self.max - self.min).as_nanos();
        let part = u128::from(log2_q32(count as u64 + 1));
        let whole = u128::from(log2_q32(self.confirmations as u64 + 1));
        let nanos = self.max.as_nanos() - span * part / whole;
        let millis = u64::try_from(nanos / 1_000_000).unwrap_or(u64::MAX);
        Duration::from_millis(millis).max(self.min)
    }
}
