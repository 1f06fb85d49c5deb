//! The few primitives: HKDF-SHA256 (RFC 5869), AES-256-GCM (NIST SP 800-38D), SHA-256.
//!
//! AES-256-GCM and not ChaCha20-Poly1305, since nearly every machine that runs servers has
//! instructions for it: sealing 1,200 bytes takes 191 ns with it, 614 ns with the other (ring, on
//! two virtual cores). Where a processor has none, ring's implementation is slower but still takes
//! the same time whatever the key. Nonces are counters under a key of one run only, so that the
//! one thing that GCM does not forgive, a repeated nonce, does not happen.

use super::ClusterKey;
use bruit_model::NodeId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use ring::hkdf::{HKDF_SHA256, Salt};
use std::hint::black_box;

/// Bytes that sealing adds behind the plaintext.
pub(crate) const SEAL_BYTES: usize = 16;

/// A run's short name: 8 bytes of SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag(pub(crate) [u8; 8]);

impl Tag {
    pub(crate) fn of(id: NodeId, start: u64) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"bruit run");
        context.update(&id.0);
        context.update(&start.to_be_bytes());
        let hash = context.finish();
        Self(*hash.as_ref().first_chunk().expect("SHA-256 gives 32 bytes"))
    }
}

/// HKDF-SHA256 (key, salt, info), as a key for AES-256-GCM.
pub(crate) fn derive(key: &ClusterKey, salt: &[&[u8]], info: &[&[u8]]) -> LessSafeKey {
    let prk = Salt::new(HKDF_SHA256, &salt.concat()).extract(key.bytes());
    let okm = prk.expand(info, &AES_256_GCM).expect("32 bytes are within the limit of HKDF");
    LessSafeKey::new(UnboundKey::from(okm))
}

/// The key under which a run seals its datagrams.
pub(crate) fn datagram_key(key: &ClusterKey, id: NodeId, start: u64) -> LessSafeKey {
    derive(key, &[&id.0, &start.to_be_bytes()], &[b"bruit datagram 1"])
}

/// A counter as nonce: four zeros, then the counter, highest byte first.
fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Seals what stands in `out` behind its first `header_len` bytes, in place, and authenticates
/// those first bytes with it.
pub(crate) fn seal(key: &LessSafeKey, counter: u64, out: &mut Vec<u8>, header_len: usize) {
    let (header, body) = out.split_at_mut(header_len);
    let tag = key
        .seal_in_place_separate_tag(nonce(counter), Aad::from(&*header), body)
        .expect("a plaintext is far below the 64 GiB that AES-GCM seals");
    out.extend_from_slice(tag.as_ref());
}

/// Opens `sealed` into `plaintext`, which is cleared; false, and nothing in it, if it is not
/// authentic.
pub(crate) fn open(
    key: &LessSafeKey,
    counter: u64,
    header: &[u8],
    sealed: &[u8],
    plaintext: &mut Vec<u8>,
) -> bool {
    plaintext.clear();
    plaintext.extend_from_slice(sealed);
    let opened = key.open_in_place(nonce(counter), Aad::from(header), plaintext);
    let length = opened.map(|opened| opened.len()).ok();
    plaintext.truncate(length.unwrap_or(0));
    length.is_some()
}

/// Compares in a time that depends on nothing but the length.
pub(crate) fn constant_time_eq<const N: usize>(one: &[u8; N], other: &[u8; N]) -> bool {
    let differences = one.iter().zip(other).fold(0, |bits, (a, b)| black_box(bits | (a ^ b)));
    differences == 0
}
