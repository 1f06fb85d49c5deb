//! JSON that is harmless on a terminal too.

use super::clean::is_harmful;
use serde::Serialize;
use std::fmt::Write as _;

/// One line of JSON. Harmful letters can only stand in strings, where `\u` says the same.
pub(crate) fn text(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("a value has string keys");
    if !json.contains(is_harmful) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_harmful(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").expect("writing to a String cannot fail");
            }
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmful_letters_are_escaped_and_mean_the_same() {
        let value = serde_json::json!({ "a": "\x1b[2J\u{9b}\u{202e}\u{e0041}é" });
        let line = text(&value);
        assert_eq!(line, "{\"a\":\"\\u001b[2J\\u009b\\u202e\\udb40\\udc41é\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
    }
}
