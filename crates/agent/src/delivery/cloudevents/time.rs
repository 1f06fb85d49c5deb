//! Points in time as RFC 3339 texts.

const DAY_SECONDS: u64 = 86_400;

/// Milliseconds since 1970-01-01 UTC as a text, such as `2018-04-05T17:31:00.250Z`. A time after
/// the year 9999 is its last millisecond, since years have four digits.
pub(super) fn write(unix_millis: u64) -> String {
    /// 9999-12-31T23:59:59.999Z.
    const LAST: u64 = 253_402_300_799_999;
    let millis = unix_millis.min(LAST);
    let (seconds, fraction) = (millis / 1000, millis % 1000);
    let (days, second) = (seconds / DAY_SECONDS, seconds % DAY_SECONDS);
    // A year has at least 365 days, so that this is not too early. It is too late by a few years
    // at most, since the leap days up to 9999 make less than six.
    let mut year = 1970 + days / 365;
    while days_before(year) > days {
        year -= 1;
    }
    let mut day = days - days_before(year);
    let mut month = 1;
    while day >= month_days(year, month) {
        day -= month_days(year, month);
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let day = day + 1;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

/// The days from 1970-01-01 to the first of January of `year`.
fn days_before(year: u64) -> u64 {
    let leap_days = |before: u64| before / 4 - before / 100 + before / 400;
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969)
}

fn month_days(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether `text` is a date and time of RFC 3339, section 5.6.
pub(super) fn is_time(text: &str) -> bool {
    fn date_time(bytes: &[u8]) -> Option<()> {
        let (year, rest) = number(bytes, 4, 0..=9999)?;
        let (month, rest) = number(after(rest, b"-")?, 2, 1..=12)?;
        let (_, rest) = number(after(rest, b"-")?, 2, 1..=month_days(year, month))?;
        let (_, rest) = number(after(rest, b"Tt")?, 2, 0..=23)?;
        let (_, rest) = number(after(rest, b":")?, 2, 0..=59)?;
        let (_, rest) = number(after(rest, b":")?, 2, 0..=60)?;
        let rest = match after(rest, b".") {
            None => rest,
            Some(fraction) => {
                let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if digits == 0 {
                    return None;
                }
                &fraction[digits..]
            }
        };
        let end = match after(rest, b"Zz") {
            Some(end) => end,
            None => {
                let (_, rest) = number(after(rest, b"+-")?, 2, 0..=23)?;
                number(after(rest, b":")?, 2, 0..=59)?.1
            }
        };
        end.is_empty().then_some(())
    }
    date_time(text.as_bytes()).is_some()
}

fn number(
    bytes: &[u8],
    digits: usize,
    range: std::ops::RangeInclusive<u64>,
) -> Option<(u64, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(digits)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value, byte| value * 10 + u64::from(byte - b'0'));
    range.contains(&value).then_some((value, rest))
}

fn after<'a>(bytes: &'a [u8], allowed: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = bytes.split_first()?;
    allowed.contains(first).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected by GNU date.
    #[test]
    fn times_are_written() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_007, "2000-02-29T12:34:56.007Z"),
            (1_522_949_784_250, "2018-04-05T17:36:24.250Z"),
            (1_704_067_199_999, "2023-12-31T23:59:59.999Z"),
            (1_735_603_200_000, "2024-12-31T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(write(millis), expected);
        }
    }

    /// Each day of four centuries follows the one before.
    #[test]
    fn no_day_is_left_out_or_twice() {
        let mut last = String::new();
        for day in 0..146_097 {
            let text = write(day * DAY_SECONDS * 1000);
            assert!(text > last && is_time(&text), "{text} after {last}");
            last = text;
        }
        assert_eq!(last, "2369-12-31T00:00:00.000Z");
    }

    #[test]
    fn times_are_recognised() {
        for good in [
            "2018-04-05T17:31:00Z",
            "2018-04-05t17:31:00.123456789z",
            "2016-12-31T23:59:60Z",
            "2000-02-29T00:00:00+05:30",
            "2018-04-05T17:31:00.5-23:59",
        ] {
            assert!(is_time(good), "{good}");
        }
        for bad in [
            "",
            "2018-04-05",
            "2018-04-05 17:31:00Z",
            "2018-04-05T17:31:00",
            "2018-13-05T17:31:00Z",
            "2018-02-29T17:31:00Z",
            "2018-04-05T24:31:00Z",
            "2018-04-05T17:31:00.Z",
            "2018-04-05T17:31:00+0530",
            "2018-04-05T17:31:00Zx",
            "18-04-05T17:31:00Z",
            "+018-04-05T17:31:00Z",
            "２０18-04-05T17:31:00Z",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
    }
}
