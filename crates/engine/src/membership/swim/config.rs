//! The settings, each with its formula, unit and the source of its default.

use std::num::{NonZeroU8, NonZeroU32};
use std::time::Duration;

/// When a probe of the round robin counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeEnd {
    /// At the end of the protocol period (SWIM section 3.1, memberlist).
    AtPeriodEnd,
    /// When the indirect answers are overdue too, `2 × probe_timeout` after the ping, if that is
    /// earlier than the end of the period.
    WhenOverdue,
}

/// How long a suspect may refute before it is declared failed. All rules share the
/// interpolation of Lifeguard (arXiv 1707.00788, "LHA-Suspicion"): with `c`
/// accusers beside the first and `k` expected,
///
/// `timeout = max(min, max − (max − min) × ln(c + 1) / ln(k + 1))`, cut to whole milliseconds,
///
/// and `min` at once if `k` is 0. `n` counts this node and its alive and suspect peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspicionRule {
    /// What memberlist computes (its `util.go`, `suspicionTimeout`; `suspicion.go`,
    /// `remainingSuspicionTime`; `state.go`, `suspectNode`):
    ///
    /// `min = mult × max(1, log10(max(1, n))) × probe_interval` with the logarithm cut to three
    /// decimals, `max = max_mult × min`, `k = mult − 2`, or 0 if `n − 2 < mult − 2`.
    Log10 {
        /// memberlist `SuspicionMult`: LAN 4, WAN 6, Local 3.
        mult: NonZeroU8,
        /// memberlist `SuspicionMaxTimeoutMult`: 6.
        max_mult: NonZeroU8,
    },
    /// What the protocol needs, from what its parts take:
    ///
    /// `min = mult × (probe_timeout + gossip_interval × ceil(log2(n + 1)))`,
    /// `max = max_mult × min`, `k = min(confirmations, n − 2)`.
    ///
    /// The bracket is one way through the group: the accusation reaches the suspect by the pings
    /// of those who check it (at most one `probe_timeout`), and a rumour reaches `n` members in
    /// about `log2 n` gossip intervals even at an effective fanout of one. `mult` = 2 is
    /// there and back, accusation and refutation. `max` is how long a member that only one other
    /// accuses may stall and still be in time.
    Spread {
        /// Number of ways through the group.
        mult: NonZeroU8,
        /// `max / min`.
        max_mult: NonZeroU8,
        /// Accusers beside the first that shorten the timeout to `min`. Lifeguard: 3.
        confirmations: u8,
    },
}

/// As what a failed member of a peer's full state arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedInFullState {
    /// As suspect, accused by that peer, so that it may refute (memberlist `mergeState`).
    AsSuspect,
    /// As failed.
    AsFailed,
}

/// Why settings were refused. Nothing was changed; correct the named setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A duration that must not be zero is.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
    /// A duration is beyond 30 days, or a timeout beyond an hour.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// The answer to a ping may take longer than the protocol period.
    #[error("probe_timeout must be shorter than probe_interval")]
    TimeoutBeyondPeriod,
    /// A helper would tell of silence after the probe is over.
    #[error("nack_after must not be longer than probe_timeout")]
    NackTooLate,
    /// There is no room for this node and one peer.
    #[error("members_max must be at least 2")]
    MembersMax,
    /// No step is left between the first incarnation and the last.
    #[error("incarnation_max must be at least 2, incarnation_leap_max at least 1")]
    Incarnation,
}

