//! Counters.

use std::ops::AddAssign;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened, as counts. A host's own, or their sum.
        ///
        /// Datagram bytes are the payload plus 28: the IPv4 and UDP headers (RFC 791, RFC 768).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Stats { $($(#[$doc])* pub $name: u64,)* }

        impl AddAssign for Stats {
            fn add_assign(&mut self, other: Self) { $(self.$name += other.$name;)* }
        }
    };
}

counters! {
    /// Datagrams that this host sent, whatever became of them.
    datagrams_sent,
    /// Their bytes.
    datagram_bytes_sent,
    /// Of those sent: lost by a link.
    datagrams_lost,
    /// Of those sent: found the queue of a link full.
    datagrams_dropped,
    /// Of those sent: delivered a second time by a link.
    datagrams_duplicated,
    /// Of those sent: stopped by a partition, when sent or when they would have arrived.
    datagrams_blocked,
    /// Of those sent: to an address that nobody has.
    datagrams_unroutable,
    /// Of those sent: above what UDP over IPv4 can carry.
    datagrams_oversized,
    /// Of those sent: too many were under way to that host.
    datagrams_overflowed,
    /// Datagrams brought here past all links.
    datagrams_injected,
    /// Datagrams that reached this host's node.
    datagrams_delivered,
    /// Their bytes.
    datagram_bytes_delivered,
    /// Of those that arrived: overtaken by one that was sent later.
    datagrams_reordered,
    /// Of those that arrived: the host was down.
    datagrams_to_dead,
    /// Of those that arrived: the host was paused or slow, and its socket buffer was full or its
    /// process ended first.
    datagrams_shed,
    /// Of those delivered: refused by the node.
    datagrams_rejected,
    /// Streams that this host asked for.
    streams_asked,
    /// Of those: not had.
    streams_failed,
    /// Streams that this host accepted.
    streams_accepted,
    /// Ends of streams on this host that were closed before both sides had finished.
    streams_broken,
    /// Times that a partition held up what travels to this host on a stream.
    stream_stalls,
    /// Times that bytes to this host on a stream were lost and sent again.
    stream_retransmits,
    /// Bytes that this host wrote to streams.
    stream_bytes_sent,
    /// Bytes from streams that reached this host's node.
    stream_bytes_delivered,
    /// Writes and the like on streams that were gone.
    stream_outputs_stale,
    /// Inputs that the host's nodes handled: datagrams, parts of streams, timeouts.
    inputs,
    /// Timeouts handled.
    timeouts,
    /// Events told.
    events,
    /// Of those: not kept for [`crate::Net::events`], because too many had been.
    events_shed,
    /// Datagrams not kept for [`crate::Net::recorded`], because too many had been.
    records_shed,
    /// Starts and restarts.
    starts,
    /// Crashes.
    crashes,
    /// Pauses.
    pauses,
    /// Goodbyes said to the end.
    leaves,
    /// Disks lost.
    wipes,
    /// Inputs that waited for a slow host.
    inputs_delayed,
}
