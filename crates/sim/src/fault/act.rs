//! What can be done to a group.

use crate::{HostId, Link};
use std::time::Duration;

/// What a crash does to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disk {
    /// All that the node knew at its end is on it.
    Kept,
    /// It holds what was saved before; a node that saves now and then.
    Stale,
    /// It is gone, see [`crate::Net::wipe`].
    Lost,
}

/// A fault, or the end of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process is killed.
    Crash(HostId, Disk),
    /// A host that is down starts, and joins.
    Start(HostId),
    /// A node says goodbye, and its process ends.
    Leave(HostId),
    /// A process stops without ending.
    Pause(HostId),
    /// It runs again.
    Resume(HostId),
    /// Each input takes a process so long; zero ends it.
    Slow(HostId, Duration),
    /// A wall clock jumps to so many milliseconds ahead of true time, or behind.
    Clock(HostId, i64),
    /// Nothing passes from these to those, until the cut of this number is mended.
    Cut {
        /// Names the cut within the plan.
        number: u32,
        /// From whom.
        from: Vec<HostId>,
        /// To whom.
        to: Vec<HostId>,
        /// The other way, too.
        both_ways: bool,
    },
    /// A cut ends.
    Mend(u32),
    /// All cuts end.
    Heal,
    /// All links become this one, those with one of their own included.
    Links(Link),
    /// What comes to a host takes this link; `None` ends that.
    Ingress(HostId, Option<Link>),
    /// What a host sends takes this link; `None` ends that.
    Egress(HostId, Option<Link>),
}

impl Fault {
    /// The word for its kind, in counts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Crash(_, Disk::Kept) => "crash",
            Self::Crash(_, Disk::Stale) => "crash, stale disk",
            Self::Crash(_, Disk::Lost) => "crash, lost disk",
            Self::Start(_) => "restart",
            Self::Leave(_) => "leave",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Slow(..) => "slow",
            Self::Clock(..) => "clock",
            Self::Cut { both_ways: true, .. } => "partition",
            Self::Cut { both_ways: false, .. } => "one way",
            Self::Mend(_) => "mend",
            Self::Heal => "heal",
            Self::Links(_) => "links",
            Self::Ingress(..) => "ingress",
            Self::Egress(..) => "egress",
        }
    }
}

/// What users ask of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A host accepts an item of so many bytes.
    Publish {
        /// Where.
        host: HostId,
        /// Its path.
        path: String,
        /// Its payload: bytes that follow from this and the entry's place in the plan.
        bytes: u32,
    },
    /// A host writes a number into its metadata.
    Metadata {
        /// Which.
        host: HostId,
        /// The key.
        key: String,
        /// The number.
        value: u64,
    },
}

/// A fault or work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A fault.
    Fault(Fault),
    /// Work.
    Work(Work),
}
