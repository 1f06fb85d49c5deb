//! The machine: what it consists of, how it starts, and the `Node` trait.

use crate::asks::{self, AskOut};
use crate::counters::Counters;
use crate::incoming::Route;
use crate::join::Joins;
use crate::membership::Group;
use crate::outgoing::Outgoing;
use crate::registry::Registry;
use crate::repair::Repair;
use crate::store::Store;
use crate::streams::Streams;
use crate::tell::Tells;
use crate::upkeep::Upkeep;
use crate::view::View;
use crate::{Config, Secrets, snapshot};
use bruit_engine::clock::hybrid::HybridClock;
use bruit_engine::membership::swim::{self, Swim};
use bruit_engine::reconcile::scuttlebutt::{self, Scuttlebutt};
use bruit_engine::spread::ask::Ask;
use bruit_engine::spread::intervals::{self, Intervals};
use bruit_engine::spread::rumor::{self, Rumor};
use bruit_engine::{Instant, MemberId, Outbox, Rng};
use bruit_model::{
    Command, CommandError, Event, ItemId, ItemTrace, Items, KeyInfo, MemberRecord, Members, Node,
    NodeId, Now, Records, Rejected, Reply, SocketId, StreamId, StreamInput, StreamOutput, Transmit,
    Wake, WakeReason,
};
use bruit_wire::{Channel, ClusterKey, Frame, Identity, Keyring, KeyringError};
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Sends that an engine may queue in one call: a direct mail to a large group.
const ENGINE_SENDS_MAX: usize = 65_536;

/// One run of one origin: within it, items are numbered densely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Run {
    pub(crate) origin: NodeId,
    pub(crate) start: u64,
}

impl MemberId for Run {
    fn bucket_hash(&self) -> u64 {
        self.origin.bucket_hash() ^ self.start
    }
}

impl Run {
    pub(crate) fn of(id: &ItemId) -> Self {
        Self { origin: id.origin, start: id.start }
    }

    pub(crate) fn item(self, seq: u64) -> ItemId {
        ItemId { origin: self.origin, start: self.start, seq }
    }
}

pub(crate) type SwimOut = Outbox<swim::message::Send<NodeId>, swim::Event<NodeId, MemberRecord>>;
pub(crate) type RumorOut =
    Outbox<rumor::message::Send<NodeId, ItemId>, rumor::Event<NodeId, ItemId>>;

/// The native gossip node. See the crate's documentation.
pub struct NativeNode {
    pub(crate) config: Config,
    pub(crate) id: NodeId,
    pub(crate) start: u64,
    pub(crate) rng: Rng,
    pub(crate) swim: Swim<NodeId, MemberRecord>,
    pub(crate) swim_out: SwimOut,
    pub(crate) group: Group,
    pub(crate) metadata: Scuttlebutt<NodeId>,
    pub(crate) seen: Intervals<Run>,
    pub(crate) rumor: Rumor<NodeId, ItemId>,
    pub(crate) rumor_out: RumorOut,
    pub(crate) store: Store,
    pub(crate) upkeep: Upkeep,
    pub(crate) registry: Registry,
    pub(crate) clock: HybridClock,
    pub(crate) repair: Repair,
    pub(crate) tells: Tells,
    pub(crate) asks: Ask<NodeId, ItemId, Bytes>,
    pub(crate) asks_out: AskOut,
    pub(crate) joins: Joins,
    pub(crate) channel: Channel,
    pub(crate) keyring: Keyring,
    pub(crate) outgoing: Outgoing,
    pub(crate) streams: Streams,
    pub(crate) events: VecDeque<Event>,
    pub(crate) counters: Counters,
    pub(crate) next_seq: u64,
    pub(crate) leaving: bool,
    plaintext: Vec<u8>,
    /// Empty between messages.
    pub(crate) frames: Vec<Frame>,
    pub(crate) started: Instant,
    last_mono: Instant,
}

