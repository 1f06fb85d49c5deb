//! A node that is alone: what it publishes it receives itself, and nobody else does.

use crate::network::Seed;
use bruit_model::{
    Command, CommandError, Event, Header, HybridTime, Item, ItemId, ItemTrace, Items, KeyInfo,
    Member, MemberState, Members, MetaEntry, Node, NodeId, Now, Pattern, Publish, Record, Records,
    Rejected, Reply, SocketId, StreamId, StreamInput, StreamOutput, Style, TopicParams, Transmit,
    UnixNanos, Wake, meta,
};
use bruit_wire::{ClusterKey, Keyring};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The id of the member that a ghostly group has beside the toy.
pub(super) const GHOST: NodeId = NodeId([0xfe; 16]);

/// How many items a toy holds.
const HELD_MAX: usize = 1000;

struct Toy {
    members: Vec<Member>,
    held: Held,
    published: u64,
    registry: Registry,
    keyring: Keyring,
    events: VecDeque<Event>,
}

/// A toy node.
#[expect(clippy::unnecessary_wraps, reason = "the signature is that of every network")]
pub(super) fn start(seed: Seed, now: Now) -> Result<Box<dyn Node + Send>, CommandError> {
    Ok(Box::new(Toy::new(seed, now)))
}

/// A toy node that believes in one more member, whose subscription `app` selects everything.
#[expect(clippy::unnecessary_wraps, reason = "the signature is that of every network")]
pub(super) fn start_with_ghost(seed: Seed, now: Now) -> Result<Box<dyn Node + Send>, CommandError> {
    let mut toy = Toy::new(seed, now);
    let mut ghost = toy.members[0].clone();
    ghost.id = GHOST;
    ghost.name = "ghost".into();
    ghost.is_self = false;
    ghost.metadata =
        vec![MetaEntry { key: "$sub/app".into(), value: b"**".as_slice().into(), version: 1 }];
    toy.members.push(ghost);
    Ok(Box::new(toy))
}

/// As [`start_with_ghost`], where that member has failed.
#[expect(clippy::unnecessary_wraps, reason = "the signature is that of every network")]
pub(super) fn start_with_failed(
    seed: Seed,
    now: Now,
) -> Result<Box<dyn Node + Send>, CommandError> {
    let mut toy = Toy::new(seed, now);
    let mut failed = toy.members[0].clone();
    (failed.id, failed.name, failed.is_self) = (GHOST, "ghost".into(), false);
    failed.state = MemberState::Failed;
    toy.members.push(failed);
    Ok(Box::new(toy))
}

impl Toy {
    fn new(seed: Seed, _: Now) -> Self {
        let me = Member {
            id: bruit_wire::Identity::from_seed(&seed.identity_seed).id(),
            name: seed.name.into(),
            addr: seed.advertise,
            state: MemberState::Alive,
            why: "it is this node".to_owned(),
            conflict: false,
            incarnation: 3,
            generation: seed.generation.into(),
            metadata: Vec::new(),
            since: Duration::from_secs(2),
            rtt: None,
            is_self: true,
        };
        Self {
            members: vec![me],
            held: Held(VecDeque::new()),
            published: 0,
            registry: Registry(BTreeMap::new()),
            keyring: Keyring::new(seed.cluster_key.unwrap_or_else(ClusterKey::open)),
            events: VecDeque::new(),
        }
    }

    fn publish(&mut self, now: Now, publish: Publish) -> Result<Reply, CommandError> {
        if let Some(topic) = &publish.topic
            && !self.registry.topics().iter().any(|known| known.pattern == *topic)
        {
            return Err(CommandError::Invalid(format!("there is no topic {topic}")));
        }
        self.published += 1;
        let seq = self.published;
        let mut headers = publish.headers;
        if let Some(ask) = publish.ask {
            headers.push(Header { name: meta::ASK.into(), value: ask.to_header().into() });
        }
        let item = Arc::new(Item {
            id: ItemId { origin: self.members[0].id, start: 7, seq },
            path: publish.path,
            previous_in_topic: None,
            time: HybridTime(now.unix.as_millis() << 16),
            expires_unix_millis: None,
            style: publish.style.unwrap_or(Style::Auto),
            repair: true,
            fanout_count: 4,
            rounds_left: 8,
            hops: 0,
            headers,
            payload: publish.payload,
            signature: None,
        });
        if self.held.0.len() == HELD_MAX {
            self.held.0.pop_front();
        }
        self.held.0.push_back(Arc::clone(&item));
        self.events.push_back(Event::Item { item: Arc::clone(&item), from: None, repaired: false });
        Ok(Reply::Accepted(item.id))
    }

    fn set_metadata(&mut self, changes: Vec<(String, Option<Vec<u8>>)>) {
        let metadata = &mut self.members[0].metadata;
        for (key, value) in changes {
            metadata.retain(|entry| *entry.key != *key);
            if let Some(value) = value {
                metadata.push(MetaEntry { key: key.into(), value: value.into(), version: 1 });
            }
        }
        let me = Box::new(self.members[0].clone());
        self.events.push_back(Event::MemberUpdated(me));
    }
}

struct Held(VecDeque<Arc<Item>>);

