//! What a driver may hold.

use std::time::Duration;

/// The bounds of a driver. All defaults are guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most events that wait for [`crate::Events::next`]. Default 65,536. Unit: events.
    pub events_max: usize,
    /// The most bytes that those events hold, items by
    /// [`held_bytes`](bruit_model::Item::held_bytes), which the node's own store may share.
    /// Default 64 MiB.
    pub event_bytes_max: usize,
    /// The most streams that peers have opened at one time; a further one is closed at once and
    /// counted. Default 256. Unit: streams.
    pub accepted_streams_max: usize,
    /// The most streams that the node has opened at one time; a further one fails at once.
    /// Default 1,024. Unit: streams.
    pub connected_streams_max: usize,
    /// How long opening a stream may take, with name resolution. The addresses of a name are
    /// tried in order, each with an equal share of what is left. Default 5 s.
    pub connect_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            events_max: 65_536,
            event_bytes_max: 64 << 20,
            accepted_streams_max: 256,
            connected_streams_max: 1024,
            connect_timeout: Duration::from_secs(5),
        }
    }
}
