//! From the text of one value to what it means. All in integers, so that every platform reads
//! the same.

use super::error::Bad;
use std::time::Duration;

/// The longest duration that a scenario may name: thirty days.
pub(crate) const DURATION_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
const MILLION: u64 = 1_000_000;

/// A decimal number as `units`-ths: `1.25` with 1,000 units is 1,250. At most nine digits after
/// the point; what is finer than a unit is cut.
fn decimal(text: &str, units: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    if text.ends_with('.') {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(units)?;
    let scale = 10_u64.pow(u32::try_from(fraction.len()).expect("at most nine digits"));
    let digits: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let part = u128::from(digits) * u128::from(units) / u128::from(scale);
    whole.checked_add(u64::try_from(part).ok()?)
}

/// A number and its unit.
fn split_unit(text: &str) -> (&str, &str) {
    let at = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, unit) = text.split_at(at.unwrap_or(text.len()));
    (number, unit.trim_start())
}

/// `500us`, `1.5ms`, `2s`, `1m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, Bad> {
    const REMEDY: &str = "write 500us, 1.5ms, 2s, 1m or 1h, at most 720h";
    let (number, unit) = split_unit(text.trim());
    let nanos: u64 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => MILLION,
        "s" => 1_000 * MILLION,
        "m" => 60_000 * MILLION,
        "h" => 3_600_000 * MILLION,
        _ => return Err(Bad::new(format!("`{text}` is no time"), REMEDY)),
    };
    let nanos = decimal(number, nanos);
    let time = nanos.map(Duration::from_nanos).filter(|time| *time <= DURATION_MAX);
    time.ok_or_else(|| Bad::new(format!("`{text}` is no time, or too long a one"), REMEDY))
}

/// `1%`, `0.05%` or `200ppm`, as parts in a million; at most all.
pub(crate) fn share(text: &str) -> Result<u32, Bad> {
    const REMEDY: &str = "write a share of 0% to 100%, such as 1%, 0.05% or 200ppm";
    let (number, unit) = split_unit(text.trim());
    let ppm = match unit {
        "%" => decimal(number, MILLION / 100),
        "ppm" => decimal(number, 1),
        _ => None,
    };
    let ppm = ppm.filter(|ppm| *ppm <= MILLION).and_then(|ppm| u32::try_from(ppm).ok());
    ppm.ok_or_else(|| Bad::new(format!("`{text}` is no share"), REMEDY))
}

/// As a scenario reads a share: `1%`, `0.05%` or `200ppm`, in parts per million.
///
/// # Errors
/// Cause and remedy.
pub fn parse_share(text: &str) -> Result<u32, String> {
    share(text).map_err(|bad| format!("{}; {}", bad.why, bad.remedy))
}

/// The time between two of `10/s`, `30/m` or `1/h`.
pub(crate) fn rate(text: &str) -> Result<Duration, Bad> {
    const REMEDY: &str = "write a rate such as 10/s, 0.5/s, 30/m or 1/h, at most 1000000/s";
    let bad = |why: &str| Bad::new(format!("`{text}` {why}"), REMEDY);
    let (number, unit) = text.split_once('/').ok_or_else(|| bad("is no rate"))?;
    let period: u64 = match unit.trim() {
        "s" => 1_000 * MILLION,
        "m" => 60_000 * MILLION,
        "h" => 3_600_000 * MILLION,
        _ => return Err(bad("is no rate")),
    };
    // In millionths, so that 0.5/s is exact.
    let count = decimal(number.trim(), MILLION).ok_or_else(|| bad("is no rate"))?;
    if count == 0 {
        return Err(bad("never happens"));
    }
    let nanos = u128::from(period) * u128::from(MILLION) / u128::from(count);
    let every = u64::try_from(nanos).map(Duration::from_nanos).unwrap_or(Duration::MAX);
    if every > DURATION_MAX {
        return Err(bad("happens less than once in thirty days"));
    }
    if every < Duration::from_micros(1) {
        return Err(bad("happens more often than virtual time can tell apart"));
    }
    Ok(every)
}