impl std::fmt::Debug for NativeNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeNode").field("id", &self.id).finish_non_exhaustive()
    }
}

impl NativeNode {
    /// A node that knows nobody but itself.
    ///
    /// # Errors
    /// The name or the datagram size breaks its rule.
    pub fn new(config: Config, secrets: &Secrets, now: Now) -> Result<Self, CommandError> {
        if !MemberRecord::is_valid_name(&config.name) {
            let text = "a node's name has 1 to 128 bytes and no control characters";
            return Err(CommandError::Invalid(text.into()));
        }
        if !(576..=65_507).contains(&config.datagram_bytes_max) {
            let text = "the largest datagram is 576 to 65507 bytes";
            return Err(CommandError::Invalid(text.into()));
        }
        let id = Identity::from_seed(&secrets.identity_seed).id();
        let key = secrets.cluster_key.clone().unwrap_or_else(ClusterKey::open);
        let keyring = Keyring::new(key);
        let record = MemberRecord { name: config.name.as_str().into(), addr: config.advertise };
        let mut rng = Rng::from_seed(secrets.seed);
        let swim_rng = rng.fork("swim");
        let rumor_rng = rng.fork("rumor");
        let mut group = Group::default();
        group.names.add(id, &record);
        let swim = Swim::new(config.profile.swim(), id, record, swim_rng, now.mono);
        let channel = Channel::new(keyring.clone(), id, secrets.start, secrets.cookie_secret);
        // Two runs differ in the lower half even if the counter was lost: one of them is higher,
        // and the other heals when it is told of it.
        let generation = u64::from(config.generation) << 32 | secrets.start & 0xffff_ffff;
        let metadata = Scuttlebutt::new(scuttlebutt::Limits::default(), id, generation);
        let first_token = rng.next_u64();
        let asks = asks::params(&config, config.datagram_bytes_max - Channel::OVERHEAD_MAX);
        let mut node = Self {
            id,
            start: secrets.start,
            swim,
            swim_out: Outbox::new(ENGINE_SENDS_MAX),
            group,
            metadata,
            seen: Intervals::new(intervals::Limits::default()),
            rumor: Rumor::new(rumor::Limits::default(), rumor_rng),
            rumor_out: Outbox::new(ENGINE_SENDS_MAX),
            store: Store::default(),
            upkeep: Upkeep::default(),
            registry: Registry::default(),
            clock: HybridClock::default(),
            repair: Repair::default(),
            tells: Tells::new(first_token),
            asks: Ask::new(asks, id),
            asks_out: Outbox::new(ENGINE_SENDS_MAX),
            joins: Joins::default(),
            channel,
            keyring,
            outgoing: Outgoing::default(),
            streams: Streams::default(),
            events: VecDeque::new(),
            counters: Counters::default(),
            next_seq: 1,
            leaving: false,
            plaintext: Vec::new(),
            frames: Vec::new(),
            started: now.mono,
            last_mono: now.mono,
            rng,
            config,
        };
        if let Some(bytes) = node.config.snapshot.take() {
            snapshot::restore(&mut node, now, &bytes)?;
        }
        for item in std::mem::take(&mut node.config.held) {
            node.hold_again(now, &item);
        }
        Ok(node)
    }

    /// Time never goes backwards for the engines: a driver whose clock does is counted.
    fn clamp(&mut self, mut now: Now) -> Now {
        if now.mono < self.last_mono {
            self.counters.clock_backwards += 1;
            now.mono = self.last_mono;
        }
        self.last_mono = now.mono;
        now
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push_back(event);
        self.counters.events_max = self.counters.events_max.max(self.events.len() as u64);
    }

    /// The most plaintext in a datagram.
    pub(crate) fn plaintext_max(&self) -> usize {
        self.config.datagram_bytes_max - Channel::OVERHEAD_MAX
    }

    /// Sends a frame to a member, by the way that its size asks for.
    pub(crate) fn send(&mut self, now: Now, to: NodeId, frame: &Frame) {
        self.send_by(now, Route::Member(to), frame);
    }

