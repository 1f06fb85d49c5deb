//! Server-sent events, from bytes that come in pieces.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html>, section 9.2.6; the
//! `retry` field is not used.

use std::collections::VecDeque;

/// The longest line and the longest event, in bytes. Guess.
const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The id that the sender gave last.
    pub(super) id: Option<String>,
    /// What kind of event; `message` if the sender did not say.
    pub(super) kind: String,
    /// Its data; lines are joined by line ends.
    pub(super) data: String,
}

/// An event is over the limit; the stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Takes bytes, gives events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    after_return: bool,
    id: Option<String>,
    kind: String,
    data: Option<String>,
    ready: VecDeque<Event>,
}

impl Parser {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for &byte in bytes {
            let is_second_half = std::mem::take(&mut self.after_return) && byte == b'\n';
            match byte {
                b'\n' if is_second_half => {}
                b'\r' | b'\n' => {
                    self.after_return = byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    self.on_line(&String::from_utf8_lossy(&line));
                }
                _ => self.line.push(byte),
            }
            let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
            if held > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    /// The next whole event.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn on_line(&mut self, line: &str) {
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            if let Some(data) = self.data.take() {
                let kind = if kind.is_empty() { "message".to_owned() } else { kind };
                self.ready.push_back(Event { id: self.id.clone(), kind, data });
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => self.kind = value.to_owned(),
            ("id", _) if !value.contains('\0') => self.id = Some(value.to_owned()),
            ("data", Some(data)) => data.extend(["\n", value]),
            ("data", none) => *none = Some(value.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut parser = Parser::default();
        for piece in pieces {
            parser.push(piece).unwrap();
        }
        std::iter::from_fn(|| parser.next()).map(|event| (event.kind, event.data)).collect()
    }

    fn event(kind: &str, data: &str) -> (String, String) {
        (kind.to_owned(), data.to_owned())
    }

    #[test]
    fn events_end_at_empty_lines_however_they_are_cut() {
        let stream = "event: change\nid: 7\ndata: {\"a\":\ndata: 1}\n\n: still here\n\n\
                      data:x\r\n\r\nevent: none\n\ndata: é\r\revent: lost\ndata: no end\n";
        let expected =
            [event("change", "{\"a\":\n1}"), event("message", "x"), event("message", "é")];
        assert_eq!(parse(&[stream.as_bytes()]), expected);
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(parse(&bytes), expected);
    }

    #[test]
    fn an_id_holds_until_the_next_one() {
        let mut parser = Parser::default();
        parser.push(b"data: a\n\nid: 7\ndata: b\n\ndata: c\n\nid\ndata: d\n\n").unwrap();
        let ids: Vec<_> = std::iter::from_fn(|| parser.next()).map(|event| event.id).collect();
        assert_eq!(ids, [None, Some("7".into()), Some("7".into()), Some(String::new())]);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; EVENT_BYTES_MAX];
        assert_eq!(parser.push(&piece), Ok(()));
        assert_eq!(parser.push(b"x"), Err(TooLong));
    }
}