impl Items for Held {
    fn iter(&self) -> Box<dyn Iterator<Item = Arc<Item>> + '_> {
        Box::new(self.0.iter().cloned())
    }

    fn get(&self, id: &ItemId) -> Option<Arc<Item>> {
        self.0.iter().find(|item| item.id == *id).cloned()
    }

    fn find(&self, printable: &str) -> Option<Arc<Item>> {
        self.0.iter().find(|item| item.id.to_string() == printable).cloned()
    }

    fn held(&self) -> (usize, u64) {
        (self.0.len(), self.0.iter().map(|item| item.held_bytes() as u64).sum())
    }
}

struct Registry(BTreeMap<String, Bytes>);

impl Records for Registry {
    fn iter(&self) -> Box<dyn Iterator<Item = Record> + '_> {
        Box::new(self.0.iter().map(|(key, value)| Record {
            key: key.as_str().into(),
            value: Some(value.clone()),
            time: HybridTime(1),
        }))
    }

    fn topics(&self) -> Vec<TopicParams> {
        let of_record = |(key, value): (&String, &Bytes)| {
            let pattern = Pattern::parse(key.strip_prefix(TopicParams::RECORD_PREFIX)?).ok()?;
            TopicParams::from_record(pattern, value).ok()
        };
        let mut topics: Vec<_> = self.0.iter().filter_map(of_record).collect();
        topics.push(TopicParams::new(Pattern::root()));
        topics
    }
}

struct Table(Vec<Member>);

impl Members for Table {
    fn iter(&self) -> Box<dyn Iterator<Item = Member> + '_> {
        Box::new(self.0.iter().cloned())
    }

    fn get(&self, id: &NodeId) -> Option<Member> {
        self.0.iter().find(|member| member.id == *id).cloned()
    }

    fn counts(&self) -> [usize; 4] {
        [self.0.len(), 0, 0, 0]
    }
}

impl Node for Toy {
    fn handle_datagram(
        &mut self,
        _: Now,
        _: SocketId,
        _: SocketAddr,
        _: &[u8],
    ) -> Result<(), Rejected> {
        Err(Rejected::UnknownVersion)
    }

    fn handle_stream(&mut self, _: Now, _: StreamId, _: StreamInput<'_>) {}

    fn handle_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        match command {
            Command::Publish(publish) => return self.publish(now, publish),
            Command::SetMetadata(changes) => self.set_metadata(changes),
            Command::PutRecord { key, value } => {
                match &value {
                    Some(value) => self.registry.0.insert(key.clone(), value.clone()),
                    None => self.registry.0.remove(&key),
                };
                self.events.push_back(Event::RecordChanged { key: key.into(), value });
            }
            Command::Leave => self.events.push_back(Event::Left),
            Command::Join(_) | Command::ReportLag(_) => {}
            Command::Tell { to, .. } => return Err(CommandError::UnknownMember(to)),
            Command::Answer { to, part, is_last } => {
                let (from, count, also_from) = (self.members[0].id, 1, Vec::new());
                let answer = Event::Answer { to, from, part, is_last, count, also_from };
                self.events.push_back(answer);
            }
            Command::Finish(_) => {}
            Command::Evict(id) => {
                let member = self.members.iter_mut().find(|member| member.id == id);
                member.ok_or(CommandError::UnknownMember(id))?.state = MemberState::Left;
            }
            Command::InstallKey(key) => {
                let done = self.keyring.install(ClusterKey::new(*key));
                done.map_err(|error| CommandError::Invalid(error.to_string()))?;
            }
            Command::UseKey(key) => self.keyring.use_key(ClusterKey::new(*key)),
            Command::RemoveKey(fingerprint) => {
                let done = self.keyring.remove_by_fingerprint(&fingerprint);
                done.map_err(|error| CommandError::Invalid(error.to_string()))?;
            }
            Command::Extra(_) => return Err(CommandError::Unsupported),
        }
        Ok(Reply::Done)
    }

    fn handle_timeout(&mut self, _: Now) {}

    fn poll_transmit(&mut self, _: Now, _: &mut Vec<u8>) -> Option<Transmit> {
        None
    }

    fn poll_stream(&mut self, _: Now, _: &mut Vec<u8>) -> Option<StreamOutput> {
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Wake> {
        None
    }

    fn id(&self) -> NodeId {
        self.members[0].id
    }

    fn members(&self, _: Now) -> Box<dyn Members + '_> {
        Box::new(Table(self.members.clone()))
    }

    fn items(&self) -> &dyn Items {
        &self.held
    }

    fn records(&self) -> &dyn Records {
        &self.registry
    }

    fn item_trace(&self, id: &ItemId) -> Option<ItemTrace> {
        let item = self.held.get(id)?;
        let received = UnixNanos(item.time.unix_millis() * 1_000_000);
        let (hops, copies, style) = (item.hops, 0, item.style);
        Some(ItemTrace { received, from: None, hops, copies, repaired: false, style })
    }

    fn keys(&self) -> Vec<KeyInfo> {
        let info = |(fingerprint, is_primary)| KeyInfo { fingerprint, is_primary };
        self.keyring.fingerprints().map(info).collect()
    }

    fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    fn counters(&self, visit: &mut dyn FnMut(&'static str, &'static str, u64)) {
        visit("members", "alive", self.members.len() as u64);
        visit("items_published", "", self.published);
        visit("datagrams_rejected", "replayed", 0);
    }
}
