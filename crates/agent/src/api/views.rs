//! The JSON of the API. Field names are frozen: a test lists them all.

use super::subscriptions::LocalView;
use crate::delivery::{DeliveryRecord, Outcome, Report, SubscriptionStatus};
use crate::receipts::{self, Expected, Summary};
use crate::store::StoreStatus;
use bruit_model::{Item, Member, NodeId, Order, TopicParams, meta, stop_word, style_word};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A member.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MemberView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) state: &'static str,
    pub(crate) why: String,
    pub(crate) conflict: bool,
    /// Keys that start with `$` are left out.
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) subscriptions: Vec<AnnouncedView>,
    pub(crate) incarnation: u64,
    pub(crate) generation: u64,
    pub(crate) since_seconds: f64,
    pub(crate) rtt_ms: Option<f64>,
    #[serde(rename = "self")]
    pub(crate) is_self: bool,
}

/// A subscription as its agent announces it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnnouncedView {
    pub(crate) name: String,
    pub(crate) pattern: String,
}

impl MemberView {
    pub(crate) fn new(member: &Member) -> Self {
        let metadata = member.metadata.iter().filter(|entry| !entry.key.starts_with('$'));
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Self {
            id: member.id.to_string(),
            name: member.name.to_string(),
            address: member.addr.to_string(),
            state: member.state.word(),
            why: member.why.clone(),
            conflict: member.conflict,
            metadata: metadata.map(|each| (each.key.to_string(), text(&each.value))).collect(),
            subscriptions: receipts::announced(member)
                .map(|(name, pattern)| AnnouncedView {
                    name: name.to_owned(),
                    pattern: pattern.as_str().to_owned(),
                })
                .collect(),
            incarnation: member.incarnation,
            generation: member.generation,
            since_seconds: member.since.as_secs_f64(),
            rtt_ms: member.rtt.map(millis),
            is_self: member.is_self,
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A subscription of the group.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionView {
    pub(crate) node: String,
    pub(crate) node_name: String,
    pub(crate) node_state: &'static str,
    pub(crate) name: String,
    pub(crate) pattern: String,
    /// How it is doing; known for those of this agent.
    pub(crate) local: Option<LocalView>,
}

/// A topic's parameters.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TopicView {
    pub(crate) pattern: String,
    pub(crate) style: &'static str,
    pub(crate) fanout: u8,
    pub(crate) stop: String,
    pub(crate) period_ms: u128,
    pub(crate) repair: bool,
    pub(crate) retain_items: u32,
    pub(crate) retain_bytes: u64,
    pub(crate) retain_ms: u128,
    pub(crate) order: &'static str,
    pub(crate) expiry_ms: Option<u128>,
}

impl TopicView {
    /// The parameters that can be set.
    pub(crate) const PARAMETERS: [&'static str; 10] = [
        "style",
        "fanout",
        "stop",
        "period_ms",
        "repair",
        "retain_items",
        "retain_bytes",
        "retain_ms",
        "order",
        "expiry_ms",
    ];

    pub(crate) fn new(topic: &TopicParams) -> Self {
        Self {
            pattern: topic.pattern.as_str().to_owned(),
            style: style_word(topic.spread.style),
            fanout: topic.spread.fanout_count.get(),
            stop: stop_word(topic.spread.stop),
            period_ms: topic.spread.period.as_millis(),
            repair: topic.repair,
            retain_items: topic.retention.items_max,
            retain_bytes: topic.retention.bytes_max,
            retain_ms: topic.retention.age_max.as_millis(),
            order: match topic.order {
                Order::None => "none",
                Order::Fifo => "fifo",
            },
            expiry_ms: topic.expiry.map(|expiry| expiry.as_millis()),
        }
    }
}

/// An item, without its payload.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ItemView {
    pub(crate) id: String,
    /// The id of the node that accepted it.
    pub(crate) origin: String,
    pub(crate) path: String,
    /// `invocation` or `event`.
    pub(crate) kind: &'static str,
    pub(crate) method: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) payload_bytes: usize,
    pub(crate) accepted_unix_ms: u64,
    pub(crate) expires_unix_ms: Option<u64>,
    pub(crate) style: &'static str,
    pub(crate) rounds_left: u8,
}

