//! Messages on a byte stream, sealed.
//!
//! # Intuition
//!
//! Both ends first say, in clear, who they are and a number used once; from these and the cluster
//! key follows a key for each direction. What follows is *records*, sealed under a counter. The
//! first record each way is empty: whoever sent it holds the cluster key, and is there now.
//!
//! ```text
//!   initiator                                   acceptor
//!   ── 0xB8, key id, id, start, nonce ────────▶
//!   ◀──────── 0xB9, key id, id, start, nonce ──
//!   ── record 0, empty ───────────────────────▶  knows the initiator
//!   ── record 1 … : messages ─────────────────▶
//!   ◀─────────────────────── record 0, empty ──  knows the acceptor ◀─
//!   ◀─────────────────── record 1 … : messages
//! ```
//!
//! The acceptor seals nothing before the initiator's first record: only then is it known which of
//! several keys with the same key id is meant, and a stranger costs it no more than a handshake.
//!
//! # What it deliberately does not do
//!
//! No forward secrecy, no renegotiation: a stream is short. The end of the stream is not sealed:
//! a message is whole or not there, but who can cut the connection decides after which message.
//!
//! Source: the shape of TLS 1.3's record layer (RFC 8446 section 5), keys by HKDF (RFC 5869).

mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

use crate::limits::STREAM_MESSAGE_BYTES_MAX;
use crate::seal::ClusterKey;
use crate::seal::Keyring;
use crate::seal::crypto::{SEAL_BYTES, derive};
use crate::writer::Sink as _;
use bruit_model::NodeId;
use incoming::Incoming;
use outgoing::Outgoing;
use ring::aead::LessSafeKey;

const INITIATOR: u8 = 0xb8;
const ACCEPTOR: u8 = 0xb9;
/// Kind and version, key id, node id, start, nonce.
const HANDSHAKE_BYTES: usize = 1 + 1 + 16 + 8 + 16;
/// The most plaintext in a record (TLS 1.3: 2¹⁴).
const RECORD_BYTES_MAX: usize = 16 * 1024;
/// The most of a record behind its length.
const SEALED_RECORD_BYTES_MAX: usize = RECORD_BYTES_MAX + SEAL_BYTES;

/// A stream is of no more use: reset it. Each later call gives the same error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The other end speaks something else, or another version of this.
    #[error("not a stream of this version")]
    UnknownVersion,
    /// The other end has another key, or the bytes were altered.
    #[error("not authentic")]
    Unauthentic,
    /// A length that nobody may send.
    #[error("a length exceeds its limit")]
    TooLong,
    /// An empty record where something must be said.
    #[error("an empty record")]
    Malformed,
    /// More than twice [`STREAM_MESSAGE_BYTES_MAX`] of messages wait to be taken, or four times as
    /// much to be sent. For a message to be sent: nothing was changed, try again later.
    #[error("too much waits on this stream")]
    Full,
}

/// One end of a handshake, as it says it.
#[derive(Clone, Copy, Debug)]
struct Party {
    id: NodeId,
    start: u64,
    nonce: [u8; 16],
}

impl Party {
    fn write(&self, kind: u8, key_id: u8, out: &mut Vec<u8>) {
        out.put(&[kind, key_id]);
        out.put(&self.id.0);
        out.u64(self.start);
        out.put(&self.nonce);
    }

    /// What follows kind and key id.
    fn read(bytes: &[u8; HANDSHAKE_BYTES - 2]) -> Self {
        let part = |from: usize, to: usize| &bytes[from..to];
        let fixed = "the parts of a handshake have these lengths";
        Self {
            id: NodeId(part(0, 16).try_into().expect(fixed)),
            start: u64::from_be_bytes(part(16, 24).try_into().expect(fixed)),
            nonce: part(24, 40).try_into().expect(fixed),
        }
    }
}

