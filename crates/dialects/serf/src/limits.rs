//! Every limit, by name. Those of memberlist are its own (`net.go`); `guess` marks those that it
//! does not have.

use crate::codec::msgpack::Bound;
use bruit_wire::Limit;

/// The largest datagram that is read: memberlist's receive buffer (`net_transport.go`).
pub const DATAGRAM_BYTES_MAX: usize = 65_536;
/// What a datagram's layers may come to when all of them are taken off (guess; memberlist: 40 MiB
/// for each compressed part).
pub const DATAGRAM_PLAIN: Limit = limit("a datagram uncompressed, in bytes", 256 * 1024);
/// Messages in a datagram (guess; memberlist: as many as fit).
pub const DATAGRAM_MESSAGES: Limit = limit("messages of a datagram", 4096);
/// How deep compound and compressed messages are nested (guess; memberlist: no limit).
pub const NESTING: Limit = limit("nested layers of a datagram", 4);
/// Parts of a compound message: its count is one byte.
pub const PARTS_MAX: usize = 255;

/// A sealed or compressed message of a stream, the user state of a push/pull, and all of its nodes
/// (memberlist `maxPushStateBytes`).
pub const STATE_BYTES_MAX: usize = 20 * 1024 * 1024;
/// The sealed bytes of a stream.
pub const SEALED: Limit = limit("a sealed message, in bytes", STATE_BYTES_MAX);
/// A message of a stream uncompressed (memberlist `maxDecompressedBytes`).
pub const STREAM_PLAIN: Limit = limit("a message uncompressed, in bytes", 2 * STATE_BYTES_MAX);
/// A compressed message of a stream with what is around it.
pub const COMPRESSED: Limit = limit("a compressed message, in bytes", STATE_BYTES_MAX + 64);
/// The user state of a push/pull.
pub const USER_STATE: Limit = limit("user state, in bytes", STATE_BYTES_MAX);
/// A user message on a stream (memberlist `maxUserMsgBytes`).
pub const USER_MESSAGE: Limit = limit("a user message, in bytes", STATE_BYTES_MAX);
/// Nodes of a push/pull (memberlist `maxPushStateNodes`).
pub const NODES: Limit = limit("nodes", 1024 * 1024);
/// All nodes of a push/pull together (guess: as much as their user state).
pub const NODE_BYTES: Limit = limit("nodes, in bytes", STATE_BYTES_MAX);
/// One node of a push/pull, or another structure of a stream (guess).
pub const STRUCTURE: Limit = limit("a structure, in bytes", 16 * 1024);
/// An object of Serf's RPC (guess).
pub const RPC_OBJECT: Limit = limit("an RPC object, in bytes", 8 * 1024 * 1024);

/// Fields of a structure, known or not (guess).
pub(crate) const FIELDS: Limit = limit("fields of a structure", 64);
/// The name of a field (guess).
pub(crate) const KEY: Limit = limit("the name of a field, in bytes", 128);
/// Numbers, and structures in structures, which bound themselves.
pub(crate) const RECORD: Bound = Bound::of("a structure", 0);

/// A member's name (guess; Serf checks 128 on request, memberlist nothing).
pub(crate) const NAME: Bound = Bound::of("a member name, in bytes", 512);
/// An address: 4 or 16 bytes.
pub(crate) const ADDR: Bound = Bound::of("an address, in bytes", 16);
/// A member's metadata (memberlist `MetaMaxSize`).
pub(crate) const META: Bound = Bound::of("metadata, in bytes", 512);
/// Versions: 6 bytes; more are ignored, as in memberlist (guess).
pub(crate) const VERSIONS: Bound = Bound::of("versions, in bytes", 16);
/// What an ack carries (guess; a coordinate takes 131).
pub(crate) const ACK_PAYLOAD: Bound = Bound::of("an ack's payload, in bytes", 16 * 1024);
/// What is wrong, in words (guess).
pub(crate) const TEXT: Bound = Bound::of("a text, in bytes", 16 * 1024);
/// What a compressed message holds.
pub(crate) const COMPRESSED_BYTES: Bound = Bound::of("compressed bytes", STATE_BYTES_MAX);

/// The name and the payload of a user event (Serf `UserEventSizeLimit`, 9 KiB, and room).
pub(crate) const EVENT: Bound = Bound::of("an event or query, in bytes", 64 * 1024);
/// Status times of a push/pull: as many as nodes.
pub(crate) const STATUSES: Bound = Bound::many("status times", NODES.max, NAME);
/// Members that left, in a push/pull.
pub(crate) const LEFT: Bound = Bound::many("members that left", NODES.max, NAME);
/// Slots of recent events in a push/pull (guess; Serf `EventBuffer`: 512).
pub(crate) const EVENT_SLOTS: Bound = Bound::many("slots of events", 64 * 1024, EVENT);
/// Events of one Lamport time (guess).
pub(crate) const EVENTS: Bound = Bound::many("events of one time", 4096, EVENT);
/// Filters of a query (guess).
pub(crate) const FILTERS: Bound = Bound::many("filters", 1024, EVENT);
/// Names in a filter, seeds in a join (guess).
pub(crate) const NAMES: Bound = Bound::many("names", 64 * 1024, TEXT);
/// Tags of a member: as many as fit into metadata.
pub(crate) const TAGS: Bound = Bound::many("tags", 256, META);
/// Keys of a keyring, in a list of them (guess).
pub(crate) const KEYS: Bound = Bound::many("keys", 1024, TEXT);
/// Dimensions of a coordinate (guess; Serf: 8).
pub(crate) const DIMENSIONS: Bound = Bound::many("dimensions", 64, RECORD);
/// Members in an RPC answer (guess).
pub(crate) const MEMBERS: Bound = Bound::many("members", 128 * 1024, NAME);
/// Texts by name, as in statistics (guess).
pub(crate) const TEXTS: Bound = Bound::many("texts", 64 * 1024, TEXT);

const fn limit(what: &'static str, max: usize) -> Limit {
    Limit { what, max }
}
