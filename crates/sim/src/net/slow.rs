//! Slow hosts: each input takes a while, and the next one waits for it.
//!
//! What waits is bounded as a socket's buffer is; a node hears of its own lag as from a driver
//! whose loop runs late.

use super::datagram::WAITING_MAX;
use super::host::{Slowness, Waiting};
use super::queue::Action;
use crate::{HostId, Net};
use bruit_model::Command;
use std::time::Duration;

impl Slowness {
    pub(crate) fn has_timer(&self) -> bool {
        self.waiting.iter().any(|waiting| matches!(waiting, Waiting::Timer(_)))
    }
}

/// A timer that is so late is reported to the node as lag. Guess: what a loaded scheduler does to
/// a process now and then is no news.
const LAG_MIN: Duration = Duration::from_millis(10);

impl Net {
    /// Lets every input take so long to be dealt with, from here on: a starved processor, or a
    /// slow program. Zero, as it is at first, ends it.
    pub fn slow(&mut self, host: HostId, per_input: Duration) {
        self.hosts[host.index()].slowness.per_input = per_input;
    }

    /// Gives a running host an input, once it is done with those before.
    pub(crate) fn take_in(&mut self, host: HostId, input: Waiting) {
        let on = &mut self.hosts[host.index()];
        if on.slowness.waiting.is_empty() && on.slowness.busy_until <= self.now {
            return self.deal_with(host, input);
        }
        if matches!(input, Waiting::Datagram(_)) && on.slowness.waiting.len() >= WAITING_MAX {
            on.stats.datagrams_shed += 1;
            return;
        }
        on.stats.inputs_delayed += 1;
        if on.slowness.waiting.is_empty() {
            self.queue.schedule(on.slowness.busy_until, Action::Ready(host));
        }
        on.slowness.waiting.push_back(input);
    }

    pub(crate) fn on_ready(&mut self, host: HostId) {
        let on = &mut self.hosts[host.index()];
        if on.slowness.waiting.is_empty() {
            return;
        }
        if on.stall.is_some() {
            // Paused as well: it goes on afterwards.
            self.queue.schedule(self.now + LAG_MIN, Action::Ready(host));
            return;
        }
        if on.slowness.busy_until > self.now {
            return;
        }
        let input = on.slowness.waiting.pop_front().expect("it is not empty");
        self.deal_with(host, input);
        let on = &mut self.hosts[host.index()];
        if !on.slowness.waiting.is_empty() {
            self.queue.schedule(on.slowness.busy_until.max(self.now), Action::Ready(host));
        }
    }

    fn deal_with(&mut self, host: HostId, input: Waiting) {
        let on = &mut self.hosts[host.index()];
        if on.node.is_none() {
            // It ended while this waited for its turn.
            on.stats.datagrams_to_dead += u64::from(matches!(input, Waiting::Datagram(_)));
            return;
        }
        on.slowness.busy_until = self.now + on.slowness.per_input;
        match input {
            Waiting::Datagram(datagram) => self.hand_datagram(&datagram),
            Waiting::Part(stream, side, part) => self.offer_running(stream, side, part),
            Waiting::Timer(due) => {
                let lag = self.now.since(due);
                if lag >= LAG_MIN {
                    let _ignored_by_some = self.command(host, Command::ReportLag(lag));
                }
                self.handle_timeout(host);
            }
        }
    }
}