/// The settings of one [`super::Swim`]. Members of one group may differ in all of them, except
/// where a field says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// Protocol period: every period, one member is probed. Scaled by `local_health + 1`.
    /// Native LAN 1 s (memberlist `ProbeInterval`), local 200 ms, WAN 5 s (memberlist WAN).
    pub probe_interval: Duration,
    /// How long a ping may go unanswered before other members are asked to try.
    /// Native LAN 500 ms (memberlist `ProbeTimeout`), local 100 ms (guess), WAN 2 s (guess;
    /// memberlist 3 s). Shorter than `probe_interval`.
    pub probe_timeout: Duration,
    /// Whether `probe_timeout` is scaled by `local_health + 1` too. Lifeguard scales both
    /// (LHA-Probe); memberlist scales only the period.
    pub scale_timeout: bool,
    /// When a probe of the round robin counts as failed.
    pub probe_end: ProbeEnd,
    /// How many members are asked to probe in our stead (`k`). 3 (memberlist `IndirectChecks`;
    /// SWIM's own testbed used 1).
    pub indirect_probes: u8,
    /// Whether such a helper is asked to say that it got no answer (Lifeguard, LHA-Probe).
    pub wants_nack: bool,
    /// How long a helper waits before it says so. Native `0.8 × probe_timeout` (Lifeguard,
    /// LHA-Probe), so that the nack is there before the probe ends; memberlist `probe_timeout`.
    pub nack_after: Duration,
    /// Local health lies in `0..health_max`. 8 (Lifeguard, S = 8; memberlist
    /// `AwarenessMaxMultiplier`).
    pub health_max: NonZeroU8,
    /// How long a suspect may refute.
    pub suspicion: SuspicionRule,
    /// Whether a new suspicion is checked at once by a few members: those of `k + 1` that
    /// rendezvous hashing over (suspect, alive members) names. Each pings the suspect, directly
    /// and through helpers at the same time, and after `probe_timeout` of silence adds its own
    /// accusation. So a dead member gets its `k` independent accusers within one `probe_timeout`,
    /// where waiting for their turns in the round robin takes about `n / k` periods; a live one
    /// hears of the accusation from several sides and refutes. memberlist: no.
    pub confirm_by_probe: bool,
    /// Whether a member pings a suspect once more, directly and through helpers, in the last
    /// `probe_timeout` before it declares it failed; an answer gives the suspect another `min`.
    /// Those that accuse it or are named to check it go first, the others one way through the
    /// group later, so that not all ping at once. It covers a refutation that was lost on its
    /// way to one member. memberlist: no.
    pub verify_before_failing: bool,
    /// An update is sent `retransmit_mult × ceil(log10(n + 1))` times by each member.
    /// 4 (memberlist `RetransmitMult`, its `util.go`, `retransmitLimit`); local 4.
    pub retransmit_mult: NonZeroU8,
    /// Shortest time between two gossip ticks. A tick is due only while there are updates; the
    /// first is due at once. Native LAN 50 ms (guess), local 20 ms, WAN 200 ms; memberlist 200 ms.
    pub gossip_interval: Duration,
    /// How many random members a tick goes to. 3 (memberlist `GossipNodes`), WAN 4.
    pub gossip_fanout: NonZeroU8,
    /// For how long ticks may go to failed members as well, so that one that lives hears of it.
    /// memberlist 30 s (`GossipToTheDeadTime`); native zero: its own pings are answered with it.
    pub gossip_to_failed_for: Duration,
    /// Whether the caller fills probes and answers with updates too (SWIM section 4.1), or only
    /// gossip. With `false` it adds [`super::Swim::buddy_update`] to pings and nothing else.
    pub piggyback_on_probes: bool,
    /// How often an unknown member learnt from a full state is passed on by the learner; `None`
    /// is the retransmit limit. Who hears it for the first time from gossip passes it on as often
    /// as any update, so real news still spreads, and a newcomer does not repeat the whole group
    /// to itself. Native 2 (guess), memberlist `None`.
    pub merged_transmissions: Option<NonZeroU32>,
    /// Whether a member whose statement about itself or about us is out of date is told so at
    /// once by one gossip message. Native yes; memberlist no.
    pub correct_stale: bool,
    /// As what a failed member of a full state arrives.
    pub failed_in_full_state: FailedInFullState,
    /// How long a failed member is remembered. 24 h (Serf `ReconnectTimeout`).
    pub failed_reap_after: Duration,
    /// How long a member that left is remembered. 24 h (Serf `TombstoneTimeout`).
    pub left_reap_after: Duration,
    /// How often, with probability `failed / live` (at most 1), one failed member is proposed for
    /// a full-state exchange: about one try per failed member and interval in the whole group.
    /// Native 10 s (guess), memberlist 30 s (Serf `ReconnectInterval`).
    pub reconnect_interval: Duration,
    /// How long a goodbye is spread at most. 5 s (Serf `LeavePropagateDelay` is 1 s, its
    /// `BroadcastTimeout` 5 s).
    pub leave_timeout: Duration,
    /// Most members known, this node included; more are refused and counted. 100,000 (guess).
    pub members_max: usize,
    /// Largest incarnation. Native `u64::MAX`, memberlist `u32::MAX`: what its wire carries.
    pub incarnation_max: u64,
    /// How far above the held incarnation (0 for an unknown member) a statement may be, unless it
    /// is the member's own. It keeps a false accusation with the largest incarnation from making
    /// refutation impossible: to use up 64 bits takes 2³² accepted accusations. 2³² (guess);
    /// memberlist 2³¹, two accusations, since its wire has only 32 bits.
    pub incarnation_leap_max: u64,
}

