//! What the machine tells its caller.

use super::{Incarnation, State};

/// Something changed. The member table has changed already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<I, R> {
    /// A member entered another state, or is new.
    Changed {
        /// Which.
        id: I,
        /// Its state before; `None` if it was unknown.
        was: Option<State>,
    },
    /// A member's record changed.
    Updated {
        /// Which.
        id: I,
    },
    /// A member that had failed or left was forgotten.
    Reaped {
        /// Which.
        id: I,
        /// Its last record.
        record: R,
    },
    /// This node was wrongly accused, or had been here before, and raised its incarnation.
    Refuted {
        /// To this.
        incarnation: Incarnation,
    },
    /// Try a full-state exchange with this failed member: it may be back, or on the other side of
    /// a partition that has healed.
    Reconnect {
        /// Which.
        id: I,
    },
    /// The goodbye has been told often enough, or for long enough: the node may stop.
    LeaveSpread,
}

/// A member was not evicted. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvictError {
    /// It is this node.
    #[error("a node cannot evict itself: let it leave")]
    Myself,
    /// There is no such member.
    #[error("there is no such member")]
    Unknown,
    /// It answers.
    #[error("the member is alive: let it leave, or stop it and wait until it has failed")]
    Alive,
}

/// Counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Probes of the round robin that were begun.
    pub probes_sent: u64,
    /// Of these, those that nobody answered.
    pub probes_failed: u64,
    /// Probes that got more time because this node was called late.
    pub probes_extended: u64,
    /// Probes out of turn, to check a suspicion or before declaring a failure.
    pub checks_sent: u64,
    /// Such probes not begun because too many ran.
    pub checks_shed: u64,
    /// Ping requests of others not served because too many ran.
    pub relays_shed: u64,
    /// Answers to no open question, or to one that was given up.
    pub answers_unexpected: u64,
    /// Pings meant for another member.
    pub pings_misdirected: u64,
    /// Members that became suspect in the view of this node.
    pub suspicions: u64,
    /// Of these, those that refuted.
    pub suspicions_refuted: u64,
    /// Members that this node itself declared failed.
    pub failures_declared: u64,
    /// Members held failed that came back with a higher incarnation.
    pub failures_refuted: u64,
    /// Accusations of this node that it refuted.
    pub refutations: u64,
    /// Statements of another record, or a future incarnation, of this node's id: an earlier run
    /// of this node, or a second node with the same id.
    pub id_conflicts: u64,
    /// New members not taken in because `members_max` was reached.
    pub members_refused: u64,
    /// Updates refused because of an impossible incarnation.
    pub updates_refused: u64,
    /// Queued updates replaced before they were sent as often as the limit allows.
    pub updates_replaced: u64,
    /// Gossip messages asked for, by ticks and as corrections.
    pub gossip_sent: u64,
    /// Corrections not sent because too many waited.
    pub corrections_shed: u64,
}
