//! SWIM with Lifeguard: who is alive.
//!
//! # Intuition
//!
//! Every protocol period each member pings one other, chosen by a shuffled round robin. If no
//! answer comes, it asks a few members to ping in its stead, since the fault may lie on its own
//! path. If they get no answer either, the member is *suspected*: that is told to the group, and
//! the suspect may refute by raising its incarnation. If it does not in time, it is *failed*.
//! Such updates travel in the room that pings and answers leave, and in gossip messages that are
//! sent only while there is something to tell. So each member's load is constant however large
//! the group is, and an idle group sends its pings and acks and nothing else.
//!
//! Lifeguard adds doubt about oneself: a member that gets no answers, runs late or must refute
//! slows down (local health), a suspicion needs more time the fewer members share it (dynamic
//! timeout), and whoever talks to a suspect tells it first (buddy system).
//!
//! Two additions of this implementation, both parameters: a new suspicion is checked at once by
//! a few members that rendezvous hashing names ([`Params::confirm_by_probe`]), and a suspect is
//! pinged once more before it is declared failed ([`Params::verify_before_failing`]). And a
//! member whose statement is out of date is told so ([`Params::correct_stale`]).
//!
//! # States
//!
//! ```text
//!              accused, same or higher incarnation
//!   unknown      +------------------------------+
//!      |         |                              v
//!      +----> alive                          suspect ----+
//!   alive      ^ ^ ^---- alive, higher inc. ----+        | timeout, or declared
//!              | |                              |        | by another member
//!              | +------ alive, higher inc. -- failed <--+
//!              |                                |
//!              +-------- alive, higher inc. -- left <---- goodbye, from any state
//!              (accused with a higher incarnation, failed and left become suspect)
//!                                               |
//!                    forgotten (reaped) <-------+---- failed or left, for long enough
//! ```
//!
//! Statements are ordered by (incarnation, state in the order alive, suspect, failed, left); a
//! lower one never changes the table, so the order of arrival does not matter.
//!
//! # Sources
//!
//! Das, Gupta, Motivala: "SWIM", DSN 2002 (section 3.1 failure detector, 4.1 piggyback, 4.2
//! suspicion, 4.3 round robin). Dadgar, Phillips, Currey: "Lifeguard", arXiv 1707.00788
//! (LHA-Probe, LHA-Suspicion, Buddy System). hashicorp/memberlist: `state.go` (probe, state
//! rules), `suspicion.go`, `awareness.go`, `util.go` (formulas), `queue.go`, `config.go`
//! (defaults).
//!
//! # What it does not do
//!
//! It knows no bytes and no addresses: a record is opaque. It does not exchange full states (the
//! caller does, with [`Swim::full_state`] and [`Swim::merge`]), has no consensus on the group,
//! and does not authenticate: every sender is believed about others, within
//! [`Params::incarnation_leap_max`]. A full state names failed and left members without their
//! records, so a newcomer does not learn of members that failed before it came. Two nodes with
//! one id refute each other at most once per protocol period; [`Stats::id_conflicts`] grows.

mod answers;
mod changes;
mod config;
mod dissemination;
mod event;
mod formula;
mod gossip;
mod local_health;
mod member;
pub mod message;
mod order;
mod own;
mod probe;
mod suspicion;
#[cfg(test)]
mod tests;
mod updates;

pub use config::{FailedInFullState, Params, ParamsError, ProbeEnd, SuspicionRule};
pub use event::{Event, EvictError, Stats};
pub use member::{Member, State, Why};

use crate::{Deadlines, Instant, MemberId, Outbox, Rng};
use answers::Relay;
use dissemination::Queue;
use local_health::LocalHealth;
use order::ProbeOrder;
use probe::Probe;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use suspicion::Suspicion;

/// Which of a member's lives a statement is about; only the member itself raises it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

/// Ties an answer to its question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u32);

/// Where a [`Swim`] puts its sends and events.
pub type Out<I, R> = Outbox<message::Send<I>, Event<I, R>>;

/// What the machine waits for. At one moment, the answers come before the questions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer<I> {
    /// Ask helpers.
    Indirect(Seq),
    /// Give a probe up.
    ProbeEnd(Seq),
    /// Tell the asker of silence.
    Nack(Seq),
    /// Forget a ping made for another member.
    RelayEnd(Seq),
    /// A suspect's time is over, or a last ping is due.
    Suspicion(I),
    /// The next probe of the round robin.
    Period,
    /// The next gossip tick.
    Gossip,
    /// Perhaps propose a failed member for a full-state exchange.
    Reconnect,
    /// Forget a member.
    Reap(I),
    /// The goodbye is over.
    Leave,
}

/// One member's view of the group, as a state machine.
///
/// The caller hands in messages ([`Swim::handle_message`]), the updates found beside them
/// ([`Swim::handle_update`]) and full states ([`Swim::merge`]), drains the [`Out`], fills each
/// send with updates ([`Swim::fill_updates`]), and calls [`Swim::handle_timeout`] once
/// [`Swim::next_timeout`] is reached. A [`message::Message::Gossip`] that gets no update need
/// not be sent.
#[derive(Clone, Debug)]
pub struct Swim<I, R> {
    params: Params,
    me: I,
    rng: Rng,
    members: BTreeMap<I, Member<I, R>>,
    counts: [usize; 4],
    live: Vec<I>,
    order: ProbeOrder<I>,
    queue: Queue<I, R>,
    probes: BTreeMap<Seq, Probe<I>>,
    relays: BTreeMap<Seq, Relay<I>>,
    suspicions: BTreeMap<I, Suspicion<I>>,
    owed_own: BTreeSet<I>,
    owed_theirs: BTreeSet<I>,
    timers: Deadlines<Timer<I>>,
    health: LocalHealth,
    next_seq: u32,
    last_gossip: Option<Instant>,
    last_conflict: Option<Instant>,
    stats: Stats,
}

