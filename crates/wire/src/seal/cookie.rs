//! Cookies: what an address must return before a run that speaks from it is believed.

use super::crypto::constant_time_eq;
use bruit_engine::Instant;
use ring::hmac::{Context, HMAC_SHA256, Key};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a cookie is given out. It is accepted for as long again (guess: a round trip and a
/// retry are far shorter; what is recorded is worthless soon).
pub(super) const EPOCH: Duration = Duration::from_secs(10);

/// 16 bytes that only its maker can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie(pub(super) [u8; 16]);

/// Makes and knows cookies, and stores none.
///
/// A cookie is the first 16 bytes of HMAC-SHA256(secret, `bruit cookie 1`, address, epoch). It
/// names no run: a Hello is sealed and has the cookie in what the seal covers, so that nobody can
/// put a cookie into the Hello of another.
#[derive(Debug)]
pub(super) struct CookieJar {
    secret: Key,
}

impl CookieJar {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self { secret: Key::new(HMAC_SHA256, secret) }
    }

    /// What to give to `addr`.
    pub(super) fn bake(&self, now: Instant, addr: SocketAddr) -> Cookie {
        self.at_epoch(epoch(now), addr)
    }

    /// Whether `addr` was given this, in this epoch or the one before it.
    pub(super) fn knows(&self, now: Instant, addr: SocketAddr, cookie: Cookie) -> bool {
        let current = epoch(now);
        let is_of = |epoch| constant_time_eq(&self.at_epoch(epoch, addr).0, &cookie.0);
        is_of(current) || current.checked_sub(1).is_some_and(is_of)
    }

    fn at_epoch(&self, epoch: u64, addr: SocketAddr) -> Cookie {
        let mut context = Context::with_key(&self.secret);
        context.update(b"bruit cookie 1");
        match addr.ip() {
            IpAddr::V4(ip) => context.update(&ip.octets()),
            IpAddr::V6(ip) => context.update(&ip.octets()),
        }
        context.update(&addr.port().to_be_bytes());
        context.update(&epoch.to_be_bytes());
        let hash = context.sign();
        Cookie(*hash.as_ref().first_chunk().expect("HMAC-SHA256 gives 32 bytes"))
    }
}

fn epoch(now: Instant) -> u64 {
    now.since(Instant::ZERO).as_secs() / EPOCH.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_one_address_and_two_epochs() {
        let jar = CookieJar::new(&[1; 32]);
        let (here, there): (SocketAddr, SocketAddr) =
            ("10.0.0.1:7".parse().unwrap(), "10.0.0.1:8".parse().unwrap());
        let at = |secs| Instant::ZERO + Duration::from_secs(secs);
        let cookie = jar.bake(at(19), here);
        for (now, addr, expected) in [
            (19, here, true),
            (20, here, true),
            (29, here, true),
            (30, here, false),
            (9, here, false),
            (19, there, false),
        ] {
            assert_eq!(jar.knows(at(now), addr, cookie), expected, "{now} {addr}");
        }
        assert!(!CookieJar::new(&[2; 32]).knows(at(19), here, cookie));
    }
}
