//! The headers of a `CloudEvent` in binary content mode.
//!
//! Source: CloudEvents 1.0.2 (required attributes) and its HTTP protocol binding 1.0.2, section
//! 3.1.3 (names and percent-encoding of header values).

use crate::args::CloudEventArgs;
use crate::client::Ask;
use crate::exit::{Exit, Failure};
use http::{HeaderName, HeaderValue};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

/// The source of events that say none.
const SOURCE: &str = "/bruit";
const ID_BYTES: usize = 16;

/// Adds what the flags say, with a new id where they say none.
pub(super) fn with_attributes(mut ask: Ask, args: &CloudEventArgs) -> Result<Ask, Failure> {
    let Some(kind) = &args.ce_type else { return Ok(ask) };
    let id = args.ce_id.clone().map_or_else(new_id, Ok)?;
    let fixed = [
        ("specversion", Some("1.0")),
        ("type", Some(kind.as_str())),
        ("source", Some(args.ce_source.as_deref().unwrap_or(SOURCE))),
        ("id", Some(&*id)),
        ("subject", args.ce_subject.as_deref()),
        ("time", args.ce_time.as_deref()),
        ("dataschema", args.ce_dataschema.as_deref()),
    ];
    let others = args.ce_others.iter().map(|(name, value)| (name.as_str(), Some(value.as_str())));
    for (name, value) in fixed.into_iter().chain(others) {
        let Some(value) = value else { continue };
        if value.is_empty() {
            return Err(Failure::usage(format!("the CloudEvents attribute {name} is empty")));
        }
        let bad = |_| Failure::usage(format!("no CloudEvents attribute can be called {name}"));
        let name = HeaderName::try_from(format!("ce-{name}")).map_err(bad)?;
        let value = HeaderValue::try_from(encode(value)).expect("encoded values are ASCII");
        ask = ask.header(name, value);
    }
    Ok(ask)
}

/// A header's value: spaces, quotes, `%` and what is not printable ASCII are percent-encoded.
fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    encoded
}

/// 128 random bits in hexadecimal.
fn new_id() -> Result<String, Failure> {
    let mut bytes = [0; ID_BYTES];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map_err(|error| {
        Failure::new(Exit::Failed, format!("no random id can be made: {error}"))
            .hint("say one with --ce-id")
    })?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn required_attributes_are_always_there() {
        let ask = || Ask::new(Method::POST, "/topics/a");
        let plain = with_attributes(ask(), &CloudEventArgs::default()).unwrap();
        assert!(plain.headers().is_empty());
        let args = CloudEventArgs { ce_type: Some("t".into()), ..CloudEventArgs::default() };
        let ask = with_attributes(ask(), &args).unwrap();
        let text = |name: &str| ask.headers()[name].to_str().unwrap().to_owned();
        assert_eq!([text("ce-specversion"), text("ce-type")], ["1.0", "t"]);
        assert_eq!(text("ce-source"), "/bruit");
        assert_eq!(text("ce-id").len(), 32);
        assert_ne!(new_id().unwrap(), new_id().unwrap());
    }

    #[test]
    fn values_are_percent_encoded() {
        assert_eq!(encode("Euro € 😀 \"50%\""), "Euro%20%E2%82%AC%20%F0%9F%98%80%20%2250%25%22");
        let args = CloudEventArgs {
            ce_type: Some("t".into()),
            ce_others: vec![("team".into(), String::new())],
            ..CloudEventArgs::default()
        };
        let failure = with_attributes(Ask::new(Method::POST, "/topics/a"), &args).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
    }
}
