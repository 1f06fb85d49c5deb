//! What a caller waits for: `Bruit-Wait` and `Bruit-Timeout`.

use std::time::Duration;

/// How many of the expected deliveries a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Every one.
    All,
    /// So many.
    Count(usize),
    /// So many in a hundred, rounded up.
    Percent(u8),
}

impl Want {
    /// Takes `all`, `3` or `75%`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("all") {
            return Some(Self::All);
        }
        if let Some(percent) = text.strip_suffix('%') {
            return digits(percent)?.parse().ok().filter(|&of| of <= 100).map(Self::Percent);
        }
        digits(text)?.parse().ok().map(Self::Count)
    }

    /// How many deliveries that is, when `expected` are expected.
    pub(crate) fn of(self, expected: usize) -> usize {
        match self {
            Self::All => expected,
            Self::Count(count) => count,
            Self::Percent(percent) => (expected * usize::from(percent)).div_ceil(100),
        }
    }
}

/// Takes `2s`, `500ms` or `1m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = digits(number)?.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_all_a_number_or_a_share() {
        for (text, expected) in [
            ("all", Some(Want::All)),
            ("ALL", Some(Want::All)),
            ("3", Some(Want::Count(3))),
            ("75%", Some(Want::Percent(75))),
            ("101%", None),
            ("-1", None),
            ("+1", None),
            ("%", None),
            ("", None),
            ("some", None),
        ] {
            assert_eq!(Want::parse(text), expected, "{text}");
        }
        assert_eq!(Want::Percent(75).of(5), 4);
        assert_eq!(Want::Percent(0).of(5), 0);
        assert_eq!(Want::All.of(0), 0);
        assert_eq!(Want::Count(9).of(5), 9);
    }

    #[test]
    fn durations_have_a_unit() {
        for (text, expected) in [
            ("2s", Some(Duration::from_secs(2))),
            ("500ms", Some(Duration::from_millis(500))),
            ("1m", Some(Duration::from_secs(60))),
            ("2", None),
            ("s", None),
            ("2h", None),
            ("-2s", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }
}
