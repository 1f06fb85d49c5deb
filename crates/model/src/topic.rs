//! Topics: patterns with parameters.

use crate::{HybridTime, Pattern, Spread};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// How long items are kept for those who missed them. The first bound that is reached sheds the
/// oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// At most this many items. Default 10,000 (guess).
    pub items_max: u32,
    /// At most this many bytes, as [`crate::Item::held_bytes`] counts. Default 16 MiB (guess).
    pub bytes_max: u64,
    /// At most this long. Default 10 minutes (guess).
    pub age_max: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { items_max: 10_000, bytes_max: 16 << 20, age_max: Duration::from_secs(600) }
    }
}

/// In which order a consumer gets a topic's items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they come.
    #[default]
    None,
    /// Those of one origin in the order in which it accepted them.
    Fifo,
}

/// A gossip activity's parameters. An item belongs to the most specific topic whose pattern
/// selects its path, else to the root topic `**`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicParams {
    /// Which paths.
    pub pattern: Pattern,
    /// How its items spread.
    pub spread: Spread,
    /// Whether anti-entropy brings what the style missed.
    pub repair: bool,
    /// How long its items are kept.
    pub retention: Retention,
    /// In which order they are delivered.
    pub order: Order,
    /// When an item is of no more use, after its acceptance.
    pub expiry: Option<Duration>,
}

impl TopicParams {
    /// The most topics a group has.
    pub const COUNT_MAX: usize = 1024;

    /// Default parameters for `pattern`.
    pub fn new(pattern: Pattern) -> Self {
        Self {
            pattern,
            spread: Spread::default(),
            repair: true,
            retention: Retention::default(),
            order: Order::None,
            expiry: None,
        }
    }
}

/// One record of the registry: what must outlive any one node. The newest (time, origin) of a
/// key wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name, such as `topic/cache/**`.
    pub key: Arc<str>,
    /// Its value; `None` is a tombstone, kept for 24 hours.
    pub value: Option<Bytes>,
    /// When it was written.
    pub time: HybridTime,
}
