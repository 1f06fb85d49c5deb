//! The keys of the group as an agent keeps them over restarts.
//!
//! The file `keyring` in the state directory, readable by its owner only: one `bruit-key-1:` line
//! for each key, the one in use first; then `removed` and a fingerprint for each key that was
//! removed. Empty lines and lines that start with `#` mean nothing.

use bruit_wire::{ClusterKey, Keyring};

const HEAD: &str = "# The keys of the group, kept by the agent; the first is the one in use.\n";
const REMOVED: &str = "removed ";
/// How many removed keys are remembered; the oldest are forgotten. Guess.
const REMOVED_MAX: usize = 64;

/// The keys that are accepted, and those that were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    /// The first is the one in use.
    keys: Vec<ClusterKey>,
    /// Fingerprints, the latest last.
    removed: Vec<String>,
}

/// Why a ring was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RingError {
    /// There is no room.
    #[error("it has {} keys already; remove one first", Keyring::KEYS_MAX)]
    Full,
    /// There is no such key.
    #[error("it does not have this key")]
    Unknown,
    /// The key is the one in use.
    #[error("it uses this key")]
    InUse,
}

impl Ring {
    /// Of the key in the key file, at the first start.
    pub(crate) fn new(key: ClusterKey) -> Self {
        Self { keys: vec![key], removed: Vec::new() }
    }

