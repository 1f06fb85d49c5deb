//! What one member says of another that does not answer, or of itself when it leaves.

use crate::codec::msgpack::record;
use crate::limits::{NAME, RECORD};

record! {
    /// The body of suspect and dead. A dead with `from` equal to `node` is a leave.
    pub struct Claim {
        /// Who says so; empty from members of protocol 1.
        "From" from: String, NAME;
        /// The incarnation that it is said of.
        "Incarnation" incarnation: u32, RECORD;
        /// Of whom.
        "Node" node: String, NAME;
    }
    source ["Incarnation", "Node", "From"]
}