    pub(crate) fn send_by(&mut self, now: Now, route: Route, frame: &Frame) {
        let mut bytes = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut bytes);
        self.send_encoded(now, route, bytes.into());
    }

    pub(crate) fn send_encoded(&mut self, now: Now, route: Route, frame: Bytes) {
        let (addr, to) = match route {
            Route::Stream(id) => return self.stream_send(now, id, &frame),
            Route::Addr(addr, to) => (addr, Some(to)),
            Route::Member(to) => {
                let Some(member) = self.swim.get(&to) else { return };
                (member.record.addr, Some(to))
            }
        };
        if frame.len() <= self.plaintext_max() {
            self.outgoing.push(addr, to, frame);
        } else {
            self.stream_send_to(now, addr, &frame);
        }
    }

    /// After any input: carries what the engines put out to where it goes.
    pub(crate) fn settle(&mut self, now: Now) {
        while !(self.swim_out.is_empty() && self.rumor_out.is_empty() && self.asks_out.is_empty()) {
            self.settle_swim(now);
            self.settle_rumor(now);
            self.settle_asks(now);
        }
    }

    fn run_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        match command {
            Command::Join(targets) => self.join(now, targets),
            Command::Leave => self.leave(now),
            Command::Publish(publish) => return self.publish(now, publish).map(Reply::Accepted),
            Command::SetMetadata(changes) => self.set_metadata(now, &changes)?,
            Command::PutRecord { key, value } => self.put_record(now, &key, value)?,
            Command::Tell { to, bytes } => self.tell(now, to, bytes)?,
            Command::Answer { to, part, is_last } => self.answer(now, to, part, is_last)?,
            Command::Finish(question) => {
                self.asks.finish(now.mono, &question, &mut self.asks_out);
            }
            Command::Evict(id) => self.evict(now, id)?,
            Command::InstallKey(key) => self.install_key(&ClusterKey::new(*key))?,
            Command::UseKey(key) => self.use_key(ClusterKey::new(*key)),
            Command::RemoveKey(fingerprint) => self.remove_key(now, &fingerprint)?,
            Command::ReportLag(lag) => self.swim.note_lag(now.mono, lag),
            Command::Extra(_) => return Err(CommandError::Unsupported),
        }
        Ok(Reply::Done)
    }

    fn install_key(&mut self, key: &ClusterKey) -> Result<(), CommandError> {
        let invalid = |error: KeyringError| CommandError::Invalid(error.to_string());
        self.keyring.install(key.clone()).map_err(invalid)?;
        self.channel.keyring().install(key.clone()).map_err(invalid)
    }

    fn use_key(&mut self, key: ClusterKey) {
        self.keyring.use_key(key.clone());
        self.channel.keyring().use_key(key);
    }

    fn remove_key(&mut self, now: Now, fingerprint: &str) -> Result<(), CommandError> {
        let invalid = |error: KeyringError| CommandError::Invalid(error.to_string());
        self.keyring.remove_by_fingerprint(fingerprint).map_err(invalid)?;
        self.channel.keyring().remove_by_fingerprint(fingerprint).map_err(invalid)?;
        self.streams.retire_key(now, fingerprint);
        Ok(())
    }
}

impl Node for NativeNode {
    fn handle_datagram(
        &mut self,
        now: Now,
        _on: SocketId,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        let now = self.clamp(now);
        self.counters.datagrams_in += 1;
        self.counters.bytes_in += bytes.len() as u64;
        let mut plaintext = std::mem::take(&mut self.plaintext);
        let result = match self.channel.open(now.mono, from, bytes, &mut plaintext) {
            Ok(Some(sender)) => {
                self.handle_frames(now, Route::Addr(from, sender), sender, &plaintext)
            }
            Ok(None) => Ok(()),
            Err(why) => Err(why),
        };
        self.plaintext = plaintext;
        if let Err(why) = result {
            self.counters.reject(why);
        }
        self.settle(now);
        result
    }

