//! The curl command that asks the same.

use super::Ask;
use crate::args::Data;
use crate::out::is_harmful;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use std::fmt::Write as _;

/// One command for a POSIX shell. The token is named, never shown.
pub(super) fn line(authority: &str, has_token: bool, ask: &Ask) -> String {
    let mut line = String::from("curl -sS");
    if ask.is_stream {
        line += " -N";
    }
    if ask.target.split('?').next().is_some_and(|path| path.split('/').any(is_dots)) {
        line += " --path-as-is";
    }
    match &ask.method {
        &Method::HEAD => line += " --head",
        &Method::GET if !has_body(ask) => {}
        method => line += &format!(" -X {}", quote(method.as_str())),
    }
    if has_token {
        line += " -H \"Bruit-Token: $BRUIT_TOKEN\"";
    }
    line += &headers(&ask.headers);
    if has_body(ask) && !ask.headers.contains_key(header::CONTENT_TYPE) {
        // Otherwise curl says that it is a form.
        line += " -H 'Content-Type:'";
    }
    let url = format!("http://{authority}{}", ask.target);
    if url.contains(['{', '}']) || ask.target.contains(['[', ']']) {
        line += " -g";
    }
    let (before, body) = body(ask);
    format!("{before}{line}{body} {}", quote(&url))
}

fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn has_body(ask: &Ask) -> bool {
    ask.data.is_some() || !ask.body.is_empty()
}

fn headers(headers: &HeaderMap<HeaderValue>) -> String {
    headers.iter().fold(String::new(), |mut line, (name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        // curl takes `Name:` for "leave it out", and `Name;` for an empty one.
        let field = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        write!(line, " -H {}", quote(&field)).expect("writing to a String cannot fail");
        line
    })
}

/// What stands before the command, and its argument.
fn body(ask: &Ask) -> (String, String) {
    match &ask.data {
        Some(Data::Stdin) => (String::new(), " --data-binary @-".to_owned()),
        Some(Data::File(path)) => {
            (String::new(), format!(" --data-binary {}", quote(&format!("@{}", path.display()))))
        }
        Some(Data::Text(text)) => text_body(&Bytes::copy_from_slice(text.as_bytes())),
        None if ask.body.is_empty() => (String::new(), String::new()),
        None => text_body(&ask.body),
    }
}

fn text_body(bytes: &Bytes) -> (String, String) {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.replace('\n', "").contains(is_harmful) && !text.starts_with('@') => {
            (String::new(), format!(" --data-binary {}", quote(text)))
        }
        Ok(_) | Err(_) => (format!("printf {} | ", octal(bytes)), " --data-binary @-".to_owned()),
    }
}

/// `text` as one word of a POSIX shell, harmless on a terminal.
pub(crate) fn quote(text: &str) -> String {
    if text.replace('\n', "").contains(is_harmful) {
        return format!("\"$(printf {})\"", octal(text.as_bytes()));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:@%+,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A format for printf(1) that prints exactly `bytes`.
fn octal(bytes: &[u8]) -> String {
    let mut text = String::from("'");
    for &byte in bytes {
        match byte {
            b'%' => text += "%%",
            _ if byte.is_ascii_alphanumeric() || b" -._/:@+,={}\"".contains(&byte) => {
                text.push(char::from(byte));
            }
            _ => write!(text, "\\{byte:03o}").expect("writing to a String cannot fail"),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use std::process::Command;

    fn of(ask: &Ask) -> String {
        line("127.0.0.1:7070", false, ask)
    }

    #[test]
    fn a_plain_read_is_short() {
        let ask = Ask::new(Method::GET, "/v1/members");
        assert_eq!(of(&ask), "curl -sS http://127.0.0.1:7070/v1/members");
        let secret = line("[::1]:7070", true, &ask);
        let expected = "curl -sS -H \"Bruit-Token: $BRUIT_TOKEN\" 'http://[::1]:7070/v1/members'";
        assert_eq!(secret, expected);
    }

    #[test]
    fn method_headers_and_body_are_said() {
        let field = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let (name, value) = field("x-a", "it's");
        let (empty, nothing) = field("x-b", "");
        let ask = Ask::new(Method::POST, "/topics/a").header(name, value).header(empty, nothing);
        let ask = ask.body("{\"a\": 'b'}");
        let expected = "curl -sS -X POST -H 'x-a: it'\\''s' -H 'x-b;' -H 'Content-Type:' \
                        --data-binary '{\"a\": '\\''b'\\''}' http://127.0.0.1:7070/topics/a";
        assert_eq!(of(&ask), expected);
        let ask = Ask::new(Method::HEAD, "/all/a/../b?c=*&d={e}");
        let expected =
            "curl -sS --path-as-is --head -g 'http://127.0.0.1:7070/all/a/../b?c=*&d={e}'";
        assert_eq!(of(&ask), expected);
        let ask = Ask::new(Method::PUT, "/all/a").data(Some(Data::File("a b".into())));
        let expected = "curl -sS -X PUT -H 'Content-Type:' --data-binary '@a b' \
                        http://127.0.0.1:7070/all/a";
        assert_eq!(of(&ask), expected);
    }

    #[test]
    fn what_a_terminal_acts_on_is_never_printed() {
        let body = Bytes::from_static(b"\x1b[2J \xff%s\\n'\n");
        let (before, argument) = text_body(&body);
        assert_eq!(argument, " --data-binary @-");
        assert!(!before.contains(is_harmful), "{before}");
        let script = before.trim_end_matches([' ', '|']).to_owned();
        let printed = Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
        assert_eq!(printed, body);
        let word = quote("x: \u{202e}a\u{9b}%");
        assert!(!word.contains(is_harmful), "{word}");
        let script = format!("printf %s {word}");
        let printed = Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
        assert_eq!(String::from_utf8(printed).unwrap(), "x: \u{202e}a\u{9b}%");
    }
}
