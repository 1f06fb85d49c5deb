//! What a member means to do, so that a leave is told from a failure.

use crate::codec::msgpack::record;
use crate::limits::{NAME, RECORD};

record! {
    /// A member leaves; of another: it is made to (force-leave).
    pub struct Leave {
        /// The Lamport time of the intent.
        "LTime" ltime: u64, RECORD;
        /// Who.
        "Node" node: String, NAME;
        /// Whether it is to be forgotten at once.
        "Prune" prune: bool, RECORD;
    }
    source ["LTime", "Node", "Prune"]

    /// A member has joined.
    pub struct Join {
        /// The Lamport time of the intent.
        "LTime" ltime: u64, RECORD;
        /// Who.
        "Node" node: String, NAME;
    }
    source ["LTime", "Node"]
}
