//! Which messages are lost: each by itself, or in bursts.

use super::LinkError;

const MILLION: u64 = 1_000_000;

/// How a link loses messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Each by itself.
    Random {
        /// How many in a million.
        ppm: u32,
    },
    /// In bursts: the link is good and loses nothing, or bad and loses all, and changes between
    /// the two from message to message. Source: Gilbert, "Capacity of a burst-noise channel",
    /// Bell System Technical Journal 39 (1960), with no loss in the good state and full loss in
    /// the bad one; Elliott's generalisation (1963) has both in between.
    Bursty {
        /// How many in a million, over all.
        ppm: u32,
        /// How many are lost in a row, on average. At least 1, and at least
        /// `ppm / (1,000,000 − ppm)`: good states last a message at least.
        burst_mean: u32,
    },
}

impl Loss {
    /// Nothing is lost.
    pub const NONE: Self = Self::Random { ppm: 0 };

    /// How many in a million are lost, over all.
    pub const fn ppm(&self) -> u32 {
        match *self {
            Self::Random { ppm } | Self::Bursty { ppm, .. } => ppm,
        }
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// The bound that is broken.
    pub fn validate(&self) -> Result<(), LinkError> {
        let ppm = u64::from(self.ppm());
        if ppm > MILLION {
            return Err(LinkError::Ppm { what: "loss", given: self.ppm() });
        }
        match *self {
            Self::Bursty { burst_mean, .. }
                if burst_mean == 0 || u64::from(burst_mean) * (MILLION - ppm) < ppm =>
            {
                Err(LinkError::Burst { ppm: self.ppm(), burst_mean })
            }
            Self::Bursty { .. } | Self::Random { .. } => Ok(()),
        }
    }

    /// Whether the next message is lost, decided by 64 random bits; `is_bad` is the state of the
    /// link, false at first, which [`Loss::Random`] does not use.
    pub fn takes(&self, is_bad: &mut bool, bits: u64) -> bool {
        let chance = |numerator: u64, denominator: u64| {
            let wide = u128::from(bits) * u128::from(denominator);
            u64::try_from(wide >> 64).expect("a product of two u64, shifted by 64") < numerator
        };
        match *self {
            Self::Random { ppm } => {
                *is_bad = false;
                chance(ppm.into(), MILLION)
            }
            Self::Bursty { ppm, burst_mean } => {
                let (ppm, mean) = (u64::from(ppm), u64::from(burst_mean.max(1)));
                // The share of bad states is ppm if this is how often a good one ends.
                let ends = if *is_bad { (1, mean) } else { (ppm, mean * (MILLION - ppm)) };
                *is_bad ^= chance(ends.0, ends.1) || (!*is_bad && ppm >= MILLION);
                *is_bad |= ppm >= MILLION;
                *is_bad
            }
        }
    }
}
