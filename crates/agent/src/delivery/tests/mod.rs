//! Tests of delivery, most with real sockets on loopback.

mod answers;
mod circuit;
mod consumer;
mod faults;
mod health;
mod http2;
mod journal;
mod letters;
mod order;
mod programs;
mod queue;
mod replay;
mod stopping;
mod stream;
mod subscriptions;

use super::{
    DeadLetter, Delivery, DeliveryRecord, DeliveryState, Filter, From, Journal, Mode, NoJournal,
    Notice, Outcome, Policy, Report, Source, Subscription, SubscriptionState, SubscriptionStatus,
    Wanted,
};
use bruit_engine::Rng;
use bruit_model::{Header, HybridTime, Item, ItemId, NodeId, Order, Path, Pattern, Style, meta};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a test waits for at most; only a test that fails takes so long.
const DEADLINE: Duration = Duration::from_secs(60);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it does not come")
}

/// An event without headers.
pub(super) fn event(seq: u64, path: &str) -> Item {
    Item {
        id: ItemId { origin: NodeId([1; 16]), start: 1, seq },
        path: Path::parse(path).unwrap(),
        previous_in_topic: None,
        time: HybridTime(0),
        expires_unix_millis: None,
        style: Style::Push,
        repair: true,
        fanout_count: 3,
        rounds_left: 3,
        hops: 1,
        headers: Vec::new(),
        payload: Bytes::new(),
        signature: None,
    }
}

pub(super) fn with(mut item: Item, headers: &[(&str, &str)]) -> Item {
    item.headers.extend(headers.iter().map(|&(name, value)| Header {
        name: name.into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    }));
    item
}

pub(super) fn invocation(seq: u64, method: &str, target: &str) -> Item {
    with(event(seq, "cache/x"), &[(meta::METHOD, method), (meta::TARGET, target)])
}

/// Waits between attempts that a test does not notice; no timeout that it could meet.
fn quick() -> Policy {
    Policy {
        timeout: DEADLINE,
        backoff_base: Duration::from_millis(1),
        backoff_max: Duration::from_millis(5),
        ..Policy::default()
    }
}

pub(super) fn subscription(name: &str, url: &str, policy: Policy) -> Subscription {
    Subscription {
        name: name.to_owned(),
        pattern: Pattern::root(),
        mode: Mode::http(url.parse().unwrap()),
        host: None,
        filter: Filter::default(),
        order: Order::None,
        from: From::Now,
        health: None,
        source: Source::Settings,
        policy,
    }
}

/// A [`Delivery`] whose reports and notices are kept for the test.
struct Rig {
    delivery: Delivery,
    reports: mpsc::UnboundedReceiver<Report>,
    notices: mpsc::UnboundedReceiver<Notice>,
}

impl Rig {
    fn new() -> Self {
        Self::journaled(Arc::new(NoJournal))
    }

    fn journaled(journal: Arc<dyn Journal>) -> Self {
        Self::build(journal, Box::new(super::hub::system_wall))
    }

    /// With a wall clock of its own.
    fn build(journal: Arc<dyn Journal>, wall: Box<super::hub::WallClock>) -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        let sink = move |report| {
            sender.send(report).ok();
        };
        let delivery = Delivery::with_wall(sink, journal, Rng::from_seed(1), wall);
        let (sender, notices) = mpsc::unbounded_channel();
        delivery.on_notice(move |notice| {
            sender.send(notice).ok();
        });
        Self { delivery, reports, notices }
    }

    /// With one subscription, `app`.
    fn with(url: &str, policy: Policy) -> Self {
        let rig = Self::new();
        rig.delivery.subscribe(subscription("app", url, policy)).unwrap();
        rig
    }

    fn offer(&self, item: Item) {
        self.delivery.offer(&Arc::new(item), Order::None);
    }

    /// Offers events 1 to `count`, with their numbers as paths.
    fn offer_events(&self, count: u64) {
        (1..=count).for_each(|seq| self.offer(event(seq, &seq.to_string())));
    }

    /// The dead letters of one subscription, or of all.
    fn dead(&self, name: Option<&str>) -> Vec<DeadLetter> {
        let records = self.records(DeliveryState::Failed, name);
        records.iter().map(|record| self.delivery.dead_letter(&record.id).unwrap()).collect()
    }

    fn records(&self, state: DeliveryState, name: Option<&str>) -> Vec<DeliveryRecord> {
        let subscription = name.map(str::to_owned);
        let wanted = Wanted { state: Some(state), subscription, limit: usize::MAX };
        self.delivery.deliveries(&wanted)
    }

    async fn next(&mut self) -> Report {
        within(self.reports.recv()).await.unwrap()
    }

    /// The state that the next notice tells, and why.
    async fn notice(&mut self) -> (SubscriptionState, Option<String>) {
        let notice = within(self.notices.recv()).await.unwrap();
        assert_ne!(notice.was, notice.status.state);
        (notice.status.state, notice.status.why)
    }

    async fn outcome(&mut self) -> Outcome {
        self.next().await.outcome
    }

    /// The number and the outcome of the next report.
    async fn numbered(&mut self) -> (u64, Outcome) {
        let report = self.next().await;
        (report.item.id.seq, report.outcome)
    }

    fn status(&self, name: &str) -> SubscriptionStatus {
        self.delivery.status(name).unwrap()
    }

    /// Waits until `app` is as wanted.
    async fn until(&self, wanted: impl Fn(&SubscriptionStatus) -> bool) -> SubscriptionStatus {
        let watch = async {
            loop {
                let status = self.status("app");
                if wanted(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        match tokio::time::timeout(DEADLINE, watch).await {
            Ok(status) => status,
            Err(_) => panic!("it does not come: {:?}", self.status("app")),
        }
    }
}

/// Status and attempts of a delivery.
fn delivered(outcome: Outcome) -> (u16, u32) {
    match outcome {
        Outcome::Delivered { status, attempts, .. } => (status, attempts),
        Outcome::Failed { .. } => panic!("{outcome:?}"),
    }
}
