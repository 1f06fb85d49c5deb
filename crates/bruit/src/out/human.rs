//! Numbers for people.

use std::time::Duration;

/// A duration in at most two units: `3h12m`, `2m05s`, `4s`, `350ms`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{minutes:02}m"),
        _ => format!("{days}d{hours:02}h"),
    }
}

/// Milliseconds with as many digits as matter: `0.41 ms`, `4.1 ms`, `41 ms`, `1.2 s`.
pub(crate) fn millis(millis: f64) -> String {
    if millis < 1.0 {
        format!("{millis:.2} ms")
    } else if millis < 10.0 {
        format!("{millis:.1} ms")
    } else if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.1} s", millis / 1000.0)
    }
}

/// Milliseconds with a sign, for offsets: `+0.41 ms`, `-12 ms`.
pub(crate) fn signed_millis(offset: f64) -> String {
    let sign = if offset < 0.0 { '-' } else { '+' };
    format!("{sign}{}", millis(offset.abs()))
}

/// Bytes: `0 B`, `1023 B`, `1.5 KiB`, `1.0 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 0;
    let mut whole = bytes;
    while whole >= 1024 * 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", whole / 1024, whole % 1024 * 10 / 1024, UNITS[unit])
}

/// The time of day in UTC of a Unix time: `14:02:11.204`.
pub(crate) fn time_of_day(unix_ms: u64) -> String {
    let (seconds, rest) = (unix_ms / 1000, unix_ms % 1000);
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{rest:03}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        for (millis, expected) in [
            (0, "0ms"),
            (999, "999ms"),
            (4_200, "4s"),
            (125_000, "2m05s"),
            (11_520_000, "3h12m"),
            (93_600_000, "1d02h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn milliseconds_have_the_digits_that_matter() {
        let all = [0.414, 4.14, 41.4, 1234.0].map(millis);
        assert_eq!(all, ["0.41 ms", "4.1 ms", "41 ms", "1.2 s"]);
        assert_eq!([0.0, 1.5, -12.0].map(signed_millis), ["+0.00 ms", "+1.5 ms", "-12 ms"]);
    }

    #[test]
    fn bytes_have_binary_units() {
        let all = [0, 1023, 1024, 1536, 1 << 20, (1 << 20) - 1, u64::MAX].map(bytes);
        let expected =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1023.9 KiB", "16777215.9 TiB"];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_time_of_day_is_utc() {
        assert_eq!(time_of_day(1_700_000_000_204), "22:13:20.204");
    }
}
