//! The task that serves one subscription.
//!
//! It takes what is due, as long as fewer requests are under way than the policy allows, and
//! sleeps until something ends, comes, becomes due, or an idle connection is to be closed.
//! An item that waits for its next attempt is in the queue and holds neither a connection nor
//! a place among the requests under way.

use super::Sink;
use super::attempt::{Answer, Attempt, Verdict};
use super::connection::{AttemptError, Pool};
use super::lane::{Ended, Lane, unix_millis};
use super::mode::Mode;
use super::outcome::{FailReason, Report};
use super::queue::Entry;
use super::replay;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Serves a lane until it is closed. Dropping the future ends all that is under way.
pub(super) struct Worker {
    lane: Arc<Lane>,
    sink: Arc<Sink>,
    pool: Pool,
    under_way: JoinSet<(Entry, Result<Answer, AttemptError>)>,
}

impl Worker {
    pub(super) fn new(lane: Arc<Lane>, sink: Arc<Sink>) -> Self {
        Self { lane, sink, pool: Pool::default(), under_way: JoinSet::new() }
    }

    pub(super) async fn run(mut self) {
        loop {
            while self.start_one() {}
            if self.under_way.is_empty() && self.lane.state().closed {
                return;
            }
            let until = self.next_wake();
            let lane = Arc::clone(&self.lane);
            tokio::select! {
                () = lane.wake.notified() => {}
                Some(ended) = self.under_way.join_next() => {
                    let (entry, result) =
                        ended.expect("attempts do not panic and end only with the worker");
                    self.end(entry, result);
                }
                () = sleep_or_wait(until) => self.pool.expire(Instant::now()),
            }
        }
    }

    /// Starts the next item, or drops it where it needs no attempt; whether there was one.
    fn start_one(&mut self) -> bool {
        let mut state = self.lane.state();
        let subscription = Arc::clone(&state.subscription);
        if self.under_way.len() >= usize::from(subscription.policy.concurrency.get()) {
            return false;
        }
        let Some(entry) = state.begin(Instant::now()) else { return false };
        let expired = entry.item.expires_unix_millis.is_some_and(|at| at <= unix_millis());
        let Mode::Http(http) = &subscription.mode else { return false };
        let request = if expired {
            Err(FailReason::Expired)
        } else {
            replay::request(&entry.item, &subscription, http).map_err(FailReason::Unreplayable)
        };
        match request {
            Err(reason) => {
                let report = state.abandon(&self.lane.name, &entry, reason);
                drop(state);
                self.report(vec![report]);
            }
            Ok(request) => {
                drop(state);
                let attempt = Attempt {
                    request,
                    endpoint: http.endpoint.clone(),
                    idle: self.pool.take(&http.endpoint),
                    timeout: subscription.policy.timeout,
                };
                self.under_way.spawn(async move { (entry, attempt.run().await) });
            }
        }
        true
    }

    fn end(&mut self, entry: Entry, result: Result<Answer, AttemptError>) {
        let ended = match result {
            Err(error) => Ended::Failed(error.to_string()),
            Ok(Answer { status, retry_after, connection }) => {
                if let Some(connection) = connection {
                    self.pool.put(connection, Instant::now());
                }
                let verdict = Verdict::of(status);
                Ended::Answered { verdict, status: status.as_u16(), retry_after }
            }
        };
        let reports = self.lane.state().end(&self.lane.name, entry, ended);
        self.report(reports);
    }

    /// When to look again though nothing came and nothing ended.
    fn next_wake(&self) -> Option<Instant> {
        let state = self.lane.state();
        let full = self.under_way.len() >= usize::from(state.subscription.policy.concurrency.get());
        let due = if full || state.paused.is_some() { None } else { state.queue.next_due() };
        due.into_iter().chain(self.pool.next_expiry()).min()
    }

    fn report(&self, reports: Vec<Report>) {
        reports.into_iter().for_each(|report| (self.sink)(report));
    }
}

async fn sleep_or_wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