impl ItemView {
    pub(crate) fn new(item: &Item) -> Self {
        let text = |name: &str| item.header_text(name).map(str::to_owned);
        Self {
            id: item.id.to_string(),
            origin: item.id.origin.to_string(),
            path: item.path.as_str().to_owned(),
            kind: if item.is_invocation() { "invocation" } else { "event" },
            method: text(meta::METHOD),
            target: text(meta::TARGET),
            host: text(meta::HOST),
            content_type: text("content-type"),
            payload_bytes: item.payload.len(),
            accepted_unix_ms: item.time.unix_millis(),
            expires_unix_ms: item.expires_unix_millis,
            style: style_word(item.style),
            rounds_left: item.rounds_left,
        }
    }
}

/// An item with its headers and what is known of its deliveries.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ItemDetailView {
    #[serde(flatten)]
    pub(crate) item: ItemView,
    /// Names and values; values of secrets are hidden.
    pub(crate) headers: Vec<(String, String)>,
    /// Known where a caller of this agent waited.
    pub(crate) receipts: Option<SummaryView>,
}

impl ItemDetailView {
    pub(crate) fn new(item: &Item, receipts: Option<SummaryView>) -> Self {
        Self { headers: shown_headers(item), item: ItemView::new(item), receipts }
    }
}

/// Names and values of an item's headers but our own; values of secrets are hidden.
pub(crate) fn shown_headers(item: &Item) -> Vec<(String, String)> {
    const SECRET: [&str; 5] =
        ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"];
    let hide = |(name, value): (String, String)| {
        let is_secret = SECRET.contains(&name.as_str());
        (name, if is_secret { "(hidden)".to_owned() } else { value })
    };
    all_headers(item).map(hide).collect()
}

/// Names and values of an item's headers but our own.
pub(crate) fn all_headers(item: &Item) -> impl Iterator<Item = (String, String)> {
    let headers = item.headers.iter().filter(|header| !header.name.starts_with(':'));
    headers.map(|header| {
        (header.name.to_string(), String::from_utf8_lossy(&header.value).into_owned())
    })
}

/// The answer to a publication that does not wait.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AcceptedView {
    pub(crate) id: String,
    pub(crate) path: String,
    /// Whether a kill of this agent loses nothing of it.
    pub(crate) stored: bool,
    /// How many subscriptions of the group select it, as far as this agent knows.
    pub(crate) subscribers: usize,
    /// What to tell if there is none.
    pub(crate) hint: Option<String>,
}

/// The answer to the publication of a batch.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AcceptedBatchView {
    /// The items, in the order of the events.
    pub(crate) ids: Vec<String>,
    pub(crate) path: String,
    /// Whether a kill of this agent loses nothing of them.
    pub(crate) stored: bool,
    /// As in [`AcceptedView`].
    pub(crate) subscribers: usize,
    pub(crate) hint: Option<String>,
}

/// Who got an item.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SummaryView {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) met: bool,
    pub(crate) expected: usize,
    pub(crate) delivered: usize,
    pub(crate) failed: usize,
    pub(crate) missing: usize,
    pub(crate) nodes: Vec<ReceiptView>,
    pub(crate) hint: Option<String>,
}

/// One expected delivery.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReceiptView {
    pub(crate) node: String,
    pub(crate) name: String,
    pub(crate) subscription: String,
    /// `delivered`, `failed` or `missing`.
    pub(crate) outcome: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) attempts: Option<u16>,
    pub(crate) after_ms: Option<f64>,
}

impl SummaryView {
    pub(crate) fn new(id: String, path: String, summary: &Summary) -> Self {
        let (delivered, failed, missing) = summary.counts();
        Self {
            id,
            path,
            met: summary.is_met,
            expected: summary.pairs.len(),
            delivered,
            failed,
            missing,
            nodes: summary.pairs.iter().map(ReceiptView::new).collect(),
            hint: None,
        }
    }
}

impl ReceiptView {
    fn new(pair: &Expected) -> Self {
        let outcome = match pair.end {
            None => "missing",
            Some(end) if end.delivered => "delivered",
            Some(_) => "failed",
        };
        Self {
            node: pair.node.to_string(),
            name: pair.name.to_string(),
            subscription: pair.subscription.to_string(),
            outcome,
            status: pair.end.and_then(|end| end.status),
            attempts: pair.end.map(|end| end.attempts),
            after_ms: pair.end.map(|end| millis(end.after)),
        }
    }
}