    /// Takes what [`Ring::to_text`] gave; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut keys, mut removed) = (Vec::new(), Vec::new());
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.strip_prefix(REMOVED) {
                Some(fingerprint) => removed.push(fingerprint.to_owned()),
                None => keys.push(line.parse().ok()?),
            }
        }
        let fits = (1..=Keyring::KEYS_MAX).contains(&keys.len()) && removed.len() <= REMOVED_MAX;
        fits.then_some(Self { keys, removed })
    }

    /// The content of the file. It is secret.
    pub(crate) fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        for key in &self.keys {
            text += &key.to_text();
            text.push('\n');
        }
        for fingerprint in &self.removed {
            text += REMOVED;
            text += fingerprint;
            text.push('\n');
        }
        text
    }

    /// Adds the key of the key file, at a later start. One that was never here is the operator's
    /// choice, and used from here on. One that was removed stays removed: false.
    pub(crate) fn add_configured(&mut self, key: ClusterKey) -> bool {
        if self.removed.contains(&key.fingerprint()) {
            return false;
        }
        if !self.keys.contains(&key) {
            self.keys.truncate(Keyring::KEYS_MAX - 1);
            self.keys.insert(0, key);
        }
        true
    }

    /// The key in use.
    pub(crate) fn primary(&self) -> &ClusterKey {
        self.keys.first().expect("a ring has at least one key")
    }

    /// The other keys that are accepted.
    pub(crate) fn others(&self) -> impl Iterator<Item = &ClusterKey> {
        self.keys.iter().skip(1)
    }

    /// The key with this fingerprint.
    pub(crate) fn find(&self, fingerprint: &str) -> Option<&ClusterKey> {
        self.keys.iter().find(|key| key.fingerprint() == fingerprint)
    }

    /// Accepts one more key.
    ///
    /// # Errors
    /// [`RingError::Full`].
    pub(crate) fn install(&mut self, key: &ClusterKey) -> Result<(), RingError> {
        if self.keys.contains(key) {
            return Ok(());
        }
        if self.keys.len() >= Keyring::KEYS_MAX {
            return Err(RingError::Full);
        }
        let fingerprint = key.fingerprint();
        self.removed.retain(|removed| *removed != fingerprint);
        self.keys.push(key.clone());
        Ok(())
    }

    /// Uses a key that is accepted.
    ///
    /// # Errors
    /// [`RingError::Unknown`].
    pub(crate) fn use_key(&mut self, fingerprint: &str) -> Result<&ClusterKey, RingError> {
        let place = self.keys.iter().position(|key| key.fingerprint() == fingerprint);
        let key = self.keys.remove(place.ok_or(RingError::Unknown)?);
        self.keys.insert(0, key);
        Ok(self.primary())
    }

    /// Accepts a key no more; one that is not here is removed already.
    ///
    /// # Errors
    /// [`RingError::InUse`].
    pub(crate) fn remove(&mut self, fingerprint: &str) -> Result<(), RingError> {
        if self.primary().fingerprint() == fingerprint {
            return Err(RingError::InUse);
        }
        let before = self.keys.len();
        self.keys.retain(|key| key.fingerprint() != fingerprint);
        if self.keys.len() < before {
            self.removed.push(fingerprint.to_owned());
            let forgotten = self.removed.len().saturating_sub(REMOVED_MAX);
            self.removed.drain(..forgotten);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> ClusterKey {
        ClusterKey::new([byte; 32])
    }

    fn ring(keys: &[u8]) -> Ring {
        let mut ring = Ring::new(key(keys[0]));
        keys[1..].iter().for_each(|byte| ring.install(&key(*byte)).unwrap());
        ring
    }

    #[test]
    fn a_ring_survives_its_file() {
        let mut ring = ring(&[1, 2, 3]);
        ring.use_key(&key(2).fingerprint()).unwrap();
        ring.remove(&key(1).fingerprint()).unwrap();
        let text = ring.to_text();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let removed = format!("removed {}", key(1).fingerprint());
        assert_eq!(lines, [key(2).to_text(), key(3).to_text(), removed]);
        assert_eq!(Ring::parse(&text), Some(ring));
    }

    #[test]
    fn what_is_not_a_ring_is_refused() {
        let line = key(1).to_text();
        let full = (0..8).map(|byte| key(byte).to_text() + "\n").collect::<String>();
        assert!(Ring::parse(&full).is_some());
        for bad in ["", "# nothing", "removed 0123", &line[1..], &(full + &key(9).to_text())] {
            assert_eq!(Ring::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_key_file_is_followed_only_where_it_is_new() {
        let mut ring = ring(&[1, 2]);
        ring.use_key(&key(2).fingerprint()).unwrap();
        assert!(ring.add_configured(key(1)));
        assert_eq!(ring.primary(), &key(2), "a key file that was not changed changes nothing");
        assert!(ring.add_configured(key(3)));
        assert_eq!(ring.primary(), &key(3), "the operator chose it");
        ring.remove(&key(1).fingerprint()).unwrap();
        assert!(!ring.add_configured(key(1)));
        assert_eq!(ring.others().collect::<Vec<_>>(), [&key(2)], "what was removed stays out");
    }

    #[test]
    fn a_full_ring_makes_room_only_for_the_operators_choice() {
        let mut ring = ring(&[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(ring.install(&key(8)), Err(RingError::Full));
        assert_eq!(ring.install(&key(7)), Ok(()));
        assert!(ring.add_configured(key(9)));
        assert_eq!((ring.primary(), ring.others().count()), (&key(9), 7));
        assert_eq!(ring.find(&key(7).fingerprint()), None);
    }

    #[test]
    fn the_key_in_use_stays_and_a_removed_one_can_come_back() {
        let mut ring = ring(&[1, 2]);
        assert_eq!(ring.remove(&key(1).fingerprint()), Err(RingError::InUse));
        assert_eq!(ring.remove(&key(5).fingerprint()), Ok(()));
        assert_eq!(ring.use_key(&key(5).fingerprint()), Err(RingError::Unknown));
        assert_eq!(ring.remove(&key(2).fingerprint()), Ok(()));
        assert_eq!(ring.removed, [key(2).fingerprint()]);
        ring.install(&key(2)).unwrap();
        assert_eq!((ring.others().count(), ring.removed.len()), (1, 0));
        for byte in 100..=170 {
            ring.install(&key(byte)).unwrap();
            ring.remove(&key(byte).fingerprint()).unwrap();
        }
        assert_eq!(ring.removed.len(), REMOVED_MAX);
        assert_eq!(ring.removed.last(), Some(&key(170).fingerprint()));
    }
}
