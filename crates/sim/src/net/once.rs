//! One thing at a time, for who wants to look between two.

use super::queue::Action;
use crate::{HostId, Net};
use bruit_engine::Instant;
use bruit_model::Event;

/// What happened in one step of a net.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Instant,
    /// On which host.
    pub host: HostId,
    /// What, in words.
    pub what: String,
    /// Other hosts may have changed as well.
    pub is_for_all: bool,
}

impl Net {
    /// When the next thing happens; `None` if nothing will.
    pub fn next_at(&mut self) -> Option<Instant> {
        self.queue.next_at()
    }

    /// The host's events since the last call of [`Net::events`], left where they are.
    pub fn told(&self, host: HostId) -> &[(Instant, Event)] {
        &self.hosts[host.index()].events
    }

    /// Lets the next thing happen, and no more.
    pub fn step_once(&mut self) -> Option<Happened> {
        let (at, action) = self.queue.pop()?;
        let (host, what) = self.describe(&action);
        self.perform(at, action);
        Some(Happened { at: self.now, host, what, is_for_all: false })
    }

    fn describe(&self, action: &Action) -> (HostId, String) {
        let stream_host = |stream: u64, side| self.stream_host(stream, side).unwrap_or(HostId(0));
        match action {
            Action::Datagram(datagram) => {
                let from = match datagram.sender {
                    Some(sender) => sender.to_string(),
                    None => datagram.from.to_string(),
                };
                let copy = if datagram.copy { ", a copy" } else { "" };
                (datagram.to, format!("datagram from {from}, {} B{copy}", datagram.bytes.len()))
            }
            Action::Timer(host) => (*host, "timer".to_owned()),
            Action::Ready(host) => (*host, "done with the last input".to_owned()),
            Action::Syn(stream) => {
                (stream_host(*stream, 1), format!("request to connect, stream {stream}"))
            }
            Action::ConnectTimeout(stream) => {
                (stream_host(*stream, 0), format!("connect timeout, stream {stream}"))
            }
            Action::Arrive(stream, side) => {
                (stream_host(*stream, *side), format!("arrival on stream {stream}"))
            }
            Action::StallTimeout(stream, side, _) => {
                (stream_host(*stream, *side), format!("stall timeout, stream {stream}"))
            }
            Action::Read(stream, side) => {
                (stream_host(*stream, *side), format!("reads stream {stream} again"))
            }
        }
    }
}
