//! The loop that owns a node.

use crate::bind::Bound;
use crate::datagram::Datagrams;
use crate::events::{self, EventSink, Events};
use crate::handle::{Handle, Order};
use crate::lag::LagMeter;
use crate::stats::Counters;
use crate::streams::Streams;
use crate::{Clock, Options};
use bruit_model::{Command, Instant, Node};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio::time::Sleep;

/// Calls that wait for the driver; a further one waits for room.
const ORDERS_WAITING: usize = 256;

/// Calls that are run before other inputs have their turn. Source: guess.
const ORDERS_PER_BATCH: usize = 16;

/// Starts a task that drives `node` on the sockets of `bound`, by the times of `clock`: the one
/// that gave the node its first `Now`. The task runs until [`Handle::stop`], or until every
/// handle has been dropped.
///
/// # Panics
/// If called outside a tokio runtime with I/O and time enabled.
pub fn spawn(
    bound: Bound,
    node: Box<dyn Node + Send>,
    clock: Clock,
    options: Options,
) -> (Handle, Events) {
    let counters = Arc::new(Counters::default());
    let (sender, orders) = mpsc::channel(ORDERS_WAITING);
    let (local_addr, buffer_bytes) = (bound.local_addr(), bound.buffer_bytes());
    let handle = Handle::new(sender, Arc::clone(&counters), local_addr, buffer_bytes);
    let (sink, events) = events::queue(&options, Arc::clone(&counters));
    let driver = Driver {
        node,
        clock,
        datagrams: Datagrams::new(bound.socket, local_addr, Arc::clone(&counters)),
        streams: Streams::new(bound.listener, options, Arc::clone(&counters)),
        orders,
        taken: Vec::with_capacity(ORDERS_PER_BATCH),
        events: sink,
        timer: Timer::new(),
        lag: LagMeter::default(),
        counters,
    };
    tokio::spawn(driver.run());
    (handle, events)
}

struct Driver {
    node: Box<dyn Node + Send>,
    clock: Clock,
    datagrams: Datagrams,
    streams: Streams,
    orders: mpsc::Receiver<Order>,
    /// Taken from `orders`, not yet run.
    taken: Vec<Order>,
    events: EventSink,
    timer: Timer,
    lag: LagMeter,
    counters: Arc<Counters>,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, Default)]
struct Woken {
    datagrams: bool,
    streams: bool,
    orders: bool,
    timer: bool,
    /// Every handle has been dropped.
    abandoned: bool,
}

impl Driver {
    async fn run(mut self) {
        tracing::debug!(id = %self.node.id(), "driver started");
        self.drain();
        loop {
            self.timer.arm(self.node.poll_timeout().map(|wake| wake.at), &self.clock);
            let woken = poll_fn(|cx| self.poll_woken(cx)).await;
            let began = self.clock.mono();
            self.on_timeout(began);
            let mut full = self.taken.len() == ORDERS_PER_BATCH;
            if woken.datagrams {
                full |= self.datagrams.receive(&mut *self.node, &self.clock);
            }
            if woken.streams {
                full |= self.streams.receive(&mut *self.node, &self.clock);
            }
            let stop = self.run_orders() || woken.abandoned;
            self.drain();
            self.measure(began);
            if stop {
                break;
            }
            if full {
                tokio::task::yield_now().await;
            }
        }
        self.stop().await;
    }

    /// Looks at every source, so that one wake-up serves all of them. tokio's cooperative
    /// budget makes this pending now and then even if something is always there.
    fn poll_woken(&mut self, cx: &mut Context<'_>) -> Poll<Woken> {
        let mut woken = Woken {
            datagrams: self.datagrams.poll_ready(cx).is_ready(),
            streams: self.streams.poll_ready(cx).is_ready(),
            timer: self.timer.poll(cx).is_ready(),
            ..Woken::default()
        };
        match self.orders.poll_recv_many(cx, &mut self.taken, ORDERS_PER_BATCH) {
            Poll::Ready(0) => woken.abandoned = true,
            Poll::Ready(_) => woken.orders = true,
            Poll::Pending => {}
        }
        let any = woken.datagrams || woken.streams || woken.orders || woken.timer;
        if any || woken.abandoned { Poll::Ready(woken) } else { Poll::Pending }
    }

    /// Handles what is due, whether or not the timer has fired for it.
    fn on_timeout(&mut self, now: Instant) {
        let Some(wake) = self.node.poll_timeout().filter(|wake| wake.at <= now) else { return };
        self.lag.measured(self.timer.lateness(now));
        tracing::trace!(reason = ?wake.reason, "timeout");
        self.node.handle_timeout(self.clock.now());
    }

    /// Whether to stop.
    fn run_orders(&mut self) -> bool {
        for order in self.taken.drain(..) {
            match order {
                Order::Call(call) => call(&mut *self.node, self.clock.now()),
                // What was asked later is not done; whoever asked is told so.
                Order::Stop => return true,
            }
        }
        false
    }

    fn drain(&mut self) {
        self.datagrams.transmit(&mut *self.node, &self.clock);
        self.streams.drain(&mut *self.node, &self.clock);
        while let Some(event) = self.node.poll_event() {
            self.events.push(event);
        }
    }

    fn measure(&mut self, began: Instant) {
        let now = self.clock.now();
        self.lag.measured(now.mono.since(began));
        let nanos = u64::try_from(self.lag.max().as_nanos()).unwrap_or(u64::MAX);
        self.counters.lag_max_nanos.fetch_max(nanos, Relaxed);
        let Some(lag) = self.lag.report(now.mono) else { return };
        tracing::debug!(?lag, "the loop runs late");
        if let Err(error) = self.node.handle_command(now, Command::ReportLag(lag)) {
            tracing::debug!(%error, "the node does not want to know how late the loop runs");
        }
        self.drain();
    }

    async fn stop(self) {
        let Self { node, datagrams, streams, events, orders, .. } = self;
        drop(datagrams);
        streams.stop().await;
        tracing::debug!(id = %node.id(), "driver stopped");
        drop(node);
        drop(events);
        // Last: this is what `Handle::stop` waits for.
        drop(orders);
    }
}

/// The one timer.
struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// The deadline it is armed for, and the moment when that was done.
    armed: Option<(Instant, Instant)>,
}

impl Timer {
    fn new() -> Self {
        // Disarmed: the deadline is set before the sleep is first polled.
        Self { sleep: Box::pin(tokio::time::sleep(std::time::Duration::ZERO)), armed: None }
    }

    /// Arms it for `at`, unless that is what it is armed for. `None` disarms.
    fn arm(&mut self, at: Option<Instant>, clock: &Clock) {
        if self.armed.map(|(armed_for, _)| armed_for) == at {
            return;
        }
        self.armed = at.map(|at| (at, clock.mono()));
        if let Some(deadline) = at.and_then(|at| clock.deadline(at)) {
            self.sleep.as_mut().reset(deadline);
        } else {
            self.armed = None;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.armed.is_none() {
            return Poll::Pending;
        }
        self.sleep.as_mut().poll(cx)
    }

    /// How late `now` is for the deadline. A deadline that had passed when it was set is late
    /// only from then on.
    fn lateness(&self, now: Instant) -> std::time::Duration {
        self.armed.map_or(std::time::Duration::ZERO, |(at, armed_at)| now.since(at.max(armed_at)))
    }
}
