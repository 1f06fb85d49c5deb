//! From the text of one argument to its value.

use bruit_agent::delivery::Endpoint;
use bruit_model::Pattern;
use http::{HeaderName, HeaderValue};
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

/// A body, or where it is to be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// This text.
    Text(String),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Data {
    /// Takes text, `@FILE` or `-`.
    #[allow(clippy::unnecessary_wraps, reason = "the form of a value parser")]
    pub(super) fn parse(text: &str) -> Result<Self, Infallible> {
        Ok(match (text, text.strip_prefix('@')) {
            ("-", _) => Self::Stdin,
            (_, Some(path)) => Self::File(path.into()),
            (_, None) => Self::Text(text.to_owned()),
        })
    }
}

/// Takes `500ms`, `2s`, `1m` or `1h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let parse = || {
        let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, unit) = text.split_at(unit_at);
        let number: u64 = number.parse().ok()?;
        let millis = match unit {
            "ms" => number,
            "s" => number.checked_mul(1000)?,
            "m" => number.checked_mul(60_000)?,
            "h" => number.checked_mul(3_600_000)?,
            _ => return None,
        };
        Some(Duration::from_millis(millis))
    };
    parse().ok_or_else(|| "write 500ms, 2s, 1m or 1h".to_owned())
}

/// Takes a duration that is a period: 100 ms or more.
pub(super) fn parse_period(text: &str) -> Result<Duration, String> {
    let period = parse_duration(text)?;
    if period >= Duration::from_millis(100) {
        return Ok(period);
    }
    Err("the shortest period is 100ms".to_owned())
}

/// Takes the address of a service.
pub(super) fn parse_endpoint(text: &str) -> Result<Endpoint, String> {
    text.parse().map_err(|error: bruit_agent::delivery::EndpointError| error.to_string())
}

/// Takes `NAME=VALUE` of an attribute of a `CloudEvent`: small letters and digits.
pub(super) fn parse_attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_name {
        return Ok((name.to_owned(), value.to_owned()));
    }
    Err("an attribute's name has small letters and digits only".to_owned())
}

/// Whether `text` is like `glob`, where `*` is any text and `?` any one letter.
pub(crate) fn is_like(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut at, mut here) = (0, 0);
    // One point to come back to, so that no input is exponential.
    let mut retry: Option<(usize, usize)> = None;
    while here < text.len() {
        match glob.get(at) {
            Some('*') => {
                retry = Some((at + 1, here));
                at += 1;
            }
            Some(&letter) if letter == '?' || letter == text[here] => {
                at += 1;
                here += 1;
            }
            Some(_) | None => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                (at, here) = (after, from + 1);
            }
        }
    }
    glob[at..].iter().all(|letter| *letter == '*')
}

/// Takes `Name: value`.
pub(crate) fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| "not a header's name")?;
    let value = HeaderValue::from_bytes(value.trim().as_bytes());
    Ok((name, value.map_err(|_| "not a header's value")?))
}

/// Takes `K=V`.
pub(super) fn parse_tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write K=V, such as role=web")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Takes `K=V`, or `K-` for a removal.
pub(super) fn parse_tag_change(text: &str) -> Result<(String, Option<String>), String> {
    if let Some((key, value)) = text.split_once('=') {
        return Ok((key.to_owned(), Some(value.to_owned())));
    }
    let key = text.strip_suffix('-').filter(|key| !key.is_empty());
    Ok((key.ok_or("write K=V to set, or K- to remove")?.to_owned(), None))
}

/// Takes `KEY=VALUE` of a scenario.
pub(super) fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as network.loss=2%")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// Takes the seed of a run: what a scenario can say too.
pub(super) fn parse_seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed <= i64::MAX.unsigned_abs());
    seed.ok_or_else(|| "write a number of 0 to 9223372036854775807".to_owned())
}

/// Takes a share, as parts in a million.
pub(super) fn parse_share(text: &str) -> Result<u32, String> {
    bruit_sim::scenario::parse_share(text)
}

/// Takes a pattern of paths.
pub(super) fn parse_pattern(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("2s", Some(2000)),
            ("1m", Some(60_000)),
            ("0s", Some(0)),
            ("5", None),
            ("s", None),
            ("-1s", None),
            ("1h", Some(3_600_000)),
            ("1d", None),
            ("99999999999999999999s", None),
            ("18446744073709551615m", None),
        ] {
            let millis = parse_duration(text).ok().map(|time| time.as_millis());
            assert_eq!(millis, expected, "{text}");
        }
    }

    #[test]
    fn a_body_is_text_a_file_or_standard_input() {
        assert_eq!(Data::parse("a@b"), Ok(Data::Text("a@b".to_owned())));
        assert_eq!(Data::parse(""), Ok(Data::Text(String::new())));
        assert_eq!(Data::parse("@a b"), Ok(Data::File("a b".into())));
        assert_eq!(Data::parse("-"), Ok(Data::Stdin));
        assert_eq!(Data::parse("-x"), Ok(Data::Text("-x".to_owned())));
    }

    #[test]
    fn a_period_is_not_too_short() {
        assert_eq!(parse_period("100ms"), Ok(Duration::from_millis(100)));
        assert!(parse_period("99ms").is_err());
        assert!(parse_period("web-1").is_err());
    }

    #[test]
    fn attributes_have_plain_names() {
        assert_eq!(parse_attribute("team=a=b"), Ok(("team".into(), "a=b".into())));
        for text in ["team", "=a", "Team=a", "te-am=a"] {
            assert!(parse_attribute(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_glob_has_stars_and_question_marks() {
        for (glob, text, expected) in [
            ("web-1", "web-1", true),
            ("web-1", "web-12", false),
            ("web-*", "web-", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("web-?", "web-1", true),
            ("web-?", "web-", false),
            ("?", "é", true),
            ("*-b*1", "a-b-b21", true),
            ("*a*a*a*b", &"a".repeat(200), false),
        ] {
            assert_eq!(is_like(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn headers_are_as_in_http() {
        let (name, value) = parse_header("X-A:  b: c ").unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("x-a", &b"b: c"[..]));
        assert!(parse_header("no colon").is_err());
        assert!(parse_header("a b: c").is_err());
        assert!(parse_header("a: b\nc: d").is_err());
    }

    #[test]
    fn tags_are_set_and_removed() {
        let set = |key: &str, value: Option<&str>| Ok((key.into(), value.map(str::to_owned)));
        assert_eq!(parse_tag_change("a=b=c"), set("a", Some("b=c")));
        assert_eq!(parse_tag_change("a="), set("a", Some("")));
        assert_eq!(parse_tag_change("a-"), set("a", None));
        assert_eq!(parse_tag_change("a-b="), set("a-b", Some("")));
        assert!(parse_tag_change("-").is_err());
        assert!(parse_tag_change("a").is_err());
    }
}