const fn nz8(value: u8) -> NonZeroU8 {
    NonZeroU8::new(value).expect("the constant is not zero")
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Params {
    /// For a group within one data centre.
    ///
    /// With n = 50 a killed member is failed everywhere after, in the median: 0.7 s until the
    /// first of 49 randomly phased members pings it (`ln 2` periods), 1 s until that probe has
    /// failed, `min` = 2 × (0.5 s + 0.05 s × 6) = 1.6 s of suspicion, which its confirmations
    /// (after 0.5 s) reach in time, and less than 0.1 s of spread: 3.4 s. A live member has 2.6 s
    /// from the unanswered ping to refute, and `max` = 9.6 s if only one member accuses it.
    pub fn lan() -> Self {
        Self {
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(500),
            scale_timeout: true,
            probe_end: ProbeEnd::WhenOverdue,
            indirect_probes: 3,
            wants_nack: true,
            nack_after: Duration::from_millis(400),
            health_max: nz8(8),
            suspicion: SuspicionRule::Spread { mult: nz8(2), max_mult: nz8(6), confirmations: 3 },
            confirm_by_probe: true,
            verify_before_failing: true,
            retransmit_mult: nz8(4),
            gossip_interval: Duration::from_millis(50),
            gossip_fanout: nz8(3),
            gossip_to_failed_for: Duration::ZERO,
            piggyback_on_probes: true,
            merged_transmissions: NonZeroU32::new(2),
            correct_stale: true,
            failed_in_full_state: FailedInFullState::AsSuspect,
            failed_reap_after: DAY,
            left_reap_after: DAY,
            reconnect_interval: Duration::from_secs(10),
            leave_timeout: Duration::from_secs(5),
            members_max: 100_000,
            incarnation_max: u64::MAX,
            incarnation_leap_max: 1 << 32,
        }
    }

    /// For members on one machine, and for demonstrations.
    ///
    /// As [`Params::lan`] with n = 50: 0.14 s + 0.2 s + `min` = 3 × (0.1 s + 0.02 s × 6) = 0.66 s
    /// make about 1 s. `mult` is 3: a busy machine stalls its processes for longer than
    /// messages take.
    pub fn local() -> Self {
        Self {
            probe_interval: Duration::from_millis(200),
            probe_timeout: Duration::from_millis(100),
            nack_after: Duration::from_millis(80),
            suspicion: SuspicionRule::Spread { mult: nz8(3), max_mult: nz8(6), confirmations: 3 },
            gossip_interval: Duration::from_millis(20),
            reconnect_interval: Duration::from_secs(2),
            leave_timeout: Duration::from_secs(1),
            ..Self::lan()
        }
    }

    /// For a group across the world. With n = 50: 3.5 s + 4 s + `min` = 2 × (2 s + 0.2 s × 6) =
    /// 6.4 s make about 14 s.
    pub fn wan() -> Self {
        Self {
            probe_interval: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(2),
            nack_after: Duration::from_millis(1600),
            gossip_interval: Duration::from_millis(200),
            gossip_fanout: nz8(4),
            reconnect_interval: Duration::from_secs(30),
            leave_timeout: Duration::from_secs(15),
            ..Self::lan()
        }
    }

    /// What memberlist runs with (its `config.go`, `DefaultLANConfig`; Serf's and Consul's LAN).
    pub fn memberlist_lan() -> Self {
        Self {
            scale_timeout: false,
            probe_end: ProbeEnd::AtPeriodEnd,
            nack_after: Duration::from_millis(500),
            suspicion: SuspicionRule::Log10 { mult: nz8(4), max_mult: nz8(6) },
            confirm_by_probe: false,
            verify_before_failing: false,
            gossip_interval: Duration::from_millis(200),
            gossip_to_failed_for: Duration::from_secs(30),
            piggyback_on_probes: false,
            merged_transmissions: None,
            correct_stale: false,
            reconnect_interval: Duration::from_secs(30),
            incarnation_max: u64::from(u32::MAX),
            incarnation_leap_max: 1 << 31,
            ..Self::lan()
        }
    }

    /// Checks the settings; [`super::Swim::new`] takes only those that pass.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn validate(&self) -> Result<(), ParamsError> {
        let short = [
            ("probe_interval", self.probe_interval),
            ("probe_timeout", self.probe_timeout),
            ("nack_after", self.nack_after),
            ("gossip_interval", self.gossip_interval),
            ("reconnect_interval", self.reconnect_interval),
            ("leave_timeout", self.leave_timeout),
        ];
        for (name, duration) in short {
            if duration.is_zero() {
                return Err(ParamsError::Zero(name));
            }
            if duration > Duration::from_secs(3600) {
                return Err(ParamsError::TooLong(name));
            }
        }
        let long = [
            ("failed_reap_after", self.failed_reap_after),
            ("left_reap_after", self.left_reap_after),
            ("gossip_to_failed_for", self.gossip_to_failed_for),
        ];
        if let Some((name, _)) = long.iter().find(|(_, duration)| *duration > 30 * DAY) {
            return Err(ParamsError::TooLong(name));
        }
        if self.failed_reap_after.is_zero() {
            return Err(ParamsError::Zero("failed_reap_after"));
        }
        if self.probe_timeout >= self.probe_interval {
            return Err(ParamsError::TimeoutBeyondPeriod);
        }
        if self.nack_after > self.probe_timeout {
            return Err(ParamsError::NackTooLate);
        }
        if self.members_max < 2 {
            return Err(ParamsError::MembersMax);
        }
        if self.incarnation_max < 2 || self.incarnation_leap_max == 0 {
            return Err(ParamsError::Incarnation);
        }
        Ok(())
    }
}
