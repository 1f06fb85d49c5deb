//! How long a message travels: distributions, drawn with integers only.
//!
//! Normal-like delays come from a quantile table of the normal distribution, tails from a table
//! of logarithms. A draw is a function of 64 random bits, so that each message costs exactly one
//! number of the generator, whatever its distribution.

use super::LinkError;
use super::integer::{exponential, log2, normal, scale};
use super::tables::NORMAL_P99;
use std::time::Duration;

/// The longest delay that a link may be given: an hour. Guess: what is slower is a partition.
pub(super) const LATENCY_MAX: Duration = Duration::from_secs(3600);
const MILLION: u64 = 1_000_000;

/// The distribution of the delay in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// All between the two are equally probable.
    Uniform {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// The logarithm is normal, as wide-area delays are held to be: half take longer than
    /// `median`, one in a hundred longer than `p99`. Cut at 4.3 standard deviations.
    LogNormal {
        /// Half take longer.
        median: Duration,
        /// One in a hundred takes longer; not below `median`.
        p99: Duration,
    },
    /// `min`, and a wait with an exponential tail: a queue on the way.
    Exponential {
        /// The shortest.
        min: Duration,
        /// The mean of all, `min` included; not below `min`.
        mean: Duration,
    },
    /// Measured: straight lines between quantiles.
    Quantiles(Quantiles),
}

impl Latency {
    /// Checks the bounds.
    ///
    /// # Errors
    /// The bound that is broken.
    pub fn validate(&self) -> Result<(), LinkError> {
        let (low, high) = match *self {
            Self::Constant(always) => (always, always),
            Self::Uniform { min, max } => (min, max),
            Self::LogNormal { median, p99 } if median.is_zero() && !p99.is_zero() => {
                return Err(LinkError::ZeroMedian);
            }
            Self::LogNormal { median, p99 } => (median, p99),
            Self::Exponential { min, mean } => (min, mean),
            Self::Quantiles(_) => return Ok(()),
        };
        if low > high {
            return Err(LinkError::Order { low, high });
        }
        if high > LATENCY_MAX {
            return Err(LinkError::TooLong(high));
        }
        Ok(())
    }
}

/// A measured distribution: the delay at some quantiles, straight between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    len: u8,
    /// Parts per million of all, and the microseconds that they take at most.
    points: [(u32, u32); Self::POINTS_MAX],
}

impl Quantiles {
    /// The most points.
    pub const POINTS_MAX: usize = 12;

    /// From points (parts per million, delay): the first at 0, the last at 1,000,000, both
    /// columns ascending. Delays are cut to microseconds.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn new(given: &[(u32, Duration)]) -> Result<Self, LinkError> {
        let ends = given.first().zip(given.last());
        if given.len() > Self::POINTS_MAX
            || ends.is_none_or(|(first, last)| first.0 != 0 || u64::from(last.0) != MILLION)
            || given.windows(2).any(|two| two[0].0 >= two[1].0 || two[0].1 > two[1].1)
        {
            return Err(LinkError::Quantiles);
        }
        let mut points = [(0, 0); Self::POINTS_MAX];
        for (point, &(ppm, delay)) in points.iter_mut().zip(given) {
            if delay > LATENCY_MAX {
                return Err(LinkError::TooLong(delay));
            }
            *point = (ppm, u32::try_from(delay.as_micros()).expect("an hour fits"));
        }
        Ok(Self { len: u8::try_from(given.len()).expect("at most 12"), points })
    }

    /// The points, as given to [`Quantiles::new`] but for what is below a microsecond.
    pub fn points(&self) -> impl Iterator<Item = (u32, Duration)> {
        let points = self.points.iter().take(self.len.into());
        points.map(|&(ppm, micros)| (ppm, Duration::from_micros(micros.into())))
    }

    fn draw(&self, bits: u64) -> u64 {
        // A quantile in parts per million, times 2³².
        let at = (u128::from(bits) * u128::from(MILLION)) >> 32;
        let points = &self.points[..usize::from(self.len)];
        let above = points.partition_point(|&(ppm, _)| u128::from(ppm) << 32 <= at);
        let (low, high) = (points[above - 1], points[above.min(points.len() - 1)]);
        let width = u128::from(high.0 - low.0) << 32;
        let rise = u128::from(high.1 - low.1) * 1000;
        let nanos =
            u128::from(low.1) * 1000 + rise * (at - (u128::from(low.0) << 32)) / width.max(1);
        u64::try_from(nanos).expect("below an hour")
    }
}

/// A [`Latency`] prepared for drawing.
#[derive(Clone, Copy, Debug)]
pub struct Sampler(Prepared);

#[derive(Clone, Copy, Debug)]
enum Prepared {
    /// `(min, number of values)`, in nanoseconds.
    Uniform(u64, u64),
    /// The median in nanoseconds, and the logarithm of `p99 / median`, base 2, times 2³².
    LogNormal(u64, i64),
    /// `min`, and the mean of what is beyond it, in nanoseconds.
    Exponential(u64, u64),
    Quantiles(Quantiles),
}

impl Sampler {
    /// Prepares `latency`, which is taken to be valid: bounds in the wrong order count as equal.
    pub fn new(latency: &Latency) -> Self {
        let nanos = |time: Duration| u64::try_from(time.min(LATENCY_MAX).as_nanos()).expect("fits");
        Self(match *latency {
            Latency::Constant(always) => Prepared::Uniform(nanos(always), 1),
            Latency::Uniform { min, max } => {
                Prepared::Uniform(nanos(min), nanos(max).saturating_sub(nanos(min)) + 1)
            }
            Latency::LogNormal { median, p99 } => {
                let (median, p99) = (nanos(median), nanos(p99));
                Prepared::LogNormal(median, (log2(p99.max(1)) - log2(median.max(1))).max(0))
            }
            Latency::Exponential { min, mean } => {
                Prepared::Exponential(nanos(min), nanos(mean).saturating_sub(nanos(min)))
            }
            Latency::Quantiles(quantiles) => Prepared::Quantiles(quantiles),
        })
    }

    /// The delay that 64 random bits stand for.
    pub fn draw(&self, bits: u64) -> Duration {
        let nanos = match &self.0 {
            Prepared::Uniform(min, count) => {
                let wide = u128::from(bits) * u128::from(*count);
                min + u64::try_from(wide >> 64).expect("a product of two u64, shifted by 64")
            }
            Prepared::LogNormal(median, log_ratio) => {
                let by = i128::from(normal(bits)) * i128::from(*log_ratio);
                scale(*median, i64::try_from(by / i128::from(NORMAL_P99)).unwrap_or(i64::MAX))
            }
            Prepared::Exponential(min, mean) => {
                let tail = u128::from(*mean) * u128::from(exponential(bits));
                min + u64::try_from(tail >> 32).expect("at most an hour, 45 times")
            }
            Prepared::Quantiles(quantiles) => quantiles.draw(bits),
        };
        Duration::from_nanos(nanos)
    }
}
