//! Writing a stream's message.

use super::{PushPull, StreamMessage};
use crate::codec::message::{Kind, PushPullHeader, UserHeader};
use crate::codec::msgpack::Form;
use crate::codec::packet::Layers;
use crate::codec::seal::NonceBytes;
use crate::limits::SEALED;
use bruit_wire::{DecodeError, Sink as _};

impl StreamMessage {
    /// Writes it without layers, its type first.
    pub fn encode(&self, form: Form, out: &mut Vec<u8>) {
        match self {
            Self::Ping(ping) => {
                out.u8(Kind::Ping.byte());
                ping.write(form, out);
            }
            Self::Ack(ack) => {
                out.u8(Kind::Ack.byte());
                ack.write(form, out);
            }
            Self::PushPull(state) => state.encode(form, out),
            Self::User(bytes) => {
                out.u8(Kind::User.byte());
                UserHeader { length: signed(bytes.len()) }.write(form, out);
                out.put(bytes);
            }
            Self::Failure(failure) => {
                out.u8(Kind::Error.byte());
                failure.write(form, out);
            }
        }
    }
}

impl PushPull {
    fn encode(&self, form: Form, out: &mut Vec<u8>) {
        out.u8(Kind::PushPull.byte());
        let header = PushPullHeader {
            join: self.join,
            nodes: signed(self.nodes.len()),
            user_state_len: signed(self.user_state.len()),
        };
        header.write(form, out);
        self.nodes.iter().for_each(|node| node.write(form, out));
        out.put(&self.user_state);
    }
}

impl Layers {
    /// Writes what an initiator sends first, if the cluster has a label.
    pub fn stream_label(&self, out: &mut Vec<u8>) {
        self.label.write(out);
    }

    /// Writes `message` with its layers. It is compressed even where that makes it longer, as
    /// memberlist does. `nonce` is used once, ever, and only with a key.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] if it would be longer than a receiver takes; `out` is as before.
    pub fn stream_message(
        &self,
        message: &StreamMessage,
        nonce: NonceBytes,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let mut text = Vec::new();
        message.encode(self.form, &mut text);
        if self.compression {
            text = self.compress(&text);
        }
        let Some(keyring) = self.sealing() else {
            out.put(&text);
            return Ok(());
        };
        let length = SEALED.check(self.seal_version.sealed_len(text.len()) as u64)?;
        let length = u32::try_from(length).expect("the limit is below 4 GiB");
        let begin = out.len();
        out.u8(Kind::Encrypt.byte());
        out.u32(length);
        let data = [&out[begin..], self.label.as_bytes()].concat();
        keyring.primary().seal(self.seal_version, nonce, &data, &text, out);
        Ok(())
    }
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).expect("memory holds fewer bytes")
}
