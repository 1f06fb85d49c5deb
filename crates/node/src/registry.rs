//! The registry: shared records that outlive any one node, as a compacted internal topic.
//!
//! A record is an item at the path [`PATH`] whose header names its key. Of one key the newest
//! (hybrid time, origin) wins on every node; the item that lost is dropped, and counts as seen.
//! So records spread and are repaired exactly as items are.

use crate::NativeNode;
use crate::items::{INTERNAL_QUESTIONS_KEPT, is_internal};
use crate::node::Run;
use bruit_engine::Instant;
use bruit_model::{
    Ask, CommandError, Event, Header, HybridTime, Item, ItemId, NodeId, Now, Path, Pattern,
    Publish, Record, Records, Retention, TopicParams, meta,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The path of all records.
pub(crate) const PATH: &str = "$registry";
const KEY_HEADER: &str = ":key";
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 16 << 10;
const RECORDS_MAX: usize = 8192;
const TOMBSTONES_KEPT: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
struct Winner {
    item: ItemId,
    time: HybridTime,
    value: Option<Bytes>,
    since: Instant,
}

impl Winner {
    fn rank(&self) -> (HybridTime, NodeId, u64) {
        (self.time, self.item.origin, self.item.seq)
    }
}

/// The winning records, and the topics that follow from them.
#[derive(Debug)]
pub(crate) struct Registry {
    winners: BTreeMap<Arc<str>, Winner>,
    /// Most specific first; the root is last.
    topics: Vec<TopicParams>,
    /// Of questions of Bruit's own, whatever the others say.
    questions: TopicParams,
    pub(crate) refused_count: u64,
}

impl Default for Registry {
    fn default() -> Self {
        let topics = vec![TopicParams::new(Pattern::root())];
        Self { winners: BTreeMap::new(), topics, questions: questions_topic(), refused_count: 0 }
    }
}

/// Questions of Bruit's own are wanted for as long as they can be answered.
fn questions_topic() -> TopicParams {
    let pattern = Pattern::parse(&format!("{}/**", Ask::PATH)).expect("a valid pattern");
    let (items_max, bytes_max) = (1024, 4 << 20);
    let retention = Retention { items_max, bytes_max, age_max: INTERNAL_QUESTIONS_KEPT };
    TopicParams { retention, ..TopicParams::new(pattern) }
}

/// What became of a record's item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It wins; the item that it supersedes is to be dropped.
    Wins { key: Arc<str>, value: Option<Bytes>, superseded: Option<ItemId> },
    /// It does not; it is to be dropped.
    Loses,
}

impl Registry {
    /// Takes in a record's item.
    pub(crate) fn take(&mut self, now: Instant, item: &Item) -> Taken {
        let Some(key) = item.header_text(KEY_HEADER).filter(|key| is_valid_key(key)) else {
            self.refused_count += 1;
            return Taken::Loses;
        };
        let key: Arc<str> = key.into();
        let removes = item.header(meta::TOMBSTONE).is_some();
        let value = (!removes).then(|| item.payload.clone());
        let new = Winner { item: item.id, time: item.time, value: value.clone(), since: now };
        let old = self.winners.get(&key);
        if old.is_some_and(|old| old.rank() >= new.rank()) {
            return Taken::Loses;
        }
        let is_full = old.is_none() && self.winners.len() >= RECORDS_MAX;
        if is_full || item.payload.len() > VALUE_BYTES_MAX {
            self.refused_count += 1;
            return Taken::Loses;
        }
        let superseded = self.winners.insert(key.clone(), new).map(|old| old.item);
        if key.starts_with(TopicParams::RECORD_PREFIX) {
            self.rebuild_topics();
        }
        Taken::Wins { key, value, superseded }
    }

    fn rebuild_topics(&mut self) {
        let mut topics: Vec<TopicParams> = Vec::new();
        for (key, winner) in &self.winners {
            let (Some(pattern), Some(value)) =
                (key.strip_prefix(TopicParams::RECORD_PREFIX), &winner.value)
            else {
                continue;
            };
            let topic = Pattern::parse(pattern)
                .ok()
                .and_then(|pattern| TopicParams::from_record(pattern, value).ok());
            match topic {
                Some(topic) if topics.len() < TopicParams::COUNT_MAX => topics.push(topic),
                Some(_) | None => self.refused_count += 1,
            }
        }
        if !topics.iter().any(|topic| topic.pattern == Pattern::root()) {
            topics.push(TopicParams::new(Pattern::root()));
        }
        topics.sort_by_key(|topic| std::cmp::Reverse(topic.pattern.specificity()));
        self.topics = topics;
    }