/// A delivery that ended.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DeliveryView {
    pub(crate) item: String,
    pub(crate) path: String,
    pub(crate) subscription: String,
    /// `delivered` or `failed`.
    pub(crate) outcome: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u32,
    /// What each of the last attempts was answered; none where there was no answer.
    pub(crate) statuses: Vec<Option<u16>>,
    pub(crate) after_ms: Option<f64>,
}

impl DeliveryView {
    pub(crate) fn new(report: &Report) -> Self {
        let (outcome, reason, status, attempts, after) = match report.outcome {
            Outcome::Delivered { status, attempts, after } => {
                ("delivered", None, Some(status), attempts, Some(after))
            }
            Outcome::Failed { reason, status, attempts } => {
                ("failed", Some(reason.to_string()), status, attempts, None)
            }
        };
        Self {
            item: report.item.id.to_string(),
            path: report.item.path.as_str().to_owned(),
            subscription: report.subscription.to_string(),
            outcome,
            reason,
            status,
            attempts,
            statuses: report.attempts_made.iter().map(|attempt| attempt.status).collect(),
            after_ms: after.map(millis),
        }
    }
}

/// A change in the stream.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ChangeView {
    /// A member came, changed or was forgotten.
    Member {
        /// `changed` (its state), `updated` (its name, address or metadata) or `reaped`.
        change: &'static str,
        /// As it is; of a reaped one, id and name are left.
        member: Option<Box<MemberView>>,
        id: String,
        name: String,
        /// Its state before.
        was: Option<&'static str>,
    },
    /// An item was seen for the first time.
    Item {
        item: ItemView,
        /// The id of the node that sent it.
        from: Option<String>,
        /// Whether anti-entropy brought it.
        repaired: bool,
        /// The local subscriptions that get it.
        subscriptions: Vec<String>,
    },
    /// A delivery ended.
    Delivery { delivery: DeliveryView },
    /// A local subscription came, changed, went, paused or was resumed.
    Subscription {
        /// `added`, `changed`, `removed`, `paused`, `down`, `open`, `waiting` or `resumed`.
        change: &'static str,
        subscription: SubscriptionStatus,
    },
}

impl ChangeView {
    pub(crate) fn member(change: &'static str, member: &Member, was: Option<&'static str>) -> Self {
        let (id, name) = (member.id.to_string(), member.name.to_string());
        Self::Member { change, member: Some(Box::new(MemberView::new(member))), id, name, was }
    }

    pub(crate) fn reaped(id: &NodeId, name: &str) -> Self {
        let (id, name) = (id.to_string(), name.to_owned());
        Self::Member { change: "reaped", member: None, id, name, was: None }
    }
}

/// What a stream starts with; a type that is not asked for is absent.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SnapshotView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Vec<MemberView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<Vec<ItemView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscriptions: Option<Vec<SubscriptionStatus>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dead_letters: Option<Vec<DeliveryRecord>>,
}

/// A gap in a stream; a snapshot follows.
#[derive(Debug, Serialize)]
pub(crate) struct GapView {
    pub(crate) wanted: u64,
    pub(crate) next: u64,
}

/// How the agent is doing.
#[derive(Debug, Serialize)]
pub(crate) struct StatusView {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) version: &'static str,
    pub(crate) pid: u32,
    pub(crate) gossip: String,
    pub(crate) advertise: String,
    pub(crate) api: String,
    pub(crate) profile: &'static str,
    pub(crate) keyed: bool,
    pub(crate) persistent: bool,
    pub(crate) generation: u32,
    pub(crate) uptime_seconds: f64,
    pub(crate) members: BTreeMap<&'static str, usize>,
    pub(crate) items_held: usize,
    pub(crate) items_held_bytes: u64,
    pub(crate) subscriptions: Vec<SubscriptionStatus>,
    pub(crate) socket_buffer_bytes: BTreeMap<&'static str, usize>,
    /// `null`: nothing survives a restart.
    pub(crate) store: Option<StoreStatus>,
    /// Every counter by its metric name, label values in braces.
    pub(crate) counters: BTreeMap<String, u64>,
    pub(crate) warnings: Vec<String>,
}
