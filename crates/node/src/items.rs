//! Items: accepted here or received, held, and spread by `rumor`.

use crate::NativeNode;
use crate::incoming::Route;
use crate::node::Run;
use crate::registry;
use bruit_engine::spread::retention::Bounds;
use bruit_engine::spread::rumor::message::Message;
use bruit_engine::spread::rumor::{self, Arrival};
use bruit_engine::{FullView, Instant};
use bruit_model::{
    Ask, CommandError, Event, Header, HybridTime, Item, ItemId, Items, NodeId, Now, Path, Publish,
    Spread, StopRule, Style, TopicParams, meta,
};
use bruit_wire::Frame;
use bytes::Bytes;
use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

/// How much longer than the longest retention a run is quiet before it is left out of summaries:
/// clocks that differ, and items on their way.
const DORMANT_MARGIN: Duration = Duration::from_secs(60);
/// From this payload on, `auto` is push: direct mail would hold a copy for every member at once.
const DIRECT_BYTES_MAX: usize = 16 << 10;
/// For how long after its time a question of Bruit's own is kept. Clocks differ by less (guess).
pub(crate) const INTERNAL_QUESTIONS_KEPT: Duration = Duration::from_secs(60);
/// How much longer than its time a node holds one: it may carry a secret.
const INTERNAL_QUESTION_MARGIN: Duration = Duration::from_secs(5);
/// How long a dormant run is remembered, so that its items do not come back.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);

impl NativeNode {
    /// Accepts an item from the application.
    pub(crate) fn publish(&mut self, now: Now, publish: Publish) -> Result<ItemId, CommandError> {
        if publish.path.as_str().split('/').next() == Some(registry::PATH) {
            let text = format!("paths under {} are Bruit's own", registry::PATH);
            return Err(CommandError::Invalid(text));
        }
        check_question(&publish)?;
        self.publish_anywhere(now, publish)
    }

    pub(crate) fn publish_anywhere(
        &mut self,
        now: Now,
        publish: Publish,
    ) -> Result<ItemId, CommandError> {
        check_limits(&publish)?;
        if self.leaving {
            return Err(CommandError::Leaving);
        }
        if publish.ask.is_some() && !self.asks.may_ask() {
            return Err(CommandError::Busy("the table of questions"));
        }
        let topic = match &publish.topic {
            None => self.registry.topic_of(&publish.path).clone(),
            Some(pattern) => self.registry.topic_called(pattern).cloned().ok_or_else(|| {
                CommandError::Invalid(format!("there is no topic {pattern}; see /v1/topics"))
            })?,
        };
        let item = self.stamp(now, publish, &topic);
        let fanout_count = NonZeroU8::new(item.fanout_count).unwrap_or(topic.spread.fanout_count);
        let spread = Spread { style: item.style, fanout_count, ..topic.spread };
        let id = item.id;
        self.counters.items_published += 1;
        self.take_in(now, Arc::new(item), None, false);
        let peers = self.swim.live_peers();
        self.rumor.publish(now.mono, id, spread, &mut FullView(peers), &mut self.rumor_out);
        Ok(id)
    }

    fn stamp(&mut self, now: Now, publish: Publish, topic: &TopicParams) -> Item {
        let id = ItemId { origin: self.id, start: self.start, seq: self.next_seq };
        self.next_seq += 1;
        let internal = publish.ask.filter(|_| is_internal(&publish.path));
        let expiry = internal.map(|ask| ask.timeout + INTERNAL_QUESTIONS_KEPT);
        let expiry = publish.expiry.or(expiry).or(topic.expiry);
        let mut headers = publish.headers;
        if let Some(ask) = publish.ask {
            headers.push(Header { name: meta::ASK.into(), value: ask.to_header().into() });
        }
        let unix_millis = now.unix.as_millis();
        let members = self.swim.live_peers().len() + 1;
        let style = publish.style.unwrap_or(topic.spread.style);
        let style = self.resolve(style, publish.payload.len(), members);
        let chosen = topic.spread.fanout_count.get();
        let fanout_count =
            if style == Style::Push { chosen.max(log2_ceil(members)) } else { chosen };
        let rounds_left = match topic.spread.stop {
            StopRule::Rounds(rounds) => rounds.get(),
            StopRule::Counter { .. } | StopRule::Coin { .. } => u8::MAX,
        };
        Item {
            id,
            previous_in_topic: self.upkeep.note_published(&topic.pattern, id.seq),
            time: HybridTime(self.clock.tick(unix_millis)),
            expires_unix_millis: expiry.map(|expiry| unix_millis.saturating_add(millis(expiry))),
            style,
            repair: topic.repair,
            fanout_count,
            rounds_left,
            hops: 0,
            headers,
            payload: publish.payload,
            path: publish.path,
            signature: None,
        }
    }

