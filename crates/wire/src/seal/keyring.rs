//! The keys a node accepts, and the one it seals with.

use super::ClusterKey;

/// One or more keys, so that a group changes its key without downtime: install the new one on
/// every node, then use it on every node, then remove the old one from every node.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// In order of installation.
    keys: Vec<InstalledKey>,
    primary_serial: u32,
    next_serial: u32,
}

/// A key of a keyring, and the names by which it is found.
#[derive(Clone, Debug)]
pub(crate) struct InstalledKey {
    pub(crate) key: ClusterKey,
    /// What datagrams say: not unique.
    pub(crate) id: u8,
    /// Unique in this keyring's life.
    pub(crate) serial: u32,
}

/// A key was not installed or removed. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// There are [`Keyring::KEYS_MAX`] keys already: remove one.
    #[error("a keyring has at most {} keys; remove one first", Keyring::KEYS_MAX)]
    Full,
    /// There is no such key.
    #[error("no such key is installed")]
    Unknown,
    /// Datagrams are being sealed with it: use another first.
    #[error("this key is in use; use another one first")]
    InUse,
}

impl Keyring {
    /// The most keys (guess: a change of keys needs two).
    pub const KEYS_MAX: usize = 8;

    /// A keyring with one key, which is in use.
    pub fn new(key: ClusterKey) -> Self {
        let id = key.id();
        Self { keys: vec![InstalledKey { key, id, serial: 0 }], primary_serial: 0, next_serial: 1 }
    }

    /// Accepts this key from here on. One that is installed already stays as it is.
    ///
    /// # Errors
    /// [`KeyringError::Full`].
    pub fn install(&mut self, key: ClusterKey) -> Result<(), KeyringError> {
        if self.find(&key).is_some() {
            return Ok(());
        }
        if self.keys.len() >= Self::KEYS_MAX {
            return Err(KeyringError::Full);
        }
        self.add(key);
        Ok(())
    }

    /// Seals with this key from here on, and accepts the others still. A key that is not installed
    /// is; where there is no room, it takes the place of the oldest that is not in use.
    pub fn use_key(&mut self, key: ClusterKey) {
        if let Some(serial) = self.find(&key) {
            self.primary_serial = serial;
            return;
        }
        if self.keys.len() >= Self::KEYS_MAX {
            let oldest = self.keys.iter().position(|held| held.serial != self.primary_serial);
            self.keys.remove(oldest.expect("one of several keys is in use"));
        }
        self.primary_serial = self.add(key);
    }

    /// Accepts this key no more.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`]; [`KeyringError::InUse`].
    pub fn remove(&mut self, key: &ClusterKey) -> Result<(), KeyringError> {
        let serial = self.find(key).ok_or(KeyringError::Unknown)?;
        if serial == self.primary_serial {
            return Err(KeyringError::InUse);
        }
        self.keys.retain(|held| held.serial != serial);
        Ok(())
    }

    /// Accepts the key with this [`ClusterKey::fingerprint`] no more.
    ///
    /// # Errors
    /// As [`Keyring::remove`].
    pub fn remove_by_fingerprint(&mut self, fingerprint: &str) -> Result<(), KeyringError> {
        let held = self.keys.iter().find(|held| held.key.fingerprint() == fingerprint);
        let key = held.ok_or(KeyringError::Unknown)?.key.clone();
        self.remove(&key)
    }

    /// The fingerprints of the keys, in order of installation, and whether each is in use.
    pub fn fingerprints(&self) -> impl Iterator<Item = (String, bool)> {
        let primary = self.primary_serial;
        self.keys.iter().map(move |held| (held.key.fingerprint(), held.serial == primary))
    }

    /// How many keys are installed: one or more.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// The key in use.
    pub(crate) fn primary(&self) -> &InstalledKey {
        let primary = self.keys.iter().find(|held| held.serial == self.primary_serial);
        primary.expect("the key in use is not removed")
    }

    /// The keys that a datagram may have been sealed with.
    pub(crate) fn matching(&self, id: u8) -> impl Iterator<Item = &InstalledKey> {
        self.keys.iter().filter(move |held| held.id == id)
    }

    pub(crate) fn holds(&self, serial: u32) -> bool {
        self.keys.iter().any(|held| held.serial == serial)
    }

    fn find(&self, key: &ClusterKey) -> Option<u32> {
        self.keys.iter().find(|held| held.key == *key).map(|held| held.serial)
    }

    fn add(&mut self, key: ClusterKey) -> u32 {
        let (id, serial) = (key.id(), self.next_serial);
        self.next_serial = serial.checked_add(1).expect("keys are changed less than 2³² times");
        self.keys.push(InstalledKey { key, id, serial });
        serial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> ClusterKey {
        ClusterKey::new([byte; 32])
    }

    #[test]
    fn keys_are_installed_used_and_removed() {
        let mut ring = Keyring::new(key(0));
        assert_eq!(ring.remove(&key(0)), Err(KeyringError::InUse));
        assert_eq!(ring.remove(&key(1)), Err(KeyringError::Unknown));
        assert_eq!((ring.install(key(1)), ring.install(key(1))), (Ok(()), Ok(())));
        assert_eq!((ring.key_count(), &ring.primary().key), (2, &key(0)));
        ring.use_key(key(1));
        assert_eq!(&ring.primary().key, &key(1));
        let (old, new) = (key(0).fingerprint(), key(1).fingerprint());
        let shown: Vec<_> = ring.fingerprints().collect();
        assert_eq!(shown, [(old.clone(), false), (new.clone(), true)]);
        assert_eq!(ring.remove_by_fingerprint(&new), Err(KeyringError::InUse));
        assert_eq!((ring.remove_by_fingerprint(&old), ring.key_count()), (Ok(()), 1));
        assert_eq!(ring.remove_by_fingerprint(&old), Err(KeyringError::Unknown));
        assert_eq!(ring.matching(key(0).id()).count(), 0);
        assert_eq!(ring.matching(key(1).id()).count(), 1);
    }

    #[test]
    fn a_full_keyring_refuses_to_install_and_makes_room_for_what_is_used() {
        let mut ring = Keyring::new(key(0));
        for byte in 1..8 {
            assert_eq!(ring.install(key(byte)), Ok(()));
        }
        assert_eq!(ring.install(key(8)), Err(KeyringError::Full));
        ring.use_key(key(9));
        assert_eq!((ring.key_count(), &ring.primary().key), (8, &key(9)));
        assert_eq!(ring.remove(&key(1)), Err(KeyringError::Unknown));
        assert_eq!(ring.remove(&key(0)), Ok(()));
    }
}