/// A key that may be the one of this stream, with what follows from it.
#[derive(Debug)]
struct Candidate {
    key: ClusterKey,
    /// For what the peer seals.
    opening: LessSafeKey,
    /// For what we seal.
    sealing: LessSafeKey,
}

/// Seals the messages that go out on a stream and opens those that come in. Sans-IO: bytes go in
/// by [`StreamCrypto::feed`] and out by [`StreamCrypto::pending_output`].
///
/// Memory is bounded: for a peer that is not authentic, one handshake and one record; after that,
/// the bytes of one message as they come, whatever length it claims, and what waits to be taken.
pub struct StreamCrypto {
    role: Role,
    us: Party,
    /// Keys to try when the handshake is complete; then the one that fitted.
    keys: Keyring,
    key_id: u8,
    peer: Option<Party>,
    /// All that fit, until the first record tells.
    candidates: Vec<Candidate>,
    incoming: Incoming,
    outgoing: Outgoing,
    error: Option<StreamError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Initiator,
    Acceptor,
}

impl std::fmt::Debug for StreamCrypto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("StreamCrypto");
        debug.field("role", &self.role).field("peer", &self.peer()).field("error", &self.error);
        debug.finish_non_exhaustive()
    }
}

impl StreamCrypto {
    /// The end that opened the stream; it seals with the key in use. `nonce` must be random.
    pub fn initiator(keys: &Keyring, id: NodeId, start: u64, nonce: [u8; 16]) -> Self {
        let keys = Keyring::new(keys.primary().key.clone());
        let mut stream = Self::new(Role::Initiator, keys, Party { id, start, nonce });
        stream.key_id = stream.keys.primary().id;
        stream.us.write(INITIATOR, stream.key_id, stream.outgoing.clear());
        stream
    }

    /// The end that accepted the stream; it uses the key that the initiator chose. `nonce` must be
    /// random.
    pub fn acceptor(keys: &Keyring, id: NodeId, start: u64, nonce: [u8; 16]) -> Self {
        Self::new(Role::Acceptor, keys.clone(), Party { id, start, nonce })
    }

    fn new(role: Role, keys: Keyring, us: Party) -> Self {
        Self {
            role,
            us,
            keys,
            key_id: 0,
            peer: None,
            candidates: Vec::new(),
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            error: None,
        }
    }