impl<I: MemberId, R: Clone + Eq + fmt::Debug> Swim<I, R> {
    /// The first incarnation of a node, as in memberlist.
    const FIRST: Incarnation = Incarnation(1);

    /// A group of one. The first protocol period starts at a random phase.
    ///
    /// # Panics
    /// If `params` do not pass [`Params::validate`].
    pub fn new(params: Params, me: I, record: R, mut rng: Rng, now: Instant) -> Self {
        params.validate().expect("the caller has validated the settings");
        let member = Member {
            id: me.clone(),
            record: record.clone(),
            state: State::Alive,
            incarnation: Self::FIRST,
            why: Why::Founder,
            since: now,
            rtt: None,
            last_ack: None,
        };
        let mut timers = Deadlines::default();
        timers.set(Timer::Period, now + rng.duration_below(params.probe_interval));
        let next_seq = u32::try_from(rng.below(1 << 32)).expect("below 2³²");
        let mut queue = Queue::new();
        let id = me.clone();
        queue.push(message::Update::Alive { id, incarnation: Self::FIRST, record }, 0);
        Self {
            health: LocalHealth::new(params.health_max, params.probe_interval),
            members: BTreeMap::from([(me.clone(), member)]),
            counts: [1, 0, 0, 0],
            live: Vec::new(),
            order: ProbeOrder::new(),
            queue,
            probes: BTreeMap::new(),
            relays: BTreeMap::new(),
            suspicions: BTreeMap::new(),
            owed_own: BTreeSet::new(),
            owed_theirs: BTreeSet::new(),
            timers,
            next_seq,
            last_gossip: None,
            last_conflict: None,
            stats: Stats::default(),
            params,
            me,
            rng,
        }
    }

    /// Does what is due. Late calls cost speed only: missed periods are skipped, and a probe or a
    /// suspicion that is over by more than a `probe_timeout` gets that long once more, since its
    /// answer may wait where this node has not looked yet.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Out<I, R>) {
        while let Some((due, timer)) = self.timers.pop_due(now) {
            match timer {
                Timer::Indirect(seq) => self.on_indirect(now, due, seq, out),
                Timer::ProbeEnd(seq) => self.on_probe_end(now, due, seq, out),
                Timer::Nack(seq) => self.on_nack_due(seq, out),
                Timer::RelayEnd(seq) => drop(self.relays.remove(&seq)),
                Timer::Suspicion(id) => self.on_suspicion(now, due, &id, out),
                Timer::Period => self.on_period(now, due, out),
                Timer::Gossip => self.on_gossip(now, out),
                Timer::Reconnect => self.on_reconnect(now, out),
                Timer::Reap(id) => self.on_reap(id, out),
                Timer::Leave => out.event(Event::LeaveSpread),
            }
        }
    }

    /// When to call [`Swim::handle_timeout`].
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Tells that the driver ran `lag` later than it meant to. Each whole half `probe_timeout` is
    /// one point of local health; within one `probe_interval` only the largest lag counts.
    pub fn note_lag(&mut self, now: Instant, lag: Duration) {
        self.health.note_lag(now, lag, self.params.probe_timeout / 2);
    }

    /// How far this node distrusts itself: 0 is healthy, at most `health_max − 1`.
    pub fn local_health(&self) -> u8 {
        self.health.score()
    }

    /// This node's id.
    pub fn me(&self) -> &I {
        &self.me
    }

    /// This node's incarnation.
    pub fn incarnation(&self) -> Incarnation {
        self.own().incarnation
    }

    /// The settings.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// One member, this node included.
    pub fn get(&self, id: &I) -> Option<&Member<I, R>> {
        self.members.get(id)
    }

    /// All known members, this node included, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = &Member<I, R>> {
        self.members.values()
    }

    /// The known members whose ids are not below `first`, in the order of their ids.
    pub fn members_from(&self, first: &I) -> impl Iterator<Item = &Member<I, R>> + use<'_, I, R> {
        self.members.range(first..).map(|(_, member)| member)
    }

    /// The alive and suspect members without this node, in the order of their ids.
    pub fn live_peers(&self) -> &[I] {
        &self.live
    }

    /// How many members are alive, suspect, failed and left, this node included.
    pub fn counts(&self) -> [usize; 4] {
        self.counts
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn own(&self) -> &Member<I, R> {
        self.members.get(&self.me).expect("this node is never removed from its table")
    }

    fn is_leaving(&self) -> bool {
        self.own().state == State::Left
    }

    /// The `n` of all formulas: this node and its live peers.
    fn group_size(&self) -> usize {
        self.live.len() + 1
    }

    fn probe_timeout(&self) -> Duration {
        if self.params.scale_timeout {
            self.health.scale(self.params.probe_timeout)
        } else {
            self.params.probe_timeout
        }
    }

    /// Whether `due` has passed for so long that an answer may wait unread.
    fn is_late(&self, now: Instant, due: Instant) -> bool {
        now.since(due) > self.params.probe_timeout
    }
}
