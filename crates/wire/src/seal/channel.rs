//! The datagram security of one node.

use super::cookie::{Cookie, CookieJar};
use super::crypto::{Tag, datagram_key, seal};
use super::destinations::{Destinations, Form};
use super::header::{CHALLENGE_BYTES, COUNTER_MAX, Header, OVERHEAD_MAX, Run};
use super::limiter::PerSecond;
use super::sessions::{Sealed, Sessions};
use super::{Keyring, Stats};
use crate::limits::DATAGRAM_BYTES_MAX;
use bruit_engine::Instant;
use bruit_model::{NodeId, Rejected};
use ring::aead::LessSafeKey;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Datagrams of our own that may wait to be sent (guess).
const TRANSMITS_MAX: usize = 1024;
/// Their bytes (guess).
const TRANSMIT_BYTES_MAX: usize = 1024 * 1024;
/// Answers a second to datagrams of which anybody may have been the sender (guess).
const STRANGER_CHALLENGES_PER_SECOND_MAX: u32 = 1000;
/// Answers a second to authentic datagrams, which may be repeated ones (guess).
const CHALLENGES_PER_SECOND_MAX: u32 = 10_000;

/// A datagram to be sealed.
#[derive(Clone, Copy)]
struct Outgoing<'a> {
    to: SocketAddr,
    form: Form,
    counter: u64,
    plaintext: &'a [u8],
}