    /// Takes in bytes from the stream. Then [`StreamCrypto::poll_message`] gives the messages.
    ///
    /// # Errors
    /// Reset the stream. Messages that were complete before the error can still be taken.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        while !bytes.is_empty() {
            if let Err(error) = self.feed_some(&mut bytes) {
                self.error = Some(error);
                return Err(error);
            }
        }
        Ok(())
    }

    fn feed_some(&mut self, bytes: &mut &[u8]) -> Result<(), StreamError> {
        if self.peer.is_none() {
            self.check_kind(bytes)?;
            return match self.incoming.take_unit(HANDSHAKE_BYTES, bytes) {
                Some(handshake) => self.on_handshake(&handshake),
                None => Ok(()),
            };
        }
        match self.incoming.take_record(bytes)? {
            Some(record) => self.on_record(&record),
            None => Ok(()),
        }
    }

    /// A wrong first byte is refused at once.
    fn check_kind(&self, bytes: &[u8]) -> Result<(), StreamError> {
        let expected = match self.role {
            Role::Initiator => ACCEPTOR,
            Role::Acceptor => INITIATOR,
        };
        let first = self.incoming.first_byte().or_else(|| bytes.first().copied());
        if first.is_some_and(|first| first != expected) {
            return Err(StreamError::UnknownVersion);
        }
        Ok(())
    }

    fn on_handshake(&mut self, handshake: &[u8]) -> Result<(), StreamError> {
        let [_, key_id, rest @ ..] = handshake else { return Err(StreamError::Malformed) };
        let peer = Party::read(rest.try_into().map_err(|_| StreamError::Malformed)?);
        match self.role {
            Role::Initiator => {
                if *key_id != self.key_id {
                    return Err(StreamError::Unauthentic);
                }
                let candidate = self.candidate(&self.keys.primary().key, &peer);
                // We may begin: the peer proves itself by its first record.
                let Candidate { opening, sealing, .. } = candidate;
                self.outgoing.start(sealing);
                self.incoming.start(opening);
            }
            Role::Acceptor => {
                let fitting = self.keys.matching(*key_id);
                self.candidates = fitting.map(|held| self.candidate(&held.key, &peer)).collect();
                if self.candidates.is_empty() {
                    return Err(StreamError::Unauthentic);
                }
                self.us.write(ACCEPTOR, *key_id, self.outgoing.clear());
            }
        }
        self.peer = Some(peer);
        Ok(())
    }

    /// Keys of both directions: HKDF-SHA256(cluster key, salt = nonces of initiator and acceptor,
    /// info = `bruit stream 1`, direction, id and start of initiator and acceptor).
    fn candidate(&self, key: &ClusterKey, peer: &Party) -> Candidate {
        let (initiator, acceptor) = match self.role {
            Role::Initiator => (&self.us, peer),
            Role::Acceptor => (peer, &self.us),
        };
        let direction = |direction: u8| {
            let mut info = Vec::from(*b"bruit stream 1");
            info.push(direction);
            for party in [initiator, acceptor] {
                info.put(&party.id.0);
                info.u64(party.start);
            }
            derive(key, &[&initiator.nonce, &acceptor.nonce], &[&info])
        };
        let (from_initiator, from_acceptor) = (direction(1), direction(2));
        let key = key.clone();
        match self.role {
            Role::Initiator => Candidate { key, opening: from_acceptor, sealing: from_initiator },
            Role::Acceptor => Candidate { key, opening: from_initiator, sealing: from_acceptor },
        }
    }

    fn on_record(&mut self, record: &[u8]) -> Result<(), StreamError> {
        for Candidate { key, opening, sealing } in std::mem::take(&mut self.candidates) {
            self.incoming.start(opening);
            if self.incoming.open(record)? {
                self.outgoing.start(sealing);
                self.keys = Keyring::new(key);
                return Ok(());
            }
        }
        if self.incoming.open(record)? { Ok(()) } else { Err(StreamError::Unauthentic) }
    }

    /// The next message that is complete.
    pub fn poll_message(&mut self) -> Option<Vec<u8>> {
        self.incoming.pop()
    }

    /// Queues a message; before the handshake, too.
    ///
    /// # Errors
    /// [`StreamError::TooLong`], [`StreamError::Full`]: nothing was changed.
    pub fn send_message(&mut self, message: &[u8]) -> Result<(), StreamError> {
        self.outgoing.push(message)
    }

    /// Appends up to `max` bytes that are to be written to the stream.
    pub fn pending_output(&mut self, max: usize, out: &mut Vec<u8>) {
        if self.error.is_none() {
            self.outgoing.poll(max, out);
        }
    }

    /// Whether [`StreamCrypto::pending_output`] has bytes to give.
    pub fn has_output(&self) -> bool {
        self.error.is_none() && self.outgoing.has_output()
    }

    /// How many bytes of messages wait to be written, about.
    pub fn queued_bytes(&self) -> usize {
        self.outgoing.queued_bytes()
    }

    /// Who is at the other end: known when its first record has been found authentic.
    pub fn peer(&self) -> Option<NodeId> {
        let peer = self.peer.as_ref().filter(|_| self.incoming.is_authentic())?;
        Some(peer.id)
    }

    /// Whether the stream is sealed with the key of this [`ClusterKey::fingerprint`], or may come
    /// to be.
    pub fn may_use(&self, fingerprint: &str) -> bool {
        self.keys.fingerprints().any(|(each, _)| each == fingerprint)
    }

    /// Whether the peer is known, so that messages flow both ways.
    pub fn is_ready(&self) -> bool {
        self.error.is_none() && self.peer().is_some()
    }
}
