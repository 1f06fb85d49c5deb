//! Where in the member table a name or an address is, without a walk over the table.

use bruit_engine::reconcile::buckets::hash_words;
use bruit_model::{MemberRecord, NodeId};
use std::net::{IpAddr, SocketAddr};

/// The ids of members by a hash of their name, and by one of their address. Who asks compares
/// with the table, since different names may share a hash; a member is in it exactly while the
/// table holds its record.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: Sorted,
    addrs: Sorted,
}

impl Names {
    pub(crate) fn add(&mut self, id: NodeId, record: &MemberRecord) {
        self.names.add(hash_name(&record.name), id);
        self.addrs.add(hash_addr(&record.addr), id);
    }

    pub(crate) fn remove(&mut self, id: NodeId, record: &MemberRecord) {
        self.names.remove(hash_name(&record.name), id);
        self.addrs.remove(hash_addr(&record.addr), id);
    }

    /// The members that may have this name, in the order of their ids.
    pub(crate) fn called(&self, name: &str) -> impl Iterator<Item = &NodeId> + use<'_> {
        self.names.of(hash_name(name))
    }

    /// The members that may be at this address, in the order of their ids.
    pub(crate) fn at(&self, addr: &SocketAddr) -> impl Iterator<Item = &NodeId> + use<'_> {
        self.addrs.of(hash_addr(addr))
    }
}

/// Pairs, in order.
#[derive(Debug, Default)]
struct Sorted(Vec<(u64, NodeId)>);

impl Sorted {
    fn add(&mut self, hash: u64, id: NodeId) {
        if let Err(place) = self.0.binary_search(&(hash, id)) {
            self.0.insert(place, (hash, id));
        }
    }

    fn remove(&mut self, hash: u64, id: NodeId) {
        if let Ok(place) = self.0.binary_search(&(hash, id)) {
            self.0.remove(place);
        }
    }

    fn of(&self, hash: u64) -> impl Iterator<Item = &NodeId> {
        let first = self.0.partition_point(|(other, _)| *other < hash);
        self.0[first..].iter().take_while(move |(other, _)| *other == hash).map(|(_, id)| id)
    }
}

fn hash_name(name: &str) -> u64 {
    hash_bytes(name.as_bytes())
}

fn hash_addr(addr: &SocketAddr) -> u64 {
    let ip = match addr.ip() {
        IpAddr::V4(ip) => hash_bytes(&ip.octets()),
        IpAddr::V6(ip) => hash_bytes(&ip.octets()),
    };
    hash_words(&[ip, addr.port().into()])
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash_words(&[hash, u64::from_be_bytes(word)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_address_until_they_are_removed() {
        let record = |name: &str, port: u16| MemberRecord {
            name: name.into(),
            addr: ([10, 0, 0, 1], port).into(),
        };
        let id = |byte| NodeId([byte; 16]);
        let (a, b) = (record("the longest of both names", 1), record("b", 1));
        let mut names = Names::default();
        for (byte, record) in [(3, &a), (1, &a), (2, &b), (3, &a)] {
            names.add(id(byte), record);
        }
        let called = |names: &Names, name| names.called(name).copied().collect::<Vec<_>>();
        assert_eq!(called(&names, &a.name), [id(1), id(3)]);
        assert_eq!(called(&names, "b"), [id(2)]);
        assert_eq!(called(&names, "c"), []);
        assert_eq!(names.at(&b.addr).copied().collect::<Vec<_>>(), [id(1), id(2), id(3)]);
        names.remove(id(3), &a);
        assert_eq!(called(&names, &a.name), [id(1)]);
        assert_eq!(names.at(&a.addr).count(), 2);
    }
}
