//! What a driver counts.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a driver has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverStats {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Their bytes, without UDP and IP headers.
    pub datagram_bytes_in: u64,
    /// Received datagrams that the node refused; it counts why.
    pub datagrams_refused: u64,
    /// Datagrams given to the system to send.
    pub datagrams_out: u64,
    /// Their bytes, without UDP and IP headers.
    pub datagram_bytes_out: u64,
    /// Errors when receiving, such as ICMP answers to what was sent.
    pub receive_errors: u64,
    /// Datagrams not sent: the system had no buffer for them (`ENOBUFS`, `ENOMEM`).
    pub send_errors_no_buffer: u64,
    /// Datagrams not sent: larger than the path or the protocol allows (`EMSGSIZE`).
    pub send_errors_too_large: u64,
    /// Datagrams not sent: no way to the address.
    pub send_errors_unreachable: u64,
    /// Datagrams not sent for another reason.
    pub send_errors_other: u64,
    /// How often sending had to wait for the datagram socket.
    pub sends_blocked: u64,
    /// Calls to the system to send, receive, read or write.
    pub syscalls: u64,
    /// Streams that are open or being opened.
    pub streams_open: u64,
    /// Streams accepted from peers.
    pub streams_accepted: u64,
    /// Streams opened to peers.
    pub streams_connected: u64,
    /// Streams that the node wanted and could not have.
    pub streams_failed: u64,
    /// Streams of peers closed at once: too many were open.
    pub streams_shed: u64,
    /// Errors when accepting, such as too many open files.
    pub accept_errors: u64,
    /// Bytes read from streams.
    pub stream_bytes_in: u64,
    /// Bytes written to streams.
    pub stream_bytes_out: u64,
    /// Outputs of the node that made no sense: a write beyond credit, an unknown socket.
    pub outputs_invalid: u64,
    /// Events shed because nobody took them in time.
    pub events_shed: u64,
    /// The longest delay of the loop, see [`crate::LAG_REPORTED_MIN`].
    pub lag_max: Duration,
}

/// The live side of [`DriverStats`]: names as there.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) datagrams_in: AtomicU64,
    pub(crate) datagram_bytes_in: AtomicU64,
    pub(crate) datagrams_refused: AtomicU64,
    pub(crate) datagrams_out: AtomicU64,
    pub(crate) datagram_bytes_out: AtomicU64,
    pub(crate) receive_errors: AtomicU64,
    pub(crate) send_errors_no_buffer: AtomicU64,
    pub(crate) send_errors_too_large: AtomicU64,
    pub(crate) send_errors_unreachable: AtomicU64,
    pub(crate) send_errors_other: AtomicU64,
    pub(crate) sends_blocked: AtomicU64,
    pub(crate) syscalls: AtomicU64,
    pub(crate) streams_open: AtomicU64,
    pub(crate) streams_accepted: AtomicU64,
    pub(crate) streams_connected: AtomicU64,
    pub(crate) streams_failed: AtomicU64,
    pub(crate) streams_shed: AtomicU64,
    pub(crate) accept_errors: AtomicU64,
    pub(crate) stream_bytes_in: AtomicU64,
    pub(crate) stream_bytes_out: AtomicU64,
    pub(crate) outputs_invalid: AtomicU64,
    pub(crate) events_shed: AtomicU64,
    pub(crate) lag_max_nanos: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Relaxed);
}

impl Counters {
    /// Counts a datagram that the system did not send.
    pub(crate) fn send_failed(&self, error: &io::Error) {
        count(self.of_send_error(error));
    }

    fn of_send_error(&self, error: &io::Error) -> &AtomicU64 {
        match error.raw_os_error() {
            Some(libc::ENOBUFS | libc::ENOMEM) => &self.send_errors_no_buffer,
            Some(libc::EMSGSIZE) => &self.send_errors_too_large,
            Some(
                libc::ENETUNREACH
                | libc::EHOSTUNREACH
                | libc::ENETDOWN
                | libc::ECONNREFUSED
                | libc::EADDRNOTAVAIL,
            ) => &self.send_errors_unreachable,
            Some(_) | None => &self.send_errors_other,
        }
    }

    /// The numbers at this moment, each by itself.
    pub(crate) fn snapshot(&self) -> DriverStats {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        DriverStats {
            datagrams_in: read(&self.datagrams_in),
            datagram_bytes_in: read(&self.datagram_bytes_in),
            datagrams_refused: read(&self.datagrams_refused),
            datagrams_out: read(&self.datagrams_out),
            datagram_bytes_out: read(&self.datagram_bytes_out),
            receive_errors: read(&self.receive_errors),
            send_errors_no_buffer: read(&self.send_errors_no_buffer),
            send_errors_too_large: read(&self.send_errors_too_large),
            send_errors_unreachable: read(&self.send_errors_unreachable),
            send_errors_other: read(&self.send_errors_other),
            sends_blocked: read(&self.sends_blocked),
            syscalls: read(&self.syscalls),
            streams_open: read(&self.streams_open),
            streams_accepted: read(&self.streams_accepted),
            streams_connected: read(&self.streams_connected),
            streams_failed: read(&self.streams_failed),
            streams_shed: read(&self.streams_shed),
            accept_errors: read(&self.accept_errors),
            stream_bytes_in: read(&self.stream_bytes_in),
            stream_bytes_out: read(&self.stream_bytes_out),
            outputs_invalid: read(&self.outputs_invalid),
            events_shed: read(&self.events_shed),
            lag_max: Duration::from_nanos(read(&self.lag_max_nanos)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn send_errors_are_told_apart() {
        let counters = Counters::default();
        for errno in [libc::ENOBUFS, libc::EMSGSIZE, libc::EHOSTUNREACH, libc::EINVAL, libc::EPERM]
        {
            counters.send_failed(&io::Error::from_raw_os_error(errno));
        }
        let expected = DriverStats {
            send_errors_no_buffer: 1,
            send_errors_too_large: 1,
            send_errors_unreachable: 1,
            send_errors_other: 2,
            ..DriverStats::default()
        };
        assert_eq!(counters.snapshot(), expected);
    }
}
