//! Where we send to: what each address is believed to know of us, and copies of what it may have
//! refused.

use super::cookie::{Cookie, EPOCH};
use super::limiter::PerSecond;
use bruit_engine::Instant;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// The most addresses (guess: more than a group has members; about 250 bytes each).
pub(super) const DESTINATIONS_MAX: usize = 16_384;
/// Copies for one address (guess: a first contact and what follows at once).
const KEPT_PER_ADDRESS_MAX: usize = 8;
/// Bytes of copies for one address (guess: as many datagrams of an Ethernet frame).
const KEPT_BYTES_PER_ADDRESS_MAX: usize = 12 * 1024;
/// Bytes of all copies (guess).
const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// What a copy takes beside its bytes, about.
const KEPT_OVERHEAD_BYTES: usize = 64;
/// How long a copy is kept: a challenge is back sooner, or lost (guess).
const KEEP_FOR: Duration = Duration::from_secs(2);
/// As many datagrams without an answer, and as long a silence, and the peer may have restarted
/// behind a full limiter: it is spoken to in the long form again (guess).
const UNANSWERED_MAX: u32 = 8;
/// See [`UNANSWERED_MAX`].
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Hellos to one address in a second (guess).
const HELLOS_PER_SECOND_MAX: u32 = 10;

/// How a datagram is to name its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In full; a copy is kept.
    Long,
    /// By its tag.
    Short,
    /// In full, with this cookie; a copy is kept.
    Hello(Cookie),
}

/// One address.
#[derive(Debug)]
pub(super) struct Destination {
    introduced: bool,
    /// A cookie that the peer offered, and when.
    offer: Option<(Instant, Cookie)>,
    /// Challenges of these counters are answered.
    counters: (u64, u64),
    used: Instant,
    heard: Instant,
    long_since: Instant,
    hello_at: Option<Instant>,
    unanswered: u32,
    hellos: PerSecond,
    kept: VecDeque<u64>,
}

impl Destination {
    fn new(now: Instant) -> Self {
        Self {
            introduced: false,
            offer: None,
            counters: (u64::MAX, 0),
            used: now,
            heard: now,
            long_since: now,
            hello_at: None,
            unanswered: 0,
            hellos: PerSecond::new(HELLOS_PER_SECOND_MAX),
            kept: VecDeque::new(),
        }
    }

    /// The form for the next datagram, which has this counter.
    pub(super) fn send(&mut self, now: Instant, counter: u64) -> Form {
        self.used = now;
        self.unanswered = self.unanswered.saturating_add(1);
        if let Some((at, cookie)) = self.offer.take()
            && now.since(at) < EPOCH
        {
            // Challenges of what went before are on their way, and find what was kept.
            let first = self.counters.0.min(counter);
            self.introduce(now, counter);
            self.counters.0 = first;
            return Form::Hello(cookie);
        }
        let silent = now.since(self.heard) >= SILENCE_MAX;
        if self.introduced && silent && self.unanswered > UNANSWERED_MAX {
            (self.introduced, self.long_since) = (false, now);
        }
        self.counters = (self.counters.0.min(counter), counter);
        if self.introduced { Form::Short } else { Form::Long }
    }

    /// Notes that a Hello goes out with this counter. Challenges of what went before it are out of
    /// date.
    pub(super) fn introduce(&mut self, now: Instant, counter: u64) {
        (self.introduced, self.hello_at) = (true, Some(now));
        self.counters = (counter, counter);
    }

    /// Notes that what was kept goes out again, with this counter.
    pub(super) fn resend(&mut self, counter: u64) {
        self.counters.1 = counter;
    }

    /// Notes that an authentic datagram came from there. It may have crossed our first ones; but
    /// when these are older than a round trip, silence about them means that they were taken.
    pub(super) fn hear(&mut self, now: Instant) {
        (self.heard, self.unanswered) = (now, 0);
        if !self.introduced && self.counters.1 > 0 && now.since(self.long_since) >= KEEP_FOR {
            self.introduced = true;
        }
    }

    /// Notes an offer, unless the peer cannot but know us.
    pub(super) fn note_offer(&mut self, now: Instant, cookie: Cookie) {
        let just_introduced = self.hello_at.is_some_and(|at| now.since(at) < KEEP_FOR);
        if !just_introduced {
            self.offer = Some((now, cookie));
        }
    }

    /// Whether we sent a datagram with this counter there (or elsewhere at that time) after the
    /// last Hello. The tag in a challenge is what strangers cannot guess: this is to answer each
    /// question once.
    pub(super) fn expects_challenge_of(&self, counter: u64) -> bool {
        (self.counters.0..=self.counters.1).contains(&counter)
    }

    pub(super) fn may_hello(&mut self, now: Instant) -> bool {
        self.hellos.allow(now)
    }
}

/// All addresses.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    by_addr: BTreeMap<SocketAddr, Destination>,
    kept: Kept,
}

impl Destinations {
    pub(super) fn get_mut(&mut self, addr: SocketAddr) -> Option<&mut Destination> {
        self.by_addr.get_mut(&addr)
    }

    /// The destination at `addr`; the one not used for longest gives way to a new one.
    pub(super) fn entry(&mut self, now: Instant, addr: SocketAddr) -> &mut Destination {
        if self.by_addr.len() >= DESTINATIONS_MAX && !self.by_addr.contains_key(&addr) {
            let oldest = self.by_addr.iter().min_by_key(|(_, destination)| destination.used);
            if let Some(addr) = oldest.map(|(addr, _)| *addr) {
                let kept = self.by_addr.remove(&addr).map(|destination| destination.kept);
                for counter in kept.into_iter().flatten() {
                    self.kept.take(counter);
                }
            }
        }
        self.by_addr.entry(addr).or_insert_with(|| Destination::new(now))
    }

