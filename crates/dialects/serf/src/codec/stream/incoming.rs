//! Reading a stream's message as its bytes come.

use super::StreamMessage;
use super::body::{Body, Step};
use crate::codec::label;
use crate::codec::message::{Compressed, Kind};
use crate::codec::msgpack::{Extent, Reader, extent};
use crate::codec::packet::Layers;
use crate::codec::seal::OpenError;
use crate::limits::{COMPRESSED, SEALED, STREAM_PLAIN};
use bruit_wire::DecodeError;

/// Type and length in front of what is sealed.
const SEALED_HEADER_BYTES: usize = 5;

/// A stream is of no more use. Each later call gives the same error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It has the label of another cluster, or none.
    #[error("the label is of another cluster")]
    Label,
    /// It is sealed, and we have no key.
    #[error("remote state is encrypted and encryption is not configured")]
    NoKey,
    /// It is not sealed, and must be.
    #[error("encryption is configured but remote state is not encrypted")]
    NotSealed,
    /// It is not sealed with a key of ours.
    #[error("not authentic: {0}")]
    Sealed(#[from] OpenError),
    /// It is no message.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
}

/// Which layer the next bytes belong to.
#[derive(Debug)]
enum Layer {
    /// The label of an initiator.
    Label,
    /// What may be sealed.
    Seal,
    /// What may be compressed.
    Compress,
    /// The message.
    Body(Body),
    /// All is read.
    Done,
    /// It is of no more use.
    Failed(StreamError),
}

/// Takes one message off a stream. Memory is bounded by the bytes that came and by the limits on
/// what they are uncompressed to, whatever lengths are claimed.
#[derive(Debug)]
pub struct Incoming {
    layer: Layer,
    buffer: Vec<u8>,
    /// How much of the buffer was read.
    read: usize,
    /// How many bytes behind that must be there before it is worth to read on.
    needs: usize,
    /// Whether the buffer is all that there is: it was sealed or compressed.
    is_inner: bool,
    message: Option<StreamMessage>,
    trailing: u64,
}

impl Incoming {
    /// For a stream that a peer has begun.
    pub const fn accepted() -> Self {
        Self::at(Layer::Label)
    }

    /// For the answer on a stream that we have begun: it has no label.
    pub const fn answer() -> Self {
        Self::at(Layer::Seal)
    }

    const fn at(layer: Layer) -> Self {
        Self {
            layer,
            buffer: Vec::new(),
            read: 0,
            needs: 1,
            is_inner: false,
            message: None,
            trailing: 0,
        }
    }

    /// Takes bytes that came.
    ///
    /// # Errors
    /// See [`StreamError`]; nothing is kept then.
    pub fn feed(&mut self, layers: &Layers, bytes: &[u8]) -> Result<(), StreamError> {
        match self.layer {
            Layer::Failed(error) => return Err(error),
            Layer::Done => {
                self.trailing += bytes.len() as u64;
                return Ok(());
            }
            Layer::Label | Layer::Seal | Layer::Compress | Layer::Body(_) => {}
        }
        self.buffer.extend_from_slice(bytes);
        self.advance(layers).inspect_err(|&error| {
            self.layer = Layer::Failed(error);
            self.buffer = Vec::new();
        })
    }

    /// The message, once it is whole.
    pub const fn take(&mut self) -> Option<StreamMessage> {
        self.message.take()
    }

    /// Bytes behind the message, which mean nothing.
    pub const fn trailing(&self) -> u64 {
        self.trailing
    }

    /// How many bytes are kept.
    pub const fn buffered(&self) -> usize {
        self.buffer.len()
    }

    fn advance(&mut self, layers: &Layers) -> Result<(), StreamError> {
        loop {
            if self.buffer.len() - self.read < self.needs {
                if self.is_inner {
                    return Err(DecodeError::Truncated.into());
                }
                self.buffer.drain(..self.read);
                self.read = 0;
                return Ok(());
            }
            let needs = match &mut self.layer {
                Layer::Label => self.at_label(layers)?,
                Layer::Seal => self.at_seal(layers)?,
                Layer::Compress => self.at_compress()?,
                Layer::Body(body) => match body.step(&self.buffer[self.read..])? {
                    Step::Read(read) => {
                        self.read += read;
                        None
                    }
                    Step::Needs(needs) => Some(needs),
                    Step::Whole(message, read) => {
                        self.trailing = (self.buffer.len() - self.read - read) as u64;
                        self.message = Some(message);
                        self.layer = Layer::Done;
                        self.buffer = Vec::new();
                        return Ok(());
                    }
                },
                Layer::Done | Layer::Failed(_) => return Ok(()),
            };
            self.needs = needs.unwrap_or(0);
        }
    }

    fn at_label(&mut self, layers: &Layers) -> Result<Option<usize>, StreamError> {
        let label = match label::split(&self.buffer) {
            Ok((label, _)) => label,
            Err(DecodeError::Truncated) => return Ok(Some(self.buffer.len() + 1)),
            Err(error) => return Err(error.into()),
        };
        if label != layers.label.as_bytes() {
            return Err(StreamError::Label);
        }
        self.read = layers.label.overhead();
        self.layer = Layer::Seal;
        Ok(Some(1))
    }

    fn at_seal(&mut self, layers: &Layers) -> Result<Option<usize>, StreamError> {
        let bytes = &self.buffer[self.read..];
        if bytes.first() != Some(&Kind::Encrypt.byte()) {
            if layers.keyring.is_some() && layers.verify_incoming {
                return Err(StreamError::NotSealed);
            }
            self.layer = Layer::Compress;
            return Ok(Some(1));
        }
        let keyring = layers.keyring.as_ref().ok_or(StreamError::NoKey)?;
        let Some((header, sealed)) = bytes.split_first_chunk::<SEALED_HEADER_BYTES>() else {
            return Ok(Some(SEALED_HEADER_BYTES));
        };
        let [_, a, b, c, d] = *header;
        let length = SEALED.check(u32::from_be_bytes([a, b, c, d]).into())?;
        let Some(sealed) = sealed.get(..length) else {
            return Ok(Some(SEALED_HEADER_BYTES + length));
        };
        let data = [header, layers.label.as_bytes()].concat();
        let text = keyring.open(&data, sealed)?;
        self.enter(text, Layer::Compress);
        Ok(Some(1))
    }

    fn at_compress(&mut self) -> Result<Option<usize>, StreamError> {
        let bytes = &self.buffer[self.read..];
        let Some((&first, structure)) = bytes.split_first() else { return Ok(Some(1)) };
        if first != Kind::Compress.byte() {
            self.layer = Layer::Body(Body::Kind);
            return Ok(Some(1));
        }
        let length = match extent(structure, COMPRESSED)? {
            Extent::Whole(length) => length,
            Extent::AtLeast(needs) => return Ok(Some(1 + needs)),
        };
        let compressed = Compressed::read(&mut Reader::new(&structure[..length]))?;
        let text = compressed.decompress(STREAM_PLAIN)?;
        self.enter(text, Layer::Body(Body::Kind));
        Ok(Some(1))
    }

    /// Goes on inside a layer, which is whole: what is behind it means nothing.
    fn enter(&mut self, text: Vec<u8>, layer: Layer) {
        self.buffer = text;
        self.read = 0;
        self.is_inner = true;
        self.layer = layer;
    }
}