    fn resolve(&self, style: Style, payload_bytes: usize, members: usize) -> Style {
        let resolved = rumor::resolve(style, members);
        let is_large = payload_bytes > DIRECT_BYTES_MAX;
        if style == Style::Auto && resolved == Style::Direct && is_large {
            return Style::Push;
        }
        resolved
    }

    pub(crate) fn on_item(
        &mut self,
        now: Now,
        from: NodeId,
        mut item: Arc<Item>,
        wants_feedback: bool,
        repair: bool,
    ) {
        let hops = item.hops.saturating_add(1);
        Arc::make_mut(&mut item).hops = hops;
        let known = self.seen.contains(&Run::of(&item.id), item.id.seq);
        let (key, rounds_left) = (item.id, item.rounds_left);
        let spread = self.spread_of(&item);
        if known {
            self.counters.items_duplicate += 1;
            self.store.note_copy(&key);
        } else {
            self.counters.items_received += 1;
            self.counters.items_repaired += u64::from(repair);
            // A clock too far ahead is not followed; the engine counts it.
            let _ = self.clock.witness(now.unix.as_millis(), item.time.0);
            self.take_in(now, item, Some(from), repair);
        }
        if repair {
            self.rumor.forget(&key);
            return;
        }
        let arrival = Arrival { from: &from, key, spread, rounds_left, wants_feedback, known };
        let mut peers = FullView(self.swim.live_peers());
        self.rumor.on_item(now.mono, arrival, &mut peers, &mut self.rumor_out);
    }

    /// Style, fanout and rounds travel with the item; the rest is the topic's, as known here.
    fn spread_of(&self, item: &Item) -> Spread {
        let topic = self.registry.topic_of(&item.path).spread;
        let stop = match topic.stop {
            StopRule::Rounds(_) => StopRule::Rounds(NonZeroU8::MAX),
            other @ (StopRule::Counter { .. } | StopRule::Coin { .. }) => other,
        };
        let fanout_count = NonZeroU8::new(item.fanout_count).unwrap_or(topic.fanout_count);
        Spread { style: item.style, fanout_count, stop, period: topic.period }
    }

    /// Sees, holds and reports an item that is new here.
    fn take_in(&mut self, now: Now, item: Arc<Item>, from: Option<NodeId>, repaired: bool) {
        let run = Run::of(&item.id);
        self.seen.insert(&run, item.id.seq);
        self.upkeep.note_item(run, item.time.unix_millis().min(now.unix.as_millis()));
        if matches!(item.style, Style::Pull | Style::PushPull) {
            self.upkeep.note_pulled(now.mono);
            self.update_pulling(now);
        }
        let expires = item.expires_unix_millis;
        if expires.is_some_and(|expires| expires <= now.unix.as_millis()) {
            self.counters.items_expired += 1;
            return;
        }
        if item.path.as_str() == registry::PATH {
            if self.take_record(now, &item) {
                self.store.insert(now.mono, item, None);
            }
            return;
        }
        self.note_question(now, &item, from);
        self.store.note_first(now.unix, &item, from, repaired);
        self.retain(now, &item);
        if let Some(ask) = item.ask().filter(|_| is_internal(&item.path)) {
            self.store.drop_at(item.id, now.mono + ask.timeout + INTERNAL_QUESTION_MARGIN);
        }
        self.event(Event::Item { item, from, repaired });
    }

