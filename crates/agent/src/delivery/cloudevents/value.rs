//! Attribute values as HTTP header values.
//!
//! Source: HTTP protocol binding for `CloudEvents` 1.0.2, 3.1.3.2.

/// Appends `text`, percent-encoding space, double quote, percent, and what is not printable
/// ASCII.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%') {
            out.push(byte);
        } else {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
            out.extend_from_slice(&[b'%', high, low]);
        }
    }
}

/// The text of a header value: quoted strings (RFC 9110 5.6.4) are taken out of their quotes,
/// then percent-encoding is undone once. None if a quote has no end, a percent sign has no two
/// digits after it, or the bytes are not UTF-8.
pub(super) fn decode(raw: &[u8]) -> Option<String> {
    let bare = if raw.contains(&b'"') { unquote(raw)? } else { raw.to_vec() };
    if !bare.contains(&b'%') {
        return String::from_utf8(bare).ok();
    }
    let mut text = Vec::with_capacity(bare.len());
    let mut bytes = bare.into_iter();
    while let Some(byte) = bytes.next() {
        text.push(if byte == b'%' {
            digit(bytes.next()?)? << 4 | digit(bytes.next()?)?
        } else {
            byte
        });
    }
    String::from_utf8(text).ok()
}

fn unquote(raw: &[u8]) -> Option<Vec<u8>> {
    let mut bare = Vec::with_capacity(raw.len());
    let mut is_quoted = false;
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\\' if is_quoted => bare.push(bytes.next()?),
            other => bare.push(other),
        }
    }
    (!is_quoted).then_some(bare)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        encode(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// The first is the specification's own example.
    #[test]
    fn values_are_encoded_and_decoded() {
        for (text, expected) in [
            ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("", ""),
            ("!~#$&'()*+,/:;=?@[]\\`{|}", "!~#$&'()*+,/:;=?@[]\\`{|}"),
            ("a \"b\" 100%", "a%20%22b%22%20100%25"),
            ("%20", "%2520"),
            ("\u{7f}\u{80}\n\0", "%7F%C2%80%0A%00"),
        ] {
            assert_eq!(encoded(text), expected);
            assert_eq!(decode(expected.as_bytes()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_others_write_is_understood() {
        for (raw, expected) in [
            ("%e2%82%ac", Some("€")),
            ("%41", Some("A")),
            ("plain text", Some("plain text")),
            ("€", Some("€")),
            (r#""two words""#, Some("two words")),
            (r#""a \"b\" \\ %25""#, Some("a \"b\" \\ %")),
            (r#"a\b "c\d"e"#, Some("a\\b cde")),
            (r#""""#, Some("")),
            ("\"open", None),
            ("\"open\\", None),
            ("%C0%A0", None),
            ("%", None),
            ("%4", None),
            ("%4g", None),
            ("%+1", None),
            ("%ED%A0%80", None),
        ] {
            assert_eq!(decode(raw.as_bytes()).as_deref(), expected, "{raw}");
        }
        assert_eq!(decode(b"\xff"), None);
    }
}
