//! What all parts of a running agent share.

use crate::announced::Announced;
use crate::changes::{Changes, Kind};
use crate::delivery::{Delivery, Outcome, Report};
use crate::keys::Keys;
use crate::metrics::{Durations, Propagation};
use crate::orders::Orders;
use crate::passage::Passage;
use crate::questions::{Questions, Say};
use crate::receipts::{NAME_BYTES_MAX, Receipt, Receipts};
use crate::reload::Reload;
use crate::store::{Handled, Store};
use crate::subscriptions::Subscriptions;
use crate::trace::Traces;
use crate::{
    Ready,
    api::views::{ChangeView, DeliveryView},
};
use bruit_model::NodeId;
use bruit_runtime::Handle;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// How much waits to be said to the node. Guess.
pub(crate) const SAYS_MAX: usize = 4096;

/// Counters of the agent itself, for metrics and status.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Answers of the API by hundred of the status, from 1xx on.
    pub(crate) answers: [AtomicU64; 5],
    /// Connections that the API closed at once: too many were open.
    pub(crate) connections_shed: AtomicU64,
    /// Connections to the API that are open.
    pub(crate) connections_open: AtomicU64,
    /// Replayed requests that came back and were not spread again.
    pub(crate) loops: AtomicU64,
    /// Bodies refused: over the limit, or too many under way.
    pub(crate) bodies_refused: AtomicU64,
    /// Requests refused for their Host, Origin or token.
    pub(crate) guarded: AtomicU64,
    /// Changes of members' states: to alive, suspect, failed, left.
    pub(crate) transitions: [AtomicU64; 4],
    /// Snapshots that could not be kept.
    pub(crate) snapshots_failed: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What does not change while the agent runs.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) ready: Ready,
    pub(crate) me: NodeId,
    pub(crate) advertise: std::net::SocketAddr,
    pub(crate) profile: &'static str,
    pub(crate) is_keyed: bool,
    pub(crate) generation: u32,
    /// Items from before are history: subscriptions here do not get them.
    pub(crate) since_unix_millis: u64,
    /// Whether only names of this machine may stand in Host.
    pub(crate) is_api_loopback: bool,
}

/// Shared by the API, the pump and the agent.
pub(crate) struct Shared {
    pub(crate) facts: Facts,
    pub(crate) node: Handle,
    pub(crate) delivery: Delivery,
    /// The settings that hold, and how they are read again.
    pub(crate) reload: Reload,
    /// Every change of a subscription goes through here.
    pub(crate) subscriptions: Subscriptions,
    /// What the group's members announce.
    pub(crate) announced: Announced,
    /// In which order each topic's items are delivered.
    pub(crate) orders: Orders,
    /// How long deliveries took.
    pub(crate) durations: Arc<Durations>,
    /// How long items took to come here.
    pub(crate) propagation: Propagation,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) changes: Arc<Changes>,
    /// What survives a restart; `None` is in memory only.
    pub(crate) store: Option<Arc<Store>>,
    /// Items that an earlier run offered.
    pub(crate) handled: Handled,
    /// Tells when events have been taken.
    pub(crate) passage: Passage,
    pub(crate) traces: Arc<Traces>,
    pub(crate) questions: Arc<Questions>,
    /// What is to be said to the node about questions.
    pub(crate) says: mpsc::Sender<Say>,
    /// `None` in a group without a key.
    pub(crate) keys: Option<Keys>,
    pub(crate) counters: Counters,
    pub(crate) started: std::time::Instant,
    pub(crate) is_leaving: AtomicBool,
    /// When deliveries must have ended, once they are ending.
    pub(crate) drain_until: OnceLock<tokio::time::Instant>,
    /// Somebody asked the API to leave.
    pub(crate) leave_asked: Notify,
    /// Goodbye has been said.
    pub(crate) left: Notify,
    /// Bytes of request bodies under way.
    pub(crate) body_bytes: AtomicU64,
}

/// What happens when a delivery ends.
pub(crate) struct Ends {
    pub(crate) me: NodeId,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) traces: Arc<Traces>,
    pub(crate) says: mpsc::Sender<Say>,
    pub(crate) durations: Arc<Durations>,
}

impl Ends {
    /// Takes one report; never blocks.
    pub(crate) fn take(&self, report: &Report) {
        let is_last = self.traces.log.ended(report);
        self.durations.take(report);
        if matches!(report.outcome, Outcome::Failed { .. }) {
            let delivery = DeliveryView::new(report);
            tracing::warn!(
                item = %delivery.item, path = %delivery.path,
                subscription = %delivery.subscription,
                reason = delivery.reason.as_deref().unwrap_or_default(),
                status = delivery.status, attempts = delivery.attempts, "not delivered"
            );
        }
        let view = || ChangeView::Delivery { delivery: DeliveryView::new(report) };
        self.changes.push(Kind::Delivery, view);
        if report.item.ask().is_some() {
            self.confirm(report, is_last);
        }
    }

    /// Answers the item's origin; `is_last` says that all deliveries of the item have ended.
    fn confirm(&self, report: &Report, is_last: bool) {
        let (delivered, status, attempts) = match report.outcome {
            Outcome::Delivered { status, attempts, .. } => (true, Some(status), attempts),
            Outcome::Failed { status, attempts, .. } => (false, status, attempts),
        };
        let receipt = Receipt {
            item: report.item.id,
            subscription: report.subscription.to_string(),
            delivered,
            status,
            attempts: u16::try_from(attempts).unwrap_or(u16::MAX),
        };
        let to = receipt.item;
        if to.origin == self.me {
            self.receipts.record(self.me, &receipt);
            return;
        }
        debug_assert!(receipt.subscription.len() <= NAME_BYTES_MAX);
        let say = |part| self.says.try_send(Say::Answer { to, part, is_last });
        if receipt.encode().is_none_or(|part| say(part).is_err()) {
            count(&self.receipts.counters.unsent);
        }
    }
}

impl Shared {
    /// How long the agent has been running.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// What the operator should know.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.facts.ready.persistent {
            warnings.push("in memory only: no --data, so a restart makes a new member".to_owned());
        }
        if !self.facts.is_keyed {
            warnings.push("no cluster key: only this machine can take part".to_owned());
        }
        warnings.extend(self.store.iter().flat_map(|store| store.warnings()));
        let [receive, _] = self.node.buffer_bytes();
        if (1..425_984).contains(&receive) {
            warnings.push(format!(
                "the UDP receive buffer has {receive} bytes, so bursts may be dropped; raise \
                 net.core.rmem_max to 4194304"
            ));
        }
        let shed: u64 = self.delivery.snapshot().iter().map(|each| each.shed).sum();
        if shed > 0 {
            warnings.push(format!("{shed} items were dropped because a consumer's queue was full"));
        }
        warnings
    }
}