    /// Holds an item as long as its topic says.
    fn retain(&mut self, now: Now, item: &Arc<Item>) {
        let topic = self.registry.topic_of(&item.path);
        let bounds = Bounds {
            items_max: topic.retention.items_max,
            bytes_max: topic.retention.bytes_max,
            age_max: topic.retention.age_max,
        };
        let pattern = topic.pattern.clone();
        let shed = self.store.insert(now.mono, Arc::clone(item), Some((&pattern, &bounds)));
        for id in shed {
            self.rumor.forget(&id);
        }
    }

    /// Holds an item that an earlier run of this node accepted, for those who miss it. What is too
    /// old stays away: others may have forgotten that they have seen it.
    pub(crate) fn hold_again(&mut self, now: Now, item: &Arc<Item>) {
        let (run, accepted) = (Run::of(&item.id), item.time.unix_millis());
        let unix_millis = now.unix.as_millis();
        // A clock that was set back since is not followed into the future it had.
        let _ = self.clock.witness(unix_millis, item.time.0);
        self.seen.insert(&run, item.id.seq);
        self.upkeep.note_item(run, accepted.min(unix_millis));
        let age_max = millis(self.registry.topic_of(&item.path).retention.age_max);
        let is_old = unix_millis.saturating_sub(accepted) > age_max;
        if is_old || item.expires_unix_millis.is_some_and(|expires| expires <= unix_millis) {
            return;
        }
        self.store.note_first(now.unix, item, None, false);
        self.retain(now, item);
    }

    /// Members poll for news while a topic asks for it.
    pub(crate) fn update_pulling(&mut self, now: Now) {
        let topics = self.registry.all_topics();
        let pulls =
            topics.iter().filter(|t| matches!(t.spread.style, Style::Pull | Style::PushPull));
        let period = pulls.map(|topic| topic.spread.period).min();
        let recently = self.upkeep.is_pulling(now.mono).then_some(Spread::default().period);
        self.rumor.set_pulling(now.mono, period.or(recently));
    }

    pub(crate) fn on_rumor(&mut self, now: Now, from: NodeId, message: Message<ItemId>) {
        let (rumor, out, seen, store) =
            (&mut self.rumor, &mut self.rumor_out, &self.seen, &self.store);
        match message {
            Message::Announce { keys } => {
                let mut is_known = |key: &ItemId| seen.contains(&Run::of(key), key.seq);
                rumor.on_announce(now.mono, &from, &keys, &mut is_known, out);
            }
            Message::Fetch { keys } => {
                rumor.on_fetch(now.mono, &from, &keys, &mut |key| store.contains(key), out);
            }
            Message::PullRequest => rumor.on_pull_request(now.mono, &from, out),
            Message::Feedback { key, known } => {
                rumor.on_feedback(now.mono, &from, &key, known, out);
            }
            Message::Push { .. } => {}
        }
    }

    pub(crate) fn spread_timeout(&mut self, now: Now) {
        let mut peers = FullView(self.swim.live_peers());
        self.rumor.handle_timeout(now.mono, &mut peers, &mut self.rumor_out);
    }

    /// Hands the engine's sends to the packing. Equal ones in a row are encoded once.
    pub(crate) fn settle_rumor(&mut self, now: Now) {
        // Cooled and abandoned items ask for nothing here, and the engine counts them.
        while self.rumor_out.pop_event().is_some() {}
        let mut last: Option<(Message<ItemId>, Bytes)> = None;
        while let Some(send) = self.rumor_out.pop_send() {
            if !last.as_ref().is_some_and(|(message, _)| *message == send.message) {
                last = self.encode_rumor(&send.message).map(|bytes| (send.message, bytes));
            }
            if let Some((_, bytes)) = &last {
                self.send_encoded(now, Route::Member(send.to), bytes.clone());
            }
        }
    }

