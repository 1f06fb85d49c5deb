//! What a link does to one message: how long it takes, whether it is lost, doubled, overtaken.
//!
//! [`Link`] says it, for bytes and for typed messages alike. `routes.rs` knows which link lies
//! between two hosts of a [`crate::Net`], `cuts.rs` which ways are blocked, `directions.rs` what
//! the last message left behind, and `links.rs` decides. A draw is a
//! function of random bits, integers and tables, so that a run is the same on every machine.

mod cuts;
mod directions;
mod integer;
mod latency;
mod links;
mod loss;
mod routes;
mod set;
mod tables;

#[cfg(test)]
mod tests;

pub use cuts::CutId;
pub use latency::{Latency, Quantiles, Sampler};
pub(crate) use links::Links;
pub use loss::Loss;

use std::time::Duration;

/// What happens to what travels from one host to another.
///
/// Datagrams keep their order but for those that [`Link::reorder_ppm`] picks. On streams a loss
/// is a delay, a full queue a wait, and nothing is duplicated or reordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// How long a message takes. Default: 0.5 to 2 ms (guess: one data centre).
    pub latency: Latency,
    /// How many bytes pass in a second; `None` for any number. Default `None`.
    pub bandwidth: Option<u64>,
    /// How many bytes may wait for [`Link::bandwidth`]; a datagram that finds no room is dropped.
    /// Default 256 KiB (guess: a shallow switch's share of one port).
    pub queue_bytes_max: u32,
    /// Which are lost. Default none.
    pub loss: Loss,
    /// How many in a million come twice. Default 0.
    pub duplicate_ppm: u32,
    /// How many in a million are held back, so that later ones may overtake. Default 0.
    pub reorder_ppm: u32,
    /// For how long at most such a one is held back. Default 20 ms (guess).
    pub reorder_max: Duration,
}

impl Default for Link {
    fn default() -> Self {
        let (min, max) = (Duration::from_micros(500), Duration::from_millis(2));
        Self {
            latency: Latency::Uniform { min, max },
            bandwidth: None,
            queue_bytes_max: 256 * 1024,
            loss: Loss::NONE,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            reorder_max: Duration::from_millis(20),
        }
    }
}

impl Link {
    /// The default link, but that so many in a million are lost, each by itself.
    pub fn lossy(ppm: u32) -> Self {
        Self { loss: Loss::Random { ppm }, ..Self::default() }
    }

    /// Checks every bound. A net takes only links that pass.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn validate(&self) -> Result<(), LinkError> {
        self.latency.validate()?;
        self.loss.validate()?;
        if self.bandwidth == Some(0) {
            return Err(LinkError::NoBandwidth);
        }
        for (what, given) in [("duplicate", self.duplicate_ppm), ("reorder", self.reorder_ppm)] {
            if given > 1_000_000 {
                return Err(LinkError::Ppm { what, given });
            }
        }
        if self.reorder_max > latency::LATENCY_MAX {
            return Err(LinkError::TooLong(self.reorder_max));
        }
        Ok(())
    }
}

/// A link was refused. Nothing was changed; correct the named value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// More than all.
    #[error("{what} is {given} in a million; at most 1,000,000 are possible")]
    Ppm {
        /// Of what.
        what: &'static str,
        /// How many.
        given: u32,
    },
    /// The lower bound is the higher one.
    #[error("a latency from {low:?} to {high:?}: the first must not be the longer one")]
    Order {
        /// The first.
        low: Duration,
        /// The second.
        high: Duration,
    },
    /// A delay beyond the limit.
    #[error("a delay of {0:?}; at most an hour is possible")]
    TooLong(Duration),
    /// A median of zero has no multiples.
    #[error("a log-normal latency needs a median above zero")]
    ZeroMedian,
    /// The points are not a distribution.
    #[error(
        "quantiles need 2 to 12 points from 0 to 1,000,000 in a million, both columns ascending"
    )]
    Quantiles,
    /// The bursts cannot be so short.
    #[error(
        "{ppm} in a million lost in bursts of {burst_mean} on average is impossible: the mean must \
         be at least 1, and at least the lost divided by those not lost"
    )]
    Burst {
        /// How many are lost.
        ppm: u32,
        /// In a row.
        burst_mean: u32,
    },
    /// Nothing would pass.
    #[error("a bandwidth of 0: leave it out for a link without limit, or cut the link")]
    NoBandwidth,
}
