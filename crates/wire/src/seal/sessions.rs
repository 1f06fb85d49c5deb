//! The runs that have been introduced to us.

use super::cookie::EPOCH;
use super::crypto::{Tag, datagram_key, open};
use super::header::Run;
use super::keyring::Keyring;
use super::window::Window;
use bruit_engine::Instant;
use bruit_model::{NodeId, Rejected};
use ring::aead::LessSafeKey;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// The most runs known (guess: more than a group has members; about 700 bytes each).
pub(super) const SESSIONS_MAX: usize = 16_384;

/// A run that was silent for as long may be forgotten. Not less than a cookie lives, else its
/// Hello could be repeated to introduce it a second time, with all that followed it.
const FORGET_AFTER: Duration = Duration::from_secs(3 * EPOCH.as_secs());

/// Addresses from which a run is taken (guess: one for each of a host's networks).
const ADDRS_MAX: usize = 4;

/// A datagram as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    pub(super) from: SocketAddr,
    pub(super) key_id: u8,
    pub(super) counter: u64,
    pub(super) header: &'a [u8],
    pub(super) body: &'a [u8],
}

#[derive(Debug)]
struct Session {
    run: Run,
    window: Window,
    heard: Instant,
    /// Those that returned a cookie, the newest last. From others, answers would go to whom
    /// somebody on the way chose.
    addrs: Vec<SocketAddr>,
    /// Derived keys, by the serial number of the cluster key.
    keys: Vec<(u32, LessSafeKey)>,
}

impl Session {
    fn open(&mut self, keyring: &Keyring, sealed: Sealed<'_>, plaintext: &mut Vec<u8>) -> bool {
        for installed in keyring.matching(sealed.key_id) {
            let known = self.keys.iter().position(|(serial, _)| *serial == installed.serial);
            let place = known.unwrap_or_else(|| {
                self.keys.retain(|(serial, _)| keyring.holds(*serial));
                let key = datagram_key(&installed.key, self.run.id, self.run.start);
                // A key is half a kilobyte, and one is nearly always all there is.
                self.keys.reserve_exact(1);
                self.keys.push((installed.serial, key));
                self.keys.len() - 1
            });
            let key = &self.keys[place].1;
            if open(key, sealed.counter, sealed.header, sealed.body, plaintext) {
                return true;
            }
        }
        false
    }
}

/// All runs that returned a cookie.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_tag: BTreeMap<Tag, Session>,
}

impl Sessions {
    /// Opens a datagram of a known run; `None` if it is not known. [`Rejected::FirstContact`] if
    /// it is authentic, but not known to be at that address; `is_proven` says that the datagram
    /// itself returns that address's cookie.
    pub(super) fn open(
        &mut self,
        now: Instant,
        tag: Tag,
        keyring: &Keyring,
        (sealed, is_proven): (Sealed<'_>, bool),
        plaintext: &mut Vec<u8>,
    ) -> Option<Result<NodeId, Rejected>> {
        let session = self.by_tag.get_mut(&tag)?;
        if session.window.is_seen(sealed.counter) {
            return Some(Err(Rejected::Replayed));
        }
        if !session.open(keyring, sealed, plaintext) {
            return Some(Err(Rejected::Unauthentic));
        }
        if !session.addrs.contains(&sealed.from) {
            if !is_proven {
                return Some(Err(Rejected::FirstContact));
            }
            if session.addrs.len() >= ADDRS_MAX {
                session.addrs.remove(0);
            }
            session.addrs.push(sealed.from);
        }
        session.window.note(sealed.counter);
        session.heard = now;
        Some(Ok(session.run.id))
    }

    /// Opens a datagram of a run that is not known, and notes nothing.
    pub(super) fn authenticate(
        run: Run,
        keyring: &Keyring,
        sealed: Sealed<'_>,
        plaintext: &mut Vec<u8>,
    ) -> bool {
        keyring.matching(sealed.key_id).any(|installed| {
            let key = datagram_key(&installed.key, run.id, run.start);
            open(&key, sealed.counter, sealed.header, sealed.body, plaintext)
        })
    }

    /// Knows this run, at this address, from here on, and takes of it what has a higher counter.
    /// False if there is no room.
    pub(super) fn register(
        &mut self,
        now: Instant,
        run: Run,
        addr: SocketAddr,
        counter: u64,
    ) -> bool {
        if self.by_tag.len() >= SESSIONS_MAX && !self.forget_oldest(now) {
            return false;
        }
        let window = Window::starting_at(counter);
        let (addrs, keys) = (vec![addr], Vec::new());
        self.by_tag.insert(run.tag(), Session { run, window, heard: now, addrs, keys });
        true
    }

    pub(super) fn count(&self) -> usize {
        self.by_tag.len()
    }

    fn forget_oldest(&mut self, now: Instant) -> bool {
        let oldest = self.by_tag.iter().min_by_key(|(_, session)| session.heard);
        match oldest {
            Some((tag, session)) if now.since(session.heard) >= FORGET_AFTER => {
                let tag = *tag;
                self.by_tag.remove(&tag).is_some()
            }
            Some(_) | None => false,
        }
    }
}