    /// The topic that `path` belongs to.
    pub(crate) fn topic_of(&self, path: &Path) -> &TopicParams {
        if is_internal(path) {
            return &self.questions;
        }
        let found = self.topics.iter().find(|topic| topic.pattern.matches(path));
        found.unwrap_or_else(|| self.topics.last().expect("the root topic is always there"))
    }

    /// The topic with exactly this pattern.
    pub(crate) fn topic_called(&self, pattern: &Pattern) -> Option<&TopicParams> {
        self.topics.iter().find(|topic| topic.pattern == *pattern)
    }

    /// The runs that winning records are from.
    pub(crate) fn runs(&self) -> BTreeSet<Run> {
        self.winners.values().map(|winner| Run::of(&winner.item)).collect()
    }

    pub(crate) fn all_topics(&self) -> &[TopicParams] {
        &self.topics
    }

    /// Forgets tombstones that have been kept long enough; their items are to be dropped.
    pub(crate) fn purge(&mut self, now: Instant) -> Vec<ItemId> {
        let mut dropped = Vec::new();
        self.winners.retain(|_, winner| {
            let keep = winner.value.is_some() || now.since(winner.since) < TOMBSTONES_KEPT;
            if !keep {
                dropped.push(winner.item);
            }
            keep
        });
        dropped
    }
}

fn is_valid_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= KEY_BYTES_MAX && !key.chars().any(char::is_control)
}

impl Records for Registry {
    fn iter(&self) -> Box<dyn Iterator<Item = Record> + '_> {
        Box::new(self.winners.iter().filter(|(_, winner)| winner.value.is_some()).map(
            |(key, winner)| Record {
                key: key.clone(),
                value: winner.value.clone(),
                time: winner.time,
            },
        ))
    }

    fn topics(&self) -> Vec<TopicParams> {
        self.topics.clone()
    }
}

impl NativeNode {
    pub(crate) fn put_record(
        &mut self,
        now: Now,
        key: &str,
        value: Option<Bytes>,
    ) -> Result<(), CommandError> {
        if !is_valid_key(key) {
            let text = "a record's key has 1 to 256 bytes and no control characters";
            return Err(CommandError::Invalid(text.into()));
        }
        let given = value.as_ref().map_or(0, Bytes::len);
        if given > VALUE_BYTES_MAX {
            let (what, limit) = ("the record's value", VALUE_BYTES_MAX);
            return Err(CommandError::TooLarge { what, given, limit });
        }
        if let Some(pattern) = key.strip_prefix(TopicParams::RECORD_PREFIX) {
            self.check_topic(pattern, value.as_ref())?;
        }
        let header = |name: &str, value: Bytes| Header { name: name.into(), value };
        let mut headers = vec![header(KEY_HEADER, Bytes::copy_from_slice(key.as_bytes()))];
        if value.is_none() {
            headers.push(header(meta::TOMBSTONE, Bytes::new()));
        }
        let path = Path::parse(PATH).expect("a valid path");
        let payload = value.unwrap_or_default();
        let (topic, style, expiry, ask) = (None, None, None, None);
        let publish = Publish { path, topic, headers, payload, style, expiry, ask };
        self.publish_anywhere(now, publish).map(|_| ())
    }

    fn check_topic(&self, pattern: &str, value: Option<&Bytes>) -> Result<(), CommandError> {
        let invalid = |error: &dyn std::fmt::Display| CommandError::Invalid(error.to_string());
        let pattern = Pattern::parse(pattern).map_err(|error| invalid(&error))?;
        if let Some(value) = value {
            TopicParams::from_record(pattern.clone(), value).map_err(|error| invalid(&error))?;
        }
        let count = self.registry.topics.len();
        if self.registry.topic_called(&pattern).is_none() && count >= TopicParams::COUNT_MAX {
            let (what, limit) = ("the number of topics", TopicParams::COUNT_MAX);
            return Err(CommandError::TooLarge { what, given: count + 1, limit });
        }
        Ok(())
    }

    /// Takes a record's item in, and drops what it supersedes. True if it is to be held.
    pub(crate) fn take_record(&mut self, now: Now, item: &Item) -> bool {
        match self.registry.take(now.mono, item) {
            Taken::Wins { key, value, superseded } => {
                if let Some(id) = superseded {
                    self.store.remove(&id);
                }
                self.update_pulling(now);
                self.event(Event::RecordChanged { key, value });
                true
            }
            Taken::Loses => false,
        }
    }
}