    fn handle_stream(&mut self, now: Now, id: StreamId, input: StreamInput<'_>) {
        let now = self.clamp(now);
        self.on_stream(now, id, input);
        self.settle(now);
    }

    fn handle_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        let now = self.clamp(now);
        let result = self.run_command(now, command);
        self.settle(now);
        result
    }

    fn handle_timeout(&mut self, now: Now) {
        let now = self.clamp(now);
        self.swim.handle_timeout(now.mono, &mut self.swim_out);
        self.spread_timeout(now);
        self.retry_tells(now);
        self.asks.handle_timeout(now.mono, &mut self.asks_out);
        self.retry_joins(now);
        self.want_missing(now);
        self.close_idle_streams(now);
        self.forget_old(now);
        self.settle(now);
    }

    fn poll_transmit(&mut self, now: Now, buf: &mut Vec<u8>) -> Option<Transmit> {
        let now = self.clamp(now);
        let transmit = |to| Transmit { on: SocketId(0), to, segment_size: None };
        let to = match self.channel.poll_transmit(buf) {
            Some(to) => to,
            None => loop {
                self.plaintext.clear();
                let next = self.outgoing.pack(self.plaintext_max(), &mut self.plaintext)?;
                if let Some(to) = next.to {
                    self.add_updates(now, to);
                }
                if !self.plaintext.is_empty() {
                    self.channel.seal(now.mono, next.addr, &self.plaintext, buf);
                    break next.addr;
                }
            },
        };
        self.counters.datagrams_out += 1;
        self.counters.bytes_out += buf.len() as u64;
        Some(transmit(to))
    }

    fn poll_stream(&mut self, _now: Now, buf: &mut Vec<u8>) -> Option<StreamOutput> {
        self.streams.poll(buf)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Wake> {
        let wake = |at: Option<Instant>, reason| at.map(|at| Wake { at, reason });
        [
            wake(self.swim.next_timeout(), WakeReason::Probe),
            wake(self.rumor.next_timeout(), WakeReason::Spread),
            wake(self.repair.next_timeout(), WakeReason::Repair),
            wake(self.joins.next_timeout(), WakeReason::Join),
            wake(self.tells.next_timeout(), WakeReason::Transport),
            wake(self.asks.next_timeout(), WakeReason::Spread),
            wake(self.streams.next_timeout(), WakeReason::Transport),
            wake(self.next_forgetting(), WakeReason::Retention),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|wake| wake.at)
    }

    fn id(&self) -> NodeId {
        self.id
    }

    fn members(&self, now: Now) -> Box<dyn Members + '_> {
        Box::new(View::new(self, now))
    }

    fn items(&self) -> &dyn Items {
        &self.store
    }

    fn records(&self) -> &dyn Records {
        &self.registry
    }

    fn item_trace(&self, id: &ItemId) -> Option<ItemTrace> {
        self.store.trace(id)
    }

    fn keys(&self) -> Vec<KeyInfo> {
        let keys = self.keyring.fingerprints();
        keys.map(|(fingerprint, is_primary)| KeyInfo { fingerprint, is_primary }).collect()
    }

    fn snapshot(&self) -> Vec<u8> {
        snapshot::take(self)
    }

    fn counters(&self, visit: &mut dyn FnMut(&'static str, &'static str, u64)) {
        self.visit_counters(visit);
    }
}

impl NativeNode {
    /// Fills the room left in the datagram under construction with membership updates.
    fn add_updates(&mut self, now: Now, to: NodeId) {
        let budget = self.plaintext_max().saturating_sub(self.plaintext.len());
        let mut updates = Vec::new();
        let mut cost = bruit_wire::update_len;
        self.swim.fill_updates(now.mono, &to, budget, &mut cost, &mut updates);
        for update in updates {
            Frame::Update(update).encode(&mut self.plaintext);
        }
    }
}
