//! The parts of a push/pull.

use crate::codec::msgpack::record;
use crate::limits::{ADDR, META, NAME, RECORD, VERSIONS};
use bytes::Bytes;

record! {
    /// What stands in front of the nodes of a push/pull.
    pub struct PushPullHeader {
        /// Whether the sender joins, rather than compares.
        "Join" join: bool, RECORD;
        /// How many nodes follow.
        "Nodes" nodes: i64, RECORD;
        /// How many bytes of user state follow behind them.
        "UserStateLen" user_state_len: i64, RECORD;
    }
    source ["Nodes", "UserStateLen", "Join"]

    /// A member as the sender knows it.
    pub struct NodeState {
        /// 4 or 16 bytes.
        "Addr" addr: Option<Bytes>, ADDR;
        /// Which of its claims about itself the sender knows.
        "Incarnation" incarnation: u32, RECORD;
        /// At most 512 bytes; with Serf, its tags.
        "Meta" meta: Option<Bytes>, META;
        /// Its name.
        "Name" name: String, NAME;
        /// Its port.
        "Port" port: u16, RECORD;
        /// As [`State`] has it.
        "State" state: i64, RECORD;
        /// As in an alive; a node without is refused by memberlist, even a dead one.
        "Vsn" versions: Option<Bytes>, VERSIONS;
    }
    source ["Name", "Addr", "Port", "Meta", "Incarnation", "State", "Vsn"]
}

/// What the sender of a push/pull takes a member for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there.
    Alive,
    /// It may have failed.
    Suspect,
    /// It has failed.
    Dead,
    /// It said that it leaves.
    Left,
}

impl State {
    const ALL: [Self; 4] = [Self::Alive, Self::Suspect, Self::Dead, Self::Left];

    /// What the number in a [`NodeState`] means, if anything.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The number in a [`NodeState`].
    pub const fn number(self) -> i64 {
        match self {
            Self::Alive => 0,
            Self::Suspect => 1,
            Self::Dead => 2,
            Self::Left => 3,
        }
    }
}
