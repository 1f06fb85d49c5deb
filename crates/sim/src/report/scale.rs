//! Axes: from values to places, and where the ticks are.

/// One axis, from 0 to `max`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// The largest value: a tick.
    pub(super) max: f64,
    step: f64,
    /// Where 0 and `max` are.
    from: f64,
    to: f64,
}

impl Scale {
    /// An axis that holds `largest`, with about five ticks at 1, 2 or 5 times a power of ten.
    pub(super) fn new(largest: f64, (from, to): (f64, f64)) -> Self {
        let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        let rough = largest / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= rough * 0.999);
        let step = step.unwrap_or(10.0) * power;
        Self { max: (largest / step - 1e-9).ceil() * step, step, from, to }
    }

    /// Where a value is.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value / self.max).clamp(0.0, 1.0)
    }

    /// The values of the ticks, 0 first.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut count = 0.0;
        while count * self.step <= self.max * 1.001 && ticks.len() < 20 {
            ticks.push(count * self.step);
            count += 1.0;
        }
        ticks
    }

    /// A tick's label, with as many digits as its step needs.
    pub(super) fn label(&self, value: f64) -> String {
        let digits = (0..6_usize).find(|digits| {
            let scaled = self.step * 10_f64.powi(i32::try_from(*digits).unwrap_or(0));
            (scaled - scaled.round()).abs() < 1e-6
        });
        format!("{value:.*}", digits.unwrap_or(6))
    }
}

/// The unit in which times up to `largest_us` microseconds are best read, and its size.
pub(super) fn time_unit(largest_us: u64) -> (&'static str, f64) {
    match largest_us {
        0..2_000 => ("µs", 1.0),
        2_000..2_000_000 => ("ms", 1e3),
        2_000_000..300_000_000 => ("s", 1e6),
        _ => ("min", 6e7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_beyond_the_largest() {
        for (largest, max, labels) in [
            (7.3, 8.0, ["0", "2", "4", "6", "8"].as_slice()),
            (1.0, 1.0, &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (430.0, 500.0, &["0", "100", "200", "300", "400", "500"]),
            (0.0, 1.0, &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ] {
            let scale = Scale::new(largest, (0.0, 100.0));
            assert!((scale.max - max).abs() < 1e-9, "{largest}: {scale:?}");
            let found: Vec<String> = scale.ticks().into_iter().map(|t| scale.label(t)).collect();
            assert_eq!(found, labels, "{largest}");
        }
    }

    #[test]
    fn places_stay_on_the_axis() {
        let down = Scale::new(10.0, (200.0, 0.0));
        assert!((down.at(5.0) - 100.0).abs() < 1e-9);
        assert!((down.at(50.0) - 0.0).abs() < 1e-9 && (down.at(-1.0) - 200.0).abs() < 1e-9);
    }
}
