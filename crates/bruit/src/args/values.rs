//! From the text of one argument to its value.

use bruit_model::Pattern;
use http::{HeaderName, HeaderValue};
use std::time::Duration;

/// Takes `500ms`, `2s` or `1m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let parse = || {
        let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, unit) = text.split_at(unit_at);
        let number: u64 = number.parse().ok()?;
        let millis = match unit {
            "ms" => number,
            "s" => number.checked_mul(1000)?,
            "m" => number.checked_mul(60_000)?,
            _ => return None,
        };
        Some(Duration::from_millis(millis))
    };
    parse().ok_or_else(|| "write 500ms, 2s or 1m".to_owned())
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
            ("1h", None),
            ("99999999999999999999s", None),
            ("18446744073709551615m", None),
        ] {
            let millis = parse_duration(text).ok().map(|time| time.as_millis());
            assert_eq!(millis, expected, "{text}");
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
