//! A payload in JSON: as text where it is one, else in base 64.

use crate::delivery::encode_base64;
use serde::Serialize;

/// One field, by what the payload is.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Payload<'a> {
    /// UTF-8.
    Text { body: &'a str },
    /// Anything else.
    Binary { body_base64: String },
}

impl<'a> Payload<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(body) => Self::Text { body },
            Err(_) => Self::Binary { body_base64: encode_base64(bytes) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_is_shown_as_it_is() {
        let shown = |bytes| serde_json::to_string(&Payload::of(bytes)).unwrap();
        assert_eq!(shown(b""), r#"{"body":""}"#);
        assert_eq!(shown("é\n".as_bytes()), r#"{"body":"é\n"}"#);
        assert_eq!(shown(b"\xff\x00"), r#"{"body_base64":"/wA="}"#);
    }
}