/// `128`, `1KiB`, `64KiB`, `1MiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, Bad> {
    let (number, unit) = split_unit(text.trim());
    let units = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return Err(Bad::new(format!("`{text}` is no size"), "write 128, 4KiB or 1MiB")),
    };
    decimal(number, units)
        .ok_or_else(|| Bad::new(format!("`{text}` is no size"), "write 128, 4KiB or 1MiB"))
}

/// `100Mbit/s`, `1Gbit/s`, `512kbit/s`, as bytes in a second; at least one.
pub(crate) fn bandwidth(text: &str) -> Result<u64, Bad> {
    const REMEDY: &str = "write 512kbit/s, 100Mbit/s or 1Gbit/s";
    let (number, unit) = split_unit(text.trim());
    let bits: u64 = match unit {
        "bit/s" => 1,
        "kbit/s" => 1_000,
        "Mbit/s" => MILLION,
        "Gbit/s" => 1_000 * MILLION,
        _ => return Err(Bad::new(format!("`{text}` is no bandwidth"), REMEDY)),
    };
    let bytes = decimal(number, bits).map(|bits| bits / 8).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| Bad::new(format!("`{text}` is no bandwidth"), REMEDY))
}

/// A duration as it would be written: the largest unit that gives it exactly.
pub fn duration_word(time: Duration) -> String {
    let nanos = time.as_nanos();
    for (unit, size) in [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
    ] {
        if nanos >= size && nanos.is_multiple_of(size) {
            return format!("{}{unit}", nanos / size);
        }
    }
    if nanos == 0 { "0s".to_owned() } else { format!("{nanos}ns") }
}

/// Parts in a million as they would be written.
pub fn share_word(ppm: u32) -> String {
    let (whole, rest) = (ppm / 10_000, ppm % 10_000);
    if rest == 0 {
        return format!("{whole}%");
    }
    let digits = format!("{rest:04}");
    format!("{whole}.{}%", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_an_end() {
        for (text, expected) in [
            ("500us", Some(500_000)),
            ("1.5ms", Some(1_500_000)),
            ("2s", Some(2_000_000_000)),
            ("0s", Some(0)),
            ("720h", Some(2_592_000_000_000_000)),
            ("721h", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
            ("5", None),
            ("1.s", None),
            (".5s", None),
            ("-1s", None),
            ("1e3s", None),
        ] {
            let nanos = duration(text).ok().map(|time| time.as_nanos());
            assert_eq!(nanos, expected, "{text}");
        }
    }

    #[test]
    fn shares_are_at_most_all() {
        for (text, expected) in [
            ("1%", Some(10_000)),
            ("0.05%", Some(500)),
            ("100%", Some(1_000_000)),
            ("100.1%", None),
            ("200ppm", Some(200)),
            ("0.2", None),
            ("-1%", None),
        ] {
            assert_eq!(share(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn rates_become_times_between_two() {
        for (text, expected) in [
            ("10/s", Some(100_000_000)),
            ("0.5/s", Some(2_000_000_000)),
            ("30/m", Some(2_000_000_000)),
            ("1/h", Some(3_600_000_000_000)),
            ("1000000/s", Some(1_000)),
            ("1000001/s", None),
            ("0/s", None),
            ("0.000000001/h", None),
            ("99999999999999999999/s", None),
            ("10", None),
        ] {
            assert_eq!(rate(text).ok().map(|every| every.as_nanos()), expected, "{text}");
        }
    }

    #[test]
    fn words_are_read_back() {
        for time in ["1h", "90m", "1500ms", "1us", "0s", "17ns"].map(|text| duration(text).unwrap())
        {
            assert_eq!(duration(&duration_word(time)), Ok(time));
        }
        for ppm in [0, 1, 500, 12_340, 1_000_000] {
            assert_eq!(share(&share_word(ppm)), Ok(ppm));
        }
        assert_eq!(
            (share_word(12_500), duration_word(Duration::from_secs(90))),
            ("1.25%".into(), "90s".into())
        );
        assert_eq!(bytes("1.5KiB"), Ok(1536));
        assert_eq!((bandwidth("1.5Mbit/s"), bandwidth("7bit/s").is_err()), (Ok(187_500), true));
    }
}
