//! Bounded readers and writers, and the native wire format: `docs/wire.md`.

mod frame;

pub use frame::{Frame, MemberDigest, RunRanges, Subject, Summary};
