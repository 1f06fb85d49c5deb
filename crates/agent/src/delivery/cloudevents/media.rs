//! What a content type says of bytes.

/// The media type of one event as JSON.
pub(super) const EVENT_JSON: &str = "application/cloudevents+json";
/// The media type of several events as JSON.
pub(super) const BATCH_JSON: &str = "application/cloudevents-batch+json";
/// How the media types of all events that stand in a body begin.
const EVENT_PREFIX: &str = "application/cloudevents";

/// Type and subtype in lower case, without parameters.
pub(super) fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Whether it is a type and a subtype, and may stand in a header.
pub(super) fn is_media_type(content_type: &str) -> bool {
    let essence = essence(content_type);
    let is_token = |text: &str| http::Method::from_bytes(text.as_bytes()).is_ok();
    let parts = essence.split_once('/');
    parts.is_some_and(|(kind, sub)| is_token(kind) && is_token(sub))
        && content_type.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// Whether the body is an event, or several, in whatever format.
pub(super) fn is_event(content_type: &str) -> bool {
    content_type
        .trim_start()
        .get(..EVENT_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(EVENT_PREFIX))
}

/// Whether it declares JSON: `*/json` or `*/*+json`.
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// Whether it declares what people read as text.
pub(super) fn is_text(content_type: &str) -> bool {
    const TYPES: [&str; 5] = [
        "application/ecmascript",
        "application/javascript",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/yaml",
    ];
    let essence = essence(content_type);
    essence.starts_with("text/") || essence.ends_with("+xml") || TYPES.contains(&&*essence)
}

/// Whether it declares UTF-8 or no character set at all; ASCII is UTF-8 too.
pub(super) fn is_utf8(content_type: &str) -> bool {
    let parameters = content_type.split(';').skip(1).filter_map(|text| text.split_once('='));
    let mut charsets = parameters
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase());
    charsets.all(|charset| matches!(&*charset, "utf-8" | "utf8" | "us-ascii"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_told_apart() {
        for (text, json, is_a_text, utf8) in [
            ("application/json", true, false, true),
            ("Text/JSON; charset=\"UTF-8\"", true, true, true),
            ("application/vnd.x+JSON ;a=b", true, false, true),
            ("application/jsonx", false, false, true),
            ("text/plain; charset=iso-8859-1", false, true, false),
            ("TEXT/html;Charset=utf8", false, true, true),
            ("image/svg+xml", false, true, true),
            ("application/octet-stream", false, false, true),
        ] {
            assert_eq!(
                (is_json(text), is_text(text), is_utf8(text)),
                (json, is_a_text, utf8),
                "{text}"
            );
            assert!(is_media_type(text), "{text}");
        }
        for text in ["", "text", "a b/c", "text/", "/x", "text/plain; x=é", "a/b\n"] {
            assert!(!is_media_type(text), "{text}");
        }
        assert!(is_event(" Application/CloudEvents-batch+json; x"));
        assert!(is_event("application/cloudevents+avro"));
        assert!(!is_event("application/json"));
    }
}
