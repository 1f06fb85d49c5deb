//! Bytes in, messages out.

use super::{SEALED_RECORD_BYTES_MAX, STREAM_MESSAGE_BYTES_MAX, StreamError};
use crate::seal::crypto::{SEAL_BYTES, open};
use ring::aead::LessSafeKey;
use std::collections::VecDeque;

/// Bytes of messages that may wait to be taken.
const READY_BYTES_MAX: usize = 2 * STREAM_MESSAGE_BYTES_MAX;
/// What a message takes beside its bytes, about.
const MESSAGE_OVERHEAD_BYTES: usize = 32;
/// How a message's length stands before it.
const LENGTH_BYTES: usize = 4;

/// The incoming half of a stream.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// A handshake or a record that is not complete.
    unit: Vec<u8>,
    key: Option<LessSafeKey>,
    /// The counter of the next record.
    counter: u64,
    /// A message that is not complete, its length in front.
    message: Vec<u8>,
    ready: VecDeque<Vec<u8>>,
    ready_bytes: usize,
    plaintext: Vec<u8>,
}

impl Incoming {
    pub(super) fn first_byte(&self) -> Option<u8> {
        self.unit.first().copied()
    }

    /// Moves bytes until `length` of them are there, and gives these.
    pub(super) fn take_unit(&mut self, length: usize, bytes: &mut &[u8]) -> Option<Vec<u8>> {
        move_up_to(length, bytes, &mut self.unit);
        (self.unit.len() >= length).then(|| std::mem::take(&mut self.unit))
    }

    /// A record without its length, when it is complete.
    pub(super) fn take_record(
        &mut self,
        bytes: &mut &[u8],
    ) -> Result<Option<Vec<u8>>, StreamError> {
        move_up_to(2, bytes, &mut self.unit);
        let Some(length) = self.unit.first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > SEALED_RECORD_BYTES_MAX {
            return Err(StreamError::TooLong);
        }
        if length < SEAL_BYTES {
            return Err(StreamError::Malformed);
        }
        let unit = self.take_unit(2 + length, bytes);
        Ok(unit.map(|mut unit| unit.split_off(2)))
    }

    /// From here on, records are opened with this key.
    pub(super) fn start(&mut self, key: LessSafeKey) {
        self.key = Some(key);
    }

    pub(super) fn is_authentic(&self) -> bool {
        self.counter > 0
    }

    /// Takes a record; false if it is not authentic.
    pub(super) fn open(&mut self, record: &[u8]) -> Result<bool, StreamError> {
        let Some(key) = &self.key else { return Ok(false) };
        let mut plaintext = std::mem::take(&mut self.plaintext);
        let authentic = open(key, self.counter, &[], record, &mut plaintext);
        if !authentic {
            return Ok(false);
        }
        let is_first = self.counter == 0;
        self.counter += 1;
        if plaintext.is_empty() != is_first {
            return Err(StreamError::Malformed);
        }
        let result = self.on_plaintext(&plaintext);
        self.plaintext = plaintext;
        result.map(|()| true)
    }

    fn on_plaintext(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            move_up_to(LENGTH_BYTES, &mut bytes, &mut self.message);
            let Some(length) = self.message.first_chunk::<LENGTH_BYTES>() else { break };
            let length = u32::from_be_bytes(*length);
            let length = usize::try_from(length).map_err(|_| StreamError::TooLong)?;
            if length > STREAM_MESSAGE_BYTES_MAX {
                return Err(StreamError::TooLong);
            }
            move_up_to(LENGTH_BYTES + length, &mut bytes, &mut self.message);
            if self.message.len() == LENGTH_BYTES + length {
                self.on_message()?;
            }
        }
        Ok(())
    }

    fn on_message(&mut self) -> Result<(), StreamError> {
        let mut message = std::mem::take(&mut self.message);
        message.drain(..LENGTH_BYTES);
        self.ready_bytes += message.len() + MESSAGE_OVERHEAD_BYTES;
        if self.ready_bytes > READY_BYTES_MAX {
            return Err(StreamError::Full);
        }
        self.ready.push_back(message);
        Ok(())
    }

    /// Bytes of what is not complete.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.unit.len() + self.message.capacity()
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let message = self.ready.pop_front()?;
        self.ready_bytes -= message.len() + MESSAGE_OVERHEAD_BYTES;
        Some(message)
    }
}

/// Moves bytes from the front of `from` until `to` holds `length`.
fn move_up_to(length: usize, from: &mut &[u8], to: &mut Vec<u8>) {
    let count = length.saturating_sub(to.len()).min(from.len());
    let (moved, rest) = from.split_at(count);
    to.extend_from_slice(moved);
    *from = rest;
}
