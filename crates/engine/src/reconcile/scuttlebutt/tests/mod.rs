//! Helpers; the tests are in the files below.

mod hostile;
mod orders;
mod own;
mod random;
mod tombstones;

use super::message::{DigestEntry, Entry, NodeDelta};
use super::*;
use std::time::Duration;

/// Costs as in a compact binary encoding: numbers in groups of seven bits.
struct Bytes;

fn varint(number: u64) -> usize {
    (64 - number.max(1).leading_zeros()).div_ceil(7) as usize
}

impl DeltaCost<u32> for Bytes {
    fn node(&self, delta: &NodeDelta<u32>) -> usize {
        let numbers = [
            delta.generation,
            delta.from_version,
            delta.purged_version,
            delta.max_version,
            delta.entries.len() as u64,
        ];
        4 + numbers.into_iter().map(varint).sum::<usize>()
    }

    fn entry(&self, entry: &Entry) -> usize {
        let value = entry.value.as_ref().map_or(0, Vec::len);
        let lengths = varint(entry.key.len() as u64) + varint(value as u64);
        lengths + varint(entry.version) + entry.key.len() + value
    }
}

fn size(deltas: &[NodeDelta<u32>]) -> usize {
    let entries = deltas.iter().flat_map(|delta| &delta.entries);
    deltas.iter().map(|delta| Bytes.node(delta)).sum::<usize>()
        + entries.map(|entry| Bytes.entry(entry)).sum::<usize>()
}

fn at(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

fn change(key: &str, value: Option<&str>) -> (String, Option<Vec<u8>>) {
    (key.to_owned(), value.map(|value| value.as_bytes().to_vec()))
}

fn put(node: &mut Scuttlebutt<u32>, secs: u64, key: &str, value: Option<&str>) {
    assert_eq!(node.set(at(secs), &[change(key, value)]), Ok(true));
}

fn entry(key: &str, value: Option<&str>, version: u64) -> Entry {
    let (key, value) = change(key, value);
    Entry { key, value, version }
}

fn node(id: u32) -> Scuttlebutt<u32> {
    Scuttlebutt::new(Limits::default(), id, 1)
}

fn view(node: &Scuttlebutt<u32>, id: u32) -> Vec<(String, String, u64)> {
    let entries = node.get(&id).into_iter().flat_map(NodeState::entries);
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    entries.map(|(key, value, version)| (key.to_owned(), text(value), version)).collect()
}

fn seen(key: &str, value: &str, version: u64) -> (String, String, u64) {
    (key.to_owned(), value.to_owned(), version)
}

fn changed(keys: &[&str]) -> Applied {
    Applied::Changed { keys: keys.iter().map(|&key| key.to_owned()).collect() }
}

/// What `to` says of what it knows and of what only `from` knows.
fn asks(to: &Scuttlebutt<u32>, from: &Scuttlebutt<u32>) -> Vec<DigestEntry<u32>> {
    let unknown = from.ids().filter(|id| to.get(id).is_none());
    to.digests().chain(unknown.map(|&id| DigestEntry::unknown(id))).collect()
}

/// What `from` would send to `to`.
fn deltas(from: &Scuttlebutt<u32>, to: &Scuttlebutt<u32>, budget: usize) -> Vec<NodeDelta<u32>> {
    from.delta(&asks(to, from), Order::Depth, budget, &Bytes, &mut Rng::from_seed(1))
}

/// One exchange in one direction; what became of each delta.
fn exchange(
    from: &mut Scuttlebutt<u32>,
    to: &mut Scuttlebutt<u32>,
    secs: u64,
    budget: usize,
) -> Vec<Applied> {
    for digest in asks(to, from) {
        from.note_digest(&digest);
    }
    let deltas = deltas(from, to, budget);
    assert!(size(&deltas) <= budget);
    deltas.into_iter().map(|delta| to.apply(at(secs), delta)).collect()
}

fn copy_all(from: &mut Scuttlebutt<u32>, to: &mut Scuttlebutt<u32>, secs: u64) {
    exchange(from, to, secs, usize::MAX);
}
