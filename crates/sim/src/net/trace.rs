//! The fingerprint of a run, and its text.

use crate::HostId;
use bruit_engine::Instant;
use bruit_model::Event;
use std::collections::VecDeque;
use std::fmt::{self, Write as _};

/// Folds all that reaches a node and all that it tells into one number. Not cryptographic.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: u64,
    log: VecDeque<String>,
    lines_max: usize,
}

impl Trace {
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn keep(&mut self, lines_max: usize) {
        self.lines_max = lines_max;
        self.log.drain(..self.log.len().saturating_sub(lines_max));
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.log.iter().map(String::as_str)
    }

    /// Notes that `what`, with a number and bytes that tell it from others, happened on `host`.
    pub(crate) fn note(
        &mut self,
        at: Instant,
        host: HostId,
        what: &str,
        number: u64,
        bytes: &[u8],
    ) {
        self.fold(at.as_nanos());
        self.fold(u64::from(host.0));
        self.fold_bytes(what.as_bytes());
        self.fold(number);
        self.fold_bytes(bytes);
        if self.lines_max > 0 {
            if self.log.len() == self.lines_max {
                self.log.pop_front();
            }
            let line = format!("{at:?} {host} {what} #{number} {} B", bytes.len());
            self.log.push_back(line);
        }
    }

    pub(crate) fn note_event(&mut self, at: Instant, host: HostId, event: &Event) {
        let Event::Item { item, from, repaired } = event else {
            let mut words = Words { trace: self, word: [0; 8], len: 0 };
            write!(words, "{event:?}").expect("folding does not fail");
            words.end();
            return self.note(at, host, "event", 0, &[]);
        };
        let from = from.map_or([0; 16], |from| from.0);
        for bytes in [&item.id.origin.0[..], item.path.as_str().as_bytes(), &from] {
            self.fold_bytes(bytes);
        }
        for word in [item.id.start, item.id.seq, u64::from(*repaired)] {
            self.fold(word);
        }
        self.note(at, host, "item", item.payload.len() as u64, &[]);
    }

    /// `FxHash`'s step: rotate, xor, multiply by an odd constant.
    fn fold(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn fold_bytes(&mut self, bytes: &[u8]) {
        self.fold(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }
}

/// Folds a text as it is written, in words of eight bytes however it comes in parts.
struct Words<'a> {
    trace: &'a mut Trace,
    word: [u8; 8],
    len: usize,
}

impl Words<'_> {
    fn end(self) {
        let Self { trace, word, len } = self;
        trace.fold_bytes(&word[..len]);
    }
}

impl fmt::Write for Words<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.word[self.len] = byte;
            self.len += 1;
            if self.len == 8 {
                self.trace.fold(u64::from_le_bytes(self.word));
                self.len = 0;
            }
        }
        Ok(())
    }
}
