//! What a later run starts from: which items were seen, the clock, and where members were.
//!
//! Version 1: `u8` version; `u64` hybrid time; varint count of runs, each origin (16 bytes),
//! `u64` start, varint count of ranges, each two varints; varint count of addresses, each as text.

use crate::NativeNode;
use crate::node::Run;
use bruit_model::{CommandError, NodeId, Now, Target};
use bruit_wire::{DecodeError, Limit, Reader, Sink as _};
use std::net::SocketAddr;

const VERSION: u8 = 1;
const RUNS: Limit = Limit { what: "saved runs", max: 65_536 };
const RANGES: Limit = Limit { what: "saved ranges", max: 4096 };
const ADDRESSES: Limit = Limit { what: "saved addresses", max: 256 };
const ADDRESS_BYTES: Limit = Limit { what: "a saved address", max: 64 };

pub(crate) fn take(node: &NativeNode) -> Vec<u8> {
    let mut out = Vec::new();
    out.u8(VERSION);
    out.u64(node.clock.last());
    let runs: Vec<_> = node.seen.runs().take(RUNS.max).collect();
    out.length(runs.len());
    for (run, ranges) in runs {
        out.put(&run.origin.0);
        out.u64(run.start);
        let count = ranges.len().min(RANGES.max);
        out.length(count);
        for (first, last) in &ranges[..count] {
            out.varint(*first);
            out.varint(*last);
        }
    }
    let addresses: Vec<SocketAddr> = node.known_addresses().take(ADDRESSES.max).collect();
    out.length(addresses.len());
    for address in addresses {
        out.bytes(address.to_string().as_bytes());
    }
    out
}

pub(crate) fn restore(node: &mut NativeNode, now: Now, bytes: &[u8]) -> Result<(), CommandError> {
    let state = read(bytes).map_err(|_| {
        let text = "the saved state is damaged or of another version: remove it to start afresh";
        CommandError::Invalid(text.into())
    })?;
    // A clock that was set back since is not followed into the future it had.
    let _ = node.clock.witness(now.unix.as_millis(), state.clock);
    for (run, ranges) in state.runs {
        node.seen.insert_ranges(&run, &ranges);
        node.repair.note_restored(run, node.seen.ranges(&run).to_vec());
        node.upkeep.note_item(run, now.unix.as_millis());
    }
    node.joins.remember(now.mono, state.addresses);
    Ok(())
}

struct State {
    clock: u64,
    runs: Vec<(Run, Vec<(u64, u64)>)>,
    addresses: Vec<Target>,
}

fn read(bytes: &[u8]) -> Result<State, DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(DecodeError::Invalid("version"));
    }
    let clock = reader.u64()?;
    let mut runs = Vec::new();
    for _ in 0..reader.count(RUNS, 25)? {
        let run = Run { origin: NodeId(reader.array()?), start: reader.u64()? };
        let mut ranges = Vec::new();
        for _ in 0..reader.count(RANGES, 2)? {
            ranges.push((reader.varint()?, reader.varint()?));
        }
        runs.push((run, ranges));
    }
    let mut addresses = Vec::new();
    for _ in 0..reader.count(ADDRESSES, 2)? {
        let text = reader.str(ADDRESS_BYTES)?;
        addresses.push(Target::Addr(text.parse().map_err(|_| DecodeError::Invalid("address"))?));
    }
    reader.finish()?;
    Ok(State { clock, runs, addresses })
}
