//! Numbers about deliveries, by subscription.
//!
//! There may be very many subscriptions: the first ones by name have numbers of their own, and
//! the others are taken together.

use super::histogram::{Counted, Histogram};
use super::text::{Families, Type, Value};
use crate::delivery::{Outcome, Report, SubscriptionState, SubscriptionStatus};
use crate::shared::Shared;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many subscriptions have numbers of their own. Guess.
const LABELS_MAX: usize = 100;
/// What the others are called together.
const OTHERS: &str = "other";

/// How long deliveries took, from the offer to the consumer's answer, by subscription.
#[derive(Debug, Default)]
pub(crate) struct Durations(Mutex<BTreeMap<Arc<str>, Arc<Histogram>>>);

impl Durations {
    /// Counts a delivery that ended well.
    pub(crate) fn take(&self, report: &Report) {
        let Outcome::Delivered { after, .. } = report.outcome else { return };
        let histogram = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match known.get(&report.subscription) {
                Some(histogram) => Arc::clone(histogram),
                None => Arc::clone(known.entry(Arc::clone(&report.subscription)).or_default()),
            }
        };
        histogram.observe(after);
    }

    /// What was counted of each of these; others are forgotten, since they are no more.
    fn of(&self, statuses: &[SubscriptionStatus]) -> Vec<Counted> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there =
            |name: &str| statuses.binary_search_by(|status| status.name.as_str().cmp(name)).is_ok();
        known.retain(|name, _| is_there(name));
        let counted = |status: &SubscriptionStatus| {
            known.get(status.name.as_str()).map(|histogram| histogram.counted()).unwrap_or_default()
        };
        statuses.iter().map(counted).collect()
    }
}

/// What is shown under one label.
#[derive(Default)]
struct Sum {
    /// Delivered, failed, shed, expired.
    ended: [u64; 4],
    retried: u64,
    queued_items: u64,
    queued_bytes: u64,
    in_flight: u64,
    dead_letters: u64,
    dead_letters_shed: u64,
    paused: u64,
    not_served: u64,
    oldest: Duration,
    took: Counted,
}

impl Sum {
    fn add(&mut self, status: &SubscriptionStatus, took: &Counted) {
        let ended = [status.delivered, status.failed, status.shed, status.expired];
        for (to, from) in self.ended.iter_mut().zip(ended) {
            *to += from;
        }
        self.retried += status.retried;
        self.queued_items += status.queued_items as u64;
        self.queued_bytes += status.queued_bytes as u64;
        self.in_flight += status.in_flight as u64;
        self.dead_letters += status.dead_letters as u64;
        self.dead_letters_shed += status.dead_letters_shed;
        self.paused += u64::from(status.state == SubscriptionState::Paused);
        self.not_served += u64::from(status.state != SubscriptionState::Active);
        let oldest = Duration::from_millis(status.oldest_queued_millis.unwrap_or(0));
        self.oldest = self.oldest.max(oldest);
        self.took.add(took);
    }

    fn show(&self, families: &mut Families, name: &str) {
        let name = ("subscription", name);
        for (outcome, value) in ["delivered", "failed", "shed", "expired"].iter().zip(self.ended) {
            families.counter("deliveries", &[name, ("outcome", outcome)], value);
        }
        families.counter("delivery_retries", &[name], self.retried);
        families.gauge("delivery_queue_length", &[name], self.queued_items);
        families.gauge("delivery_queue_bytes", &[name], self.queued_bytes);
        families.gauge("delivery_in_flight", &[name], self.in_flight);
        families.gauge("dead_letters", &[name], self.dead_letters);
        families.counter("dead_letters_shed", &[name], self.dead_letters_shed);
        families.gauge("subscription_paused", &[name], self.paused);
        families.gauge("subscription_not_served", &[name], self.not_served);
        let oldest = Value::Real(self.oldest.as_secs_f64());
        families.add(Type::Gauge, "delivery_oldest_seconds", &[name], oldest);
        families.histogram("delivery_duration_seconds", &[name], &self.took);
    }
}

/// Adds the numbers of all subscriptions.
pub(super) fn add(families: &mut Families, shared: &Shared) {
    let statuses = shared.delivery.snapshot();
    let took = shared.durations.of(&statuses);
    show_all(families, &statuses, &took);
}

/// The statuses come by name.
fn show_all(families: &mut Families, statuses: &[SubscriptionStatus], took: &[Counted]) {
    families.gauge("subscriptions", &[], statuses.len() as u64);
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for (place, (status, took)) in statuses.iter().zip(took).enumerate() {
        let label = if place < LABELS_MAX { status.name.as_str() } else { OTHERS };
        sums.entry(label).or_default().add(status, took);
    }
    for (label, sum) in &sums {
        sum.show(families, label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str) -> SubscriptionStatus {
        SubscriptionStatus {
            name: name.to_owned(),
            pattern: "**".to_owned(),
            mode: "http",
            endpoint: String::new(),
            state: SubscriptionState::Paused,
            why: None,
            queued_items: 2,
            queued_bytes: 3,
            oldest_queued_millis: Some(1500),
            in_flight: 1,
            accepted: 0,
            delivered: 5,
            retried: 0,
            failed: 0,
            shed: 0,
            expired: 0,
            dead_letters: 7,
            dead_letters_shed: 0,
            gaps_skipped: 0,
            last_status: None,
            last_error: None,
        }
    }

    #[test]
    fn the_first_by_name_have_numbers_of_their_own() {
        let names: Vec<String> = (0..150).map(|number| format!("s{number:03}")).collect();
        let statuses: Vec<SubscriptionStatus> = names.iter().map(|name| status(name)).collect();
        let mut families = Families::default();
        show_all(&mut families, &statuses, &vec![Counted::default(); 150]);
        let text = families.render();
        for line in [
            "bruit_subscriptions 150",
            "bruit_dead_letters{subscription=\"s000\"} 7",
            "bruit_dead_letters{subscription=\"s099\"} 7",
            "bruit_dead_letters{subscription=\"other\"} 350",
            "bruit_deliveries_total{subscription=\"other\",outcome=\"delivered\"} 250",
            "bruit_subscription_paused{subscription=\"other\"} 50",
            "bruit_delivery_queue_length{subscription=\"other\"} 100",
            "bruit_delivery_oldest_seconds{subscription=\"other\"} 1.5",
        ] {
            assert!(text.lines().any(|each| each == line), "{line} in\n{text}");
        }
        assert!(!text.contains("s100"), "{text}");
    }
}