    pub(super) fn count(&self) -> usize {
        self.by_addr.len()
    }

    /// Keeps a copy of what is sent to `addr`. The result is how many copies had to go for it.
    pub(super) fn keep(
        &mut self,
        now: Instant,
        addr: SocketAddr,
        counter: u64,
        plaintext: &[u8],
    ) -> u64 {
        self.kept.expire(now);
        let Some(destination) = self.by_addr.get_mut(&addr) else { return 0 };
        if plaintext.len() > KEPT_BYTES_PER_ADDRESS_MAX {
            return 1;
        }
        let own = &mut destination.kept;
        own.retain(|counter| self.kept.by_counter.contains_key(counter));
        let mut shed = 0;
        while let Some(oldest) = own.front().copied() {
            let bytes: usize = own.iter().map(|counter| self.kept.len(*counter)).sum();
            let full = own.len() >= KEPT_PER_ADDRESS_MAX;
            if !full && bytes + plaintext.len() <= KEPT_BYTES_PER_ADDRESS_MAX {
                break;
            }
            own.pop_front();
            self.kept.take(oldest);
            shed += 1;
        }
        own.push_back(counter);
        shed + self.kept.put(now, counter, plaintext)
    }

    /// Takes out what is kept for `addr`, oldest first.
    pub(super) fn take_kept(&mut self, now: Instant, addr: SocketAddr) -> VecDeque<Vec<u8>> {
        self.kept.expire(now);
        let Some(destination) = self.by_addr.get_mut(&addr) else { return VecDeque::new() };
        let counters = std::mem::take(&mut destination.kept);
        counters.into_iter().filter_map(|counter| self.kept.take(counter)).collect()
    }
}

/// Copies of plaintexts, by the counter they were sent with: so in order of time.
#[derive(Debug, Default)]
struct Kept {
    by_counter: BTreeMap<u64, (Instant, Vec<u8>)>,
    bytes: usize,
}

impl Kept {
    fn put(&mut self, now: Instant, counter: u64, plaintext: &[u8]) -> u64 {
        self.bytes += plaintext.len() + KEPT_OVERHEAD_BYTES;
        self.by_counter.insert(counter, (now, plaintext.to_vec()));
        let mut shed = 0;
        while self.bytes > KEPT_BYTES_MAX {
            let Some((oldest, _)) = self.by_counter.first_key_value() else { break };
            self.take(*oldest);
            shed += 1;
        }
        shed
    }

    fn take(&mut self, counter: u64) -> Option<Vec<u8>> {
        let (_, plaintext) = self.by_counter.remove(&counter)?;
        self.bytes -= plaintext.len() + KEPT_OVERHEAD_BYTES;
        Some(plaintext)
    }

    fn len(&self, counter: u64) -> usize {
        self.by_counter.get(&counter).map_or(0, |(_, plaintext)| plaintext.len())
    }

    fn expire(&mut self, now: Instant) {
        while let Some((counter, (at, _))) = self.by_counter.first_key_value()
            && now.since(*at) > KEEP_FOR
        {
            self.take(*counter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn copies_are_bounded_for_an_address_and_in_all() {
        let now = Instant::ZERO;
        let mut all = Destinations::default();
        all.entry(now, addr(1));
        let shed: Vec<u64> = (0..10).map(|n| all.keep(now, addr(1), n, &[0; 1000])).collect();
        assert_eq!(shed, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(all.keep(now, addr(1), 10, &[0; 12 * 1024]), 8);
        assert_eq!(all.keep(now, addr(1), 11, &[0; 12 * 1024 + 1]), 1);
        let kept = all.take_kept(now, addr(1));
        assert_eq!(kept.iter().map(Vec::len).collect::<Vec<_>>(), [12 * 1024]);
        assert_eq!(all.kept.bytes, 0);

        let mut shed = 0;
        for port in 0..200 {
            all.entry(now, addr(port));
            shed += all.keep(now, addr(port), 100 + u64::from(port), &[0; 10_000]);
        }
        assert_eq!(shed, 200 - 1024 * 1024 / 10_064);
        assert!(all.take_kept(now, addr(0)).is_empty());
        assert_eq!(all.take_kept(now, addr(199)).len(), 1);
    }

    #[test]
    fn copies_are_kept_for_two_seconds() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let mut all = Destinations::default();
        all.entry(at(0), addr(1));
        all.keep(at(0), addr(1), 1, b"old");
        all.keep(at(1), addr(1), 2, b"new");
        assert_eq!(all.take_kept(at(2001), addr(1)), [b"new".to_vec()]);
    }

    #[test]
    fn the_address_not_used_for_longest_gives_way() {
        let mut all = Destinations::default();
        for n in 0..=DESTINATIONS_MAX {
            let port = u16::try_from(n).unwrap();
            let now = Instant::from_nanos(n as u64);
            let counter = n as u64 + 1;
            assert_eq!(all.entry(now, addr(port)).send(now, counter), Form::Long);
            all.keep(now, addr(port), counter, b"x");
        }
        assert_eq!(all.count(), DESTINATIONS_MAX);
        assert!(all.get_mut(addr(0)).is_none());
        assert!(all.get_mut(addr(1)).is_some());
    }
}
