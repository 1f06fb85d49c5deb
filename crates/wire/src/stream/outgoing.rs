//! Messages in, bytes out.

use super::{RECORD_BYTES_MAX, STREAM_MESSAGE_BYTES_MAX, StreamError};
use crate::seal::crypto::{SEAL_BYTES, seal};
use crate::writer::Sink as _;
use ring::aead::LessSafeKey;
use std::collections::VecDeque;

/// Bytes of messages that may wait to be written.
const QUEUED_BYTES_MAX: usize = 4 * STREAM_MESSAGE_BYTES_MAX;
/// What a message takes beside its bytes, about.
const MESSAGE_OVERHEAD_BYTES: usize = 32;

/// The outgoing half of a stream.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Bytes as they go out, from `written` on.
    wire: Vec<u8>,
    written: usize,
    key: Option<LessSafeKey>,
    /// The counter of the next record.
    counter: u64,
    /// Messages, their lengths in front, the first from `taken` on.
    messages: VecDeque<Vec<u8>>,
    taken: usize,
    queued_bytes: usize,
}

impl Outgoing {
    /// Where bytes in clear are put.
    pub(super) const fn clear(&mut self) -> &mut Vec<u8> {
        &mut self.wire
    }

    /// From here on, records are sealed with this key: the empty one at once.
    pub(super) fn start(&mut self, key: LessSafeKey) {
        seal_record(&key, self.counter, &[], &mut self.wire);
        self.counter += 1;
        self.key = Some(key);
    }

    pub(super) fn push(&mut self, message: &[u8]) -> Result<(), StreamError> {
        if message.len() > STREAM_MESSAGE_BYTES_MAX {
            return Err(StreamError::TooLong);
        }
        if self.queued_bytes + message.len() + MESSAGE_OVERHEAD_BYTES > QUEUED_BYTES_MAX {
            return Err(StreamError::Full);
        }
        let length = u32::try_from(message.len()).map_err(|_| StreamError::TooLong)?;
        let mut framed = Vec::with_capacity(4 + message.len());
        framed.u32(length);
        framed.put(message);
        self.queued_bytes += message.len() + MESSAGE_OVERHEAD_BYTES;
        self.messages.push_back(framed);
        Ok(())
    }

    pub(super) const fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    pub(super) fn has_output(&self) -> bool {
        self.written < self.wire.len() || (self.key.is_some() && !self.messages.is_empty())
    }

    pub(super) fn poll(&mut self, mut max: usize, out: &mut Vec<u8>) {
        while max > 0 {
            if self.written == self.wire.len() && !self.seal_next() {
                return;
            }
            let count = max.min(self.wire.len() - self.written);
            out.extend_from_slice(&self.wire[self.written..self.written + count]);
            self.written += count;
            max -= count;
        }
    }

    /// The next record, with this plaintext.
    #[cfg(test)]
    pub(super) fn lying_record(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        seal_record(self.key.as_ref().unwrap(), self.counter, plaintext, &mut out);
        self.counter += 1;
        out
    }

    /// Makes one record of what is queued: as many messages as fit.
    fn seal_next(&mut self) -> bool {
        self.wire.clear();
        self.written = 0;
        let Some(key) = &self.key else { return false };
        let mut plaintext = Vec::with_capacity(RECORD_BYTES_MAX.min(self.queued_bytes + 4));
        while let Some(message) = self.messages.front() {
            let room = RECORD_BYTES_MAX - plaintext.len();
            let part = &message[self.taken..];
            let count = part.len().min(room);
            plaintext.extend_from_slice(&part[..count]);
            self.taken += count;
            if count < part.len() {
                break;
            }
            self.queued_bytes -= message.len() - 4 + MESSAGE_OVERHEAD_BYTES;
            self.messages.pop_front();
            self.taken = 0;
        }
        if plaintext.is_empty() {
            return false;
        }
        seal_record(key, self.counter, &plaintext, &mut self.wire);
        self.counter += 1;
        true
    }
}

/// Appends a record: its length (two bytes), and what is sealed.
fn seal_record(key: &LessSafeKey, counter: u64, plaintext: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(plaintext.len() + SEAL_BYTES);
    out.u16(length.expect("a record with its seal is shorter than 64 KiB"));
    // The length need not be authenticated: with another one, the seal does not fit.
    let mut sealed = plaintext.to_vec();
    seal(key, counter, &mut sealed, 0);
    out.put(&sealed);
}
