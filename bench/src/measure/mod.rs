//! The measurements, each the same for every kind of agent.

pub(crate) mod bootstrap;
pub(crate) mod failure;
pub(crate) mod idle;
pub(crate) mod memory;
pub(crate) mod spread;
pub(crate) mod steady;
pub(crate) mod traffic;

use crate::peer::View;

/// How many agents see exactly `count` members alive.
pub(crate) fn complete(views: &[View], count: usize) -> usize {
    views.iter().filter(|view| view.alive == count).count()
}

/// Seconds or other units as a float; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "sizes and counts are far below 2^53")]
pub(crate) fn real(number: u64) -> f64 {
    number as f64
}

/// A count as a float.
pub(crate) fn real_count(number: usize) -> f64 {
    real(u64::try_from(number).unwrap_or(u64::MAX))
}