    /// `None` if the item is no longer held.
    fn encode_rumor(&self, message: &Message<ItemId>) -> Option<Bytes> {
        let frame = match message {
            Message::Push { key, rounds_left, wants_feedback } => {
                let mut item = self.store.get(key)?;
                if item.rounds_left != *rounds_left {
                    Arc::make_mut(&mut item).rounds_left = *rounds_left;
                }
                Frame::Item { item, wants_feedback: *wants_feedback, repair: false }
            }
            Message::Announce { keys } => Frame::Announce(keys.clone()),
            Message::Fetch { keys } => Frame::Fetch(keys.clone()),
            Message::PullRequest => Frame::PullRequest,
            Message::Feedback { key, known } => Frame::Feedback { id: *key, known: *known },
        };
        let mut bytes = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut bytes);
        Some(bytes.into())
    }

    pub(crate) fn next_forgetting(&self) -> Option<Instant> {
        let purge = self.metadata.next_timeout();
        [self.store.next_timeout(), purge, self.upkeep.next_timeout()].into_iter().flatten().min()
    }

    /// Forgets what has been kept for long enough.
    pub(crate) fn forget_old(&mut self, now: Now) {
        for id in self.store.expire(now.mono) {
            self.rumor.forget(&id);
        }
        self.metadata.purge(now.mono);
        if !self.upkeep.is_due(now.mono) {
            return;
        }
        for id in self.registry.purge(now.mono) {
            self.store.remove(&id);
        }
        self.update_pulling(now);
        self.forget_runs(now);
    }

    /// Leaves runs out of summaries once none of their items can be retained by anybody, and
    /// forgets them a day later. A run with a winning record stays: a newcomer must learn of it.
    fn forget_runs(&mut self, now: Now) {
        let topics = self.registry.all_topics().iter();
        let retention = topics.map(|topic| topic.retention.age_max).max().unwrap_or_default();
        let quiet = retention.saturating_add(DORMANT_MARGIN);
        if now.mono.since(self.started) > quiet {
            self.repair.forget_restored();
        }
        let unix_millis = now.unix.as_millis();
        let needed = self.registry.runs();
        for run in self.upkeep.quiet_runs(unix_millis, quiet) {
            self.seen.set_dormant(&run, !needed.contains(&run));
        }
        for run in self.upkeep.quiet_runs(unix_millis, quiet.saturating_add(FORGET_AFTER)) {
            let is_own = run == Run { origin: self.id, start: self.start };
            if !needed.contains(&run) && !is_own {
                self.seen.remove(&run);
                self.upkeep.forget(&run);
            }
        }
    }
}

/// Paths of Bruit's own questions are for questions, and only nodes mark an item as one.
fn check_question(publish: &Publish) -> Result<(), CommandError> {
    let invalid = |text: &str| Err(CommandError::Invalid(text.to_owned()));
    if is_internal(&publish.path) && publish.ask.is_none() {
        return invalid("paths under $ask are Bruit's own");
    }
    if publish.headers.iter().any(|header| &*header.name == meta::ASK) {
        return invalid("the header :ask is the node's to set");
    }
    match publish.ask {
        Some(ask) if !ask.is_valid() => invalid("a question waits 1 ms to 600 s for its answers"),
        Some(_) | None => Ok(()),
    }
}

/// Whether a path is for questions of Bruit's own.
pub(crate) fn is_internal(path: &Path) -> bool {
    path.as_str().split('/').next() == Some(Ask::PATH)
}

fn check_limits(publish: &Publish) -> Result<(), CommandError> {
    let too_large = |what, given, limit| {
        if given > limit { Err(CommandError::TooLarge { what, given, limit }) } else { Ok(()) }
    };
    too_large("the payload's length", publish.payload.len(), Item::PAYLOAD_BYTES_MAX)?;
    too_large("the number of headers", publish.headers.len(), Item::HEADERS_MAX)?;
    let bytes = publish.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    too_large("the headers' length", bytes, Item::HEADER_BYTES_MAX)
}

/// The fanout that makes push alone reach nearly all: `⌈log2 n⌉`, which is `ln n + c` with `c`
/// about 2.5 to 4 for 100 to 10,000 members: all are reached with probability `exp(-exp(-c))`.
/// Source: Kermarrec, Massoulié, Ganesh, "Probabilistic reliable dissemination", 2003.
fn log2_ceil(members: usize) -> u8 {
    let bits = usize::BITS - members.saturating_sub(1).leading_zeros();
    u8::try_from(bits).expect("at most 64 bits")
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