/// Seals what a node sends and opens what it receives, introduces it to others and has others
/// introduce themselves. See the description of datagrams in `docs/wire.md`.
pub struct Channel {
    keyring: Keyring,
    run: Run,
    tag: Tag,
    /// Derived from the key in use, whose serial number stands with it.
    sealing: (u32, LessSafeKey),
    pub(super) counter: u64,
    pub(super) cookies: CookieJar,
    sessions: Sessions,
    pub(super) destinations: Destinations,
    transmits: VecDeque<(SocketAddr, Vec<u8>)>,
    transmit_bytes: usize,
    stranger_challenges: PerSecond,
    challenges: PerSecond,
    stats: Stats,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Channel");
        debug.field("id", &self.run.id).field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl Channel {
    /// The most bytes that sealing adds to a plaintext.
    pub const OVERHEAD_MAX: usize = OVERHEAD_MAX;

    /// For a node's run. `start` and `cookie_secret` must be random and new in each run: with the
    /// same `start` two runs would seal different datagrams under one nonce.
    pub fn new(keys: Keyring, id: NodeId, start: u64, cookie_secret: [u8; 32]) -> Self {
        let run = Run { id, start };
        let sealing = sealing_key(&keys, run);
        Self {
            keyring: keys,
            run,
            tag: run.tag(),
            sealing,
            counter: 0,
            cookies: CookieJar::new(&cookie_secret),
            sessions: Sessions::default(),
            destinations: Destinations::default(),
            transmits: VecDeque::new(),
            transmit_bytes: 0,
            stranger_challenges: PerSecond::new(STRANGER_CHALLENGES_PER_SECOND_MAX),
            challenges: PerSecond::new(CHALLENGES_PER_SECOND_MAX),
            stats: Stats::default(),
        }
    }

    /// The keys, to be changed.
    pub const fn keyring(&mut self) -> &mut Keyring {
        &mut self.keyring
    }

    /// The keys, to be read.
    pub const fn keys(&self) -> &Keyring {
        &self.keyring
    }

    /// What has been counted.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Seals a datagram to `to` into `out`, which is cleared. It grows by at most
    /// [`Channel::OVERHEAD_MAX`].
    ///
    /// # Panics
    /// At the 2⁴⁸th datagram of the run: after nine years of a million a second. Then the node
    /// must begin a new run.
    pub fn seal(&mut self, now: Instant, to: SocketAddr, plaintext: &[u8], out: &mut Vec<u8>) {
        let counter = self.next_counter();
        let form = self.destinations.entry(now, to).send(now, counter);
        self.stats.destinations = self.destinations.count() as u64;
        if form != Form::Short {
            self.stats.shed += self.destinations.keep(now, to, counter, plaintext);
        }
        self.seal_as(now, Outgoing { to, form, counter, plaintext }, out);
    }

    /// Opens a datagram that came from `from` into `plaintext`, which is cleared. The result is
    /// who sealed it; `None` stands for a message between channels, which is done with.
    ///
    /// Call [`Channel::poll_transmit`] afterwards, also after an error.
    ///
    /// # Errors
    /// It is not to be acted on; `plaintext` is empty. The reason is counted.
    pub fn open(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<Option<NodeId>, Rejected> {
        plaintext.clear();
        let result = self.take(now, from, datagram, plaintext);
        if let Err(why) = result {
            plaintext.clear();
            *self.stats.rejected.entry(why).or_default() += 1;
        }
        result
    }

    /// The next datagram of the channel's own (challenges, Hellos, and what is sent again after a
    /// challenge) and whom it goes to; `out` is cleared and filled.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let (to, datagram) = self.transmits.pop_front()?;
        self.transmit_bytes -= datagram.len();
        out.clear();
        out.extend_from_slice(&datagram);
        Some(to)
    }

    fn take(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        plaintext: &mut Vec<u8>,
    ) -> Result<Option<NodeId>, Rejected> {
        if datagram.len() > DATAGRAM_BYTES_MAX {
            return Err(Rejected::Oversized);
        }
        let (header, body) = Header::parse(datagram)?;
        let clear = &datagram[..datagram.len() - body.len()];
        let sealed = |key_id, counter| Sealed { from, key_id, counter, header: clear, body };
        let taken = match header {
            Header::Challenge { tag, counter, cookie } => {
                return self.on_challenge(now, from, tag, counter, cookie).map(|()| None);
            }
            Header::Short { key_id, tag, counter } => {
                self.on_short(now, tag, sealed(key_id, counter), plaintext)
            }
            Header::Long { key_id, run, counter } => {
                self.on_long(now, run, sealed(key_id, counter), plaintext)
            }
            Header::Hello { key_id, run, counter, cookie, offer } => {
                let sealed = sealed(key_id, counter);
                let taken = self.on_hello(now, (run, cookie), sealed, plaintext);
                if taken.is_ok() {
                    self.destinations.entry(now, from).note_offer(now, offer);
                    self.stats.destinations = self.destinations.count() as u64;
                }
                taken
            }
        };
        if taken.is_ok()
            && let Some(destination) = self.destinations.get_mut(from)
        {
            destination.hear(now);
        }
        taken.map(Some)
    }

    fn on_short(
        &mut self,
        now: Instant,
        tag: Tag,
        sealed: Sealed<'_>,
        plaintext: &mut Vec<u8>,
    ) -> Result<NodeId, Rejected> {
        if let Some(known) = self.open_known(now, tag, (sealed, false), plaintext) {
            return known;
        }
        if self.keyring.matching(sealed.key_id).next().is_none() {
            return Err(Rejected::Unauthentic);
        }
        let allowed = self.stranger_challenges.allow(now);
        Err(self.challenge(now, tag, sealed, allowed))
    }

    fn on_long(
        &mut self,
        now: Instant,
        run: Run,
        sealed: Sealed<'_>,
        plaintext: &mut Vec<u8>,
    ) -> Result<NodeId, Rejected> {
        if let Some(known) = self.open_known(now, run.tag(), (sealed, false), plaintext) {
            return known;
        }
        if !Sessions::authenticate(run, &self.keyring, sealed, plaintext) {
            return Err(Rejected::Unauthentic);
        }
        let allowed = self.challenges.allow(now);
        Err(self.challenge(now, run.tag(), sealed, allowed))
    }

    fn on_hello(
        &mut self,
        now: Instant,
        (run, cookie): (Run, Cookie),
        sealed: Sealed<'_>,
        plaintext: &mut Vec<u8>,
    ) -> Result<NodeId, Rejected> {
        if !self.cookies.knows(now, sealed.from, cookie) {
            return self.on_long(now, run, sealed, plaintext);
        }
        if let Some(known) = self.open_known(now, run.tag(), (sealed, true), plaintext) {
            return known;
        }
        if !Sessions::authenticate(run, &self.keyring, sealed, plaintext) {
            return Err(Rejected::Unauthentic);
        }
        if !self.sessions.register(now, run, sealed.from, sealed.counter) {
            self.stats.shed += 1;
            return Err(Rejected::FirstContact);
        }
        self.stats.sessions = self.sessions.count() as u64;
        Ok(run.id)
    }

    /// `None` if the run is not known. Our own is: what we sealed never comes back as news.
    fn open_known(
        &mut self,
        now: Instant,
        tag: Tag,
        (sealed, is_proven): (Sealed<'_>, bool),
        plaintext: &mut Vec<u8>,
    ) -> Option<Result<NodeId, Rejected>> {
        if tag == self.tag {
            return Some(Err(Rejected::Replayed));
        }
        let opened = self.sessions.open(now, tag, &self.keyring, (sealed, is_proven), plaintext)?;
        if opened == Err(Rejected::FirstContact) {
            let allowed = self.challenges.allow(now);
            self.challenge(now, tag, sealed, allowed);
        }
        Some(opened)
    }

    /// Asks where `question` came from; gives the reason why it is rejected.
    fn challenge(
        &mut self,
        now: Instant,
        tag: Tag,
        question: Sealed<'_>,
        allowed: bool,
    ) -> Rejected {
        if !allowed {
            self.stats.challenges_limited += 1;
        } else if question.header.len() + question.body.len() >= CHALLENGE_BYTES {
            let mut out = Vec::with_capacity(CHALLENGE_BYTES);
            let cookie = self.cookies.bake(now, question.from);
            Header::Challenge { tag, counter: question.counter, cookie }.write(&mut out);
            self.stats.challenges_sent += u64::from(self.transmit(question.from, out));
        }
        Rejected::FirstContact
    }

    /// Introduces us, and sends again what was kept: the first of it inside the Hello.
    fn on_challenge(
        &mut self,
        now: Instant,
        from: SocketAddr,
        tag: Tag,
        counter: u64,
        cookie: Cookie,
    ) -> Result<(), Rejected> {
        let destination = self.destinations.get_mut(from).ok_or(Rejected::Unauthentic)?;
        if tag != self.tag {
            return Err(Rejected::Unauthentic);
        }
        if !destination.expects_challenge_of(counter) {
            return Err(Rejected::Replayed);
        }
        if !destination.may_hello(now) {
            self.stats.shed += 1;
            return Ok(());
        }
        let mut kept = self.destinations.take_kept(now, from);
        let first = kept.pop_front();
        let counter = self.next_counter();
        self.destinations.entry(now, from).introduce(now, counter);
        self.resend(now, from, Form::Hello(cookie), counter, first.as_deref().unwrap_or(&[]));
        self.stats.resent += u64::from(first.is_some());
        for plaintext in kept {
            let counter = self.next_counter();
            self.destinations.entry(now, from).resend(counter);
            self.resend(now, from, Form::Short, counter, &plaintext);
            self.stats.resent += 1;
        }
        Ok(())
    }

    fn resend(&mut self, now: Instant, to: SocketAddr, form: Form, counter: u64, plaintext: &[u8]) {
        let mut out = Vec::with_capacity(plaintext.len() + OVERHEAD_MAX);
        self.seal_as(now, Outgoing { to, form, counter, plaintext }, &mut out);
        self.transmit(to, out);
    }

    fn seal_as(&mut self, now: Instant, outgoing: Outgoing<'_>, out: &mut Vec<u8>) {
        let Outgoing { to, form, counter, plaintext } = outgoing;
        let primary = self.keyring.primary();
        if primary.serial != self.sealing.0 {
            self.sealing = sealing_key(&self.keyring, self.run);
        }
        let (key_id, run, tag) = (self.keyring.primary().id, self.run, self.tag);
        let header = match form {
            Form::Long => Header::Long { key_id, run, counter },
            Form::Short => Header::Short { key_id, tag, counter },
            Form::Hello(cookie) => {
                self.stats.hellos_sent += 1;
                let offer = self.cookies.bake(now, to);
                Header::Hello { key_id, run, counter, cookie, offer }
            }
        };
        out.clear();
        header.write(out);
        let header_len = out.len();
        out.extend_from_slice(plaintext);
        seal(&self.sealing.1, counter, out, header_len);
    }

    fn next_counter(&mut self) -> u64 {
        assert!(self.counter < COUNTER_MAX, "a run seals less than 2⁴⁸ datagrams");
        self.counter += 1;
        self.counter
    }

    fn transmit(&mut self, to: SocketAddr, datagram: Vec<u8>) -> bool {
        let room = self.transmit_bytes + datagram.len() <= TRANSMIT_BYTES_MAX
            && self.transmits.len() < TRANSMITS_MAX;
        if room {
            self.transmit_bytes += datagram.len();
            self.transmits.push_back((to, datagram));
        } else {
            self.stats.shed += 1;
        }
        room
    }
}

fn sealing_key(keyring: &Keyring, run: Run) -> (u32, LessSafeKey) {
    let primary = keyring.primary();
    (primary.serial, datagram_key(&primary.key, run.id, run.start))
}
