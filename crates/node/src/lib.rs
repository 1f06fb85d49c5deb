//! The native gossip node: engines composed into one deterministic machine.
