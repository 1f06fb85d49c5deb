//! How a rumor is to be spread.

use std::num::NonZeroU8;
use std::time::Duration;

/// By what exchange an item reaches the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// The engine picks: [`Style::Direct`] up to [`DIRECT_MEMBERS_MAX`] members, else
    /// [`Style::Push`].
    #[default]
    Auto,
    /// Direct mail: the origin sends to every member; one hop, n − 1 messages.
    Direct,
    /// Eager push: whoever receives an item first passes it on to random members.
    Push,
    /// Lazy push: ids are announced, and those who lack the item fetch it.
    LazyPush,
    /// Members ask each other, at a period, for what is new.
    Pull,
    /// Push on arrival, and pull at a period.
    PushPull,
}

/// Up to how many members (this node counted) `auto` means direct mail: at 64 members the origin
/// sends 63 datagrams, about a quarter of a millisecond of one core at 3.7 µs each.
pub const DIRECT_MEMBERS_MAX: usize = 64;

/// What [`Style::Auto`] means in a group of `members` (this node counted); any other style is
/// itself. The origin stamps the item with the result, so that all nodes treat it alike.
pub fn resolve(style: Style, members: usize) -> Style {
    match style {
        Style::Auto if members <= DIRECT_MEMBERS_MAX => Style::Direct,
        Style::Auto => Style::Push,
        Style::Direct | Style::Push | Style::LazyPush | Style::Pull | Style::PushPull => style,
    }
}

/// When a node stops passing an item on.
///
/// Source: Demers et al., "Epidemic algorithms for replicated database maintenance", 1987,
/// section 1.4 (blind or feedback, counter or coin). What counts as a contact depends on the
/// style; the module's documentation has the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopRule {
    /// Each copy may be passed on this many hops; a node passes it on once (infect and die). In
    /// pull and push-pull, where a node waits to be asked, only the hops and the time are bounded.
    Rounds(NonZeroU8),
    /// After `k` contacts: any contacts (blind), or contacts that knew the item (feedback). A
    /// useful contact resets the feedback counter to zero.
    Counter {
        /// How many contacts end it.
        k: NonZeroU8,
        /// Whether only contacts that knew the item count.
        feedback: bool,
    },
    /// With probability 1/k at each contact: any (blind), or one that knew the item (feedback).
    Coin {
        /// The reciprocal of the probability.
        k: NonZeroU8,
        /// Whether only contacts that knew the item count.
        feedback: bool,
    },
}

/// The parameters under which one item spreads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The exchange.
    pub style: Style,
    /// To how many random members a node sends at a time. Default: 4 (guess, between Serf's
    /// gossip to 3 and the ln n + c ≈ 5 to 8 that makes push alone reach all of 1,000).
    pub fanout_count: NonZeroU8,
    /// When passing on ends.
    pub stop: StopRule,
    /// Time between two contacts about the same item, and between two pulls. Default: 100 ms
    /// (guess).
    pub period: Duration,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            style: Style::Auto,
            fanout_count: NonZeroU8::new(4).expect("four is not zero"),
            stop: StopRule::Rounds(NonZeroU8::new(8).expect("eight is not zero")),
            period: Duration::from_millis(100),
        }
    }
}
