//! The driver on real sockets of this host, with a node that does what it is told.

#![expect(clippy::unwrap_used, reason = "functions that tests call are tests too")]

mod toy;

use bruit_model::{Command, CommandError, Event, Node, NodeId, Reply, StreamId, Target};
use bruit_runtime::{Clock, Events, Handle, LAG_REPORTED_MIN, Options, Stopped, bind, spawn};
use std::future::Future;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use toy::{Ask, Seen, Toy};

const LOOPBACK: &str = "127.0.0.1:0";

/// Long: only a test that fails waits so long.
const DEADLINE: Duration = Duration::from_secs(60);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("it happens before the deadline")
}

struct Running {
    handle: Handle,
    events: Events,
}

impl Running {
    fn new(node: Box<dyn Node + Send>) -> Self {
        Self::with_options(node, Options::default())
    }

    fn with_options(node: Box<dyn Node + Send>, options: Options) -> Self {
        let bound = bind(LOOPBACK.parse().unwrap()).unwrap();
        let (handle, events) = spawn(bound, node, Clock::new(), options);
        Self { handle, events }
    }

    fn addr(&self) -> SocketAddr {
        self.handle.local_addr()
    }

    async fn ask(&self, ask: Ask) {
        let result = soon(self.handle.command(Command::Extra(Box::new(ask)))).await;
        assert_eq!(result, Ok(Ok(Reply::Done)));
    }

    async fn connect(&self, to: SocketAddr) {
        self.ask(Ask::Connect { to: Target::Addr(to) }).await;
    }

    /// The next thing that it saw, lag of a busy machine aside.
    async fn seen(&mut self) -> Seen {
        loop {
            let event = soon(self.events.next()).await.expect("it runs");
            let Event::Extra(seen) = event else { panic!("not of a toy: {event:?}") };
            let seen = seen.downcast_ref::<Seen>().unwrap();
            if !matches!(seen, Seen::Lag(_)) {
                return seen.clone();
            }
        }
    }

    /// Until the numbers satisfy `condition`.
    async fn until(&self, condition: impl Fn(&bruit_runtime::DriverStats) -> bool) {
        soon(async {
            while !condition(&self.handle.stats()) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

async fn raw_ping(from: &str, to: SocketAddr) -> SocketAddr {
    let socket = UdpSocket::bind(from).await.unwrap();
    socket.send_to(b"ping", to).await.unwrap();
    let mut buffer = [0; 16];
    let (len, peer) = soon(socket.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(&buffer[..len], b"pong");
    peer
}

#[tokio::test]
async fn datagrams_come_and_go_and_are_counted() {
    let a = Running::new(Toy::finishing(0));
    let mut b = Running::new(Toy::finishing(0));
    let ping = Ask::Datagram { to: b.addr(), bytes: b"ping".to_vec(), segment_size: None };
    a.ask(ping).await;
    a.until(|stats| stats.datagrams_in == 1).await;
    assert_eq!(raw_ping(LOOPBACK, b.addr()).await, b.addr());

    let empty = Ask::Datagram { to: b.addr(), bytes: Vec::new(), segment_size: None };
    a.ask(empty).await;
    let bytes = vec![9; 65_507];
    let large = Ask::Datagram { to: b.addr(), bytes: bytes.clone(), segment_size: None };
    a.ask(large).await;
    assert_eq!(b.seen().await, Seen::Datagram { from: a.addr(), bytes });
    let too_large = Ask::Datagram { to: b.addr(), bytes: vec![9; 65_508], segment_size: None };
    a.ask(too_large).await;
    a.until(|stats| stats.send_errors_too_large == 1).await;

    let (a, b) = (a.handle.stats(), b.handle.stats());
    assert_eq!((a.datagrams_out, a.datagram_bytes_out), (3, 4 + 65_507));
    assert_eq!((a.datagrams_in, a.datagram_bytes_in), (1, 4));
    assert_eq!((b.datagrams_out, b.datagram_bytes_out), (2, 8));
    assert_eq!((b.datagrams_in, b.datagram_bytes_in), (4, 8 + 65_507));
    assert_eq!(b.datagrams_refused, 1);
}

#[tokio::test]
async fn a_buffer_of_segments_becomes_datagrams() {
    let a = Running::new(Toy::finishing(0));
    let mut b = Running::new(Toy::finishing(0));
    let bytes = b"aaabbbcc".to_vec();
    a.ask(Ask::Datagram { to: b.addr(), bytes, segment_size: Some(3) }).await;
    for expected in ["aaa", "bbb", "cc"] {
        let bytes = expected.as_bytes().to_vec();
        assert_eq!(b.seen().await, Seen::Datagram { from: a.addr(), bytes });
    }
}

#[tokio::test]
async fn a_burst_is_taken_whole() {
    let mut a = Running::new(Toy::finishing(0));
    let socket = std::net::UdpSocket::bind(LOOPBACK).unwrap();
    let numbers = || (0..200u8).map(|number| vec![b'#', number]);
    // All are there before the driver looks: this test's thread is the driver's.
    for bytes in numbers() {
        socket.send_to(&bytes, a.addr()).unwrap();
    }
    let from = socket.local_addr().unwrap();
    for bytes in numbers() {
        assert_eq!(a.seen().await, Seen::Datagram { from, bytes });
    }
}

#[tokio::test]
async fn ipv6_works_alone_and_beside_ipv4() {
    if UdpSocket::bind("[::1]:0").await.is_err() {
        eprintln!("not run: this host has no IPv6");
        return;
    }
    let bound = bind("[::1]:0".parse().unwrap()).unwrap();
    let (six, _events) = spawn(bound, Toy::finishing(0), Clock::new(), Options::default());
    assert_eq!(raw_ping("[::1]:0", six.local_addr()).await, six.local_addr());

    let bound = bind("[::]:0".parse().unwrap()).unwrap();
    let (handle, events) = spawn(bound, Toy::finishing(0), Clock::new(), Options::default());
    let mut both = Running { handle, events };
    let port = both.addr().port();
    raw_ping("[::1]:0", SocketAddr::new("::1".parse().unwrap(), port)).await;
    let four = SocketAddr::new("127.0.0.1".parse().unwrap(), port);
    raw_ping(LOOPBACK, four).await;
    let socket = UdpSocket::bind(LOOPBACK).await.unwrap();
    socket.send_to(b"hello", four).await.unwrap();
    let from = socket.local_addr().unwrap();
    let hello = Seen::Datagram { from, bytes: b"hello".to_vec() };
    assert_eq!(both.seen().await, hello, "not from ::ffff:127.0.0.1");
    let peer = TcpStream::connect(four).await.unwrap();
    let from = peer.local_addr().unwrap();
    assert_eq!(both.seen().await, Seen::Accepted(StreamId(1), from), "not as ::ffff:127.0.0.1");
}

#[tokio::test]
async fn timers_fire_and_are_armed_anew() {
    let mut a = Running::new(Toy::finishing(0));
    a.ask(Ask::WakeIn(Duration::from_secs(3600))).await;
    a.ask(Ask::WakeIn(Duration::from_millis(20))).await;
    assert_eq!(a.seen().await, Seen::Timeout);
    a.ask(Ask::WakeIn(Duration::ZERO)).await;
    assert_eq!(a.seen().await, Seen::Timeout);
    a.ask(Ask::WakeIn(Duration::MAX)).await;
    a.ask(Ask::Events(1)).await;
    assert_eq!(a.seen().await, Seen::Number(0), "no timeout");
}

#[tokio::test]
async fn calls_and_commands_reach_the_node() {
    let a = Running::new(Toy::finishing(0));
    let id = soon(a.handle.with(|node, _now| node.id())).await;
    assert_eq!(id, Ok(NodeId([7; 16])));
    let refused = soon(a.handle.command(Command::Leave)).await;
    assert_eq!(refused, Ok(Err(CommandError::Unsupported)));
}

#[tokio::test]
async fn large_streams_arrive_whole_both_ways() {
    const SENT: usize = 8 << 20;
    let mut a = Running::new(Toy::finishing(SENT));
    let mut b = Running::new(Toy::finishing(SENT));
    a.connect(b.addr()).await;
    let (own, theirs) = (StreamId(2), StreamId(1));
    assert_eq!(a.seen().await, Seen::Connected(own, b.addr()));
    assert!(matches!(b.seen().await, Seen::Accepted(id, _) if id == theirs));
    let (a_stats, b_stats) = (a.handle.clone(), b.handle.clone());
    for (node, id) in [(&mut a, own), (&mut b, theirs)] {
        assert_eq!(node.seen().await, Seen::Data(id));
        assert_eq!(node.seen().await, Seen::Finished { id, received: SENT, intact: true });
        assert_eq!(node.seen().await, Seen::Closed(id, "both sides have finished".into()));
    }
    for stats in [a_stats.stats(), b_stats.stats()] {
        assert_eq!((stats.stream_bytes_in, stats.stream_bytes_out), (SENT as u64, SENT as u64));
        assert_eq!(stats.streams_open, 0);
        assert_eq!(stats.outputs_invalid, 0);
    }
    assert_eq!(a_stats.stats().streams_connected, 1);
    assert_eq!(b_stats.stats().streams_accepted, 1);
}

#[tokio::test]
async fn many_streams_at_once_arrive_whole() {
    const SENT: usize = 300_000;
    const STREAMS: usize = 40;
    let a = Running::new(Toy::finishing(SENT));
    let mut b = Running::new(Toy::finishing(SENT));
    for _ in 0..STREAMS {
        a.connect(b.addr()).await;
    }
    let (mut finished, mut closed) = (0, 0);
    while closed < STREAMS {
        let seen = b.seen().await;
        if let Seen::Finished { received, intact, .. } = seen {
            assert_eq!((received, intact), (SENT, true));
            finished += 1;
        } else if let Seen::Closed(_, why) = seen {
            assert_eq!(why, "both sides have finished");
            closed += 1;
        }
    }
    assert_eq!(finished, STREAMS);
    a.until(|stats| stats.streams_open == 0).await;
}

#[tokio::test]
async fn a_refused_connect_fails_and_says_why() {
    let mut a = Running::new(Toy::finishing(0));
    let free = TcpListener::bind(LOOPBACK).await.unwrap().local_addr().unwrap();
    a.connect(free).await;
    let Seen::Failed(StreamId(2), why) = a.seen().await else { panic!("it cannot connect") };
    assert!(why.starts_with(&format!("cannot connect to {free}: Connection refused")), "{why}");
    assert_eq!(a.handle.stats().streams_failed, 1);
    assert_eq!(a.handle.stats().streams_open, 0);
}

#[tokio::test]
async fn names_are_resolved() {
    let mut a = Running::new(Toy::finishing(0));
    let b = Running::new(Toy::finishing(0));
    a.ask(Ask::Connect { to: Target::Name("localhost".into(), b.addr().port()) }).await;
    assert_eq!(a.seen().await, Seen::Connected(StreamId(2), b.addr()));

    // A label of 64 letters: no resolver needs to be asked (RFC 1035, section 2.3.4).
    let name = "a".repeat(64);
    a.ask(Ask::Connect { to: Target::Name(name.clone(), 1) }).await;
    loop {
        if let Seen::Failed(StreamId(4), why) = a.seen().await {
            assert!(why.starts_with(&format!("cannot resolve {name:?}: ")), "{why}");
            break;
        }
    }
}

#[tokio::test]
async fn streams_of_the_node_are_bounded() {
    let options = Options { connected_streams_max: 1, ..Options::default() };
    let mut a = Running::with_options(Box::new(Toy::default()), options);
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let to = listener.local_addr().unwrap();
    a.connect(to).await;
    a.connect(to).await;
    let mut seen = vec![a.seen().await, a.seen().await];
    seen.sort_by_key(|seen| matches!(seen, Seen::Failed(..)));
    let why = "1 streams are open, which is the limit".to_owned();
    assert_eq!(seen, [Seen::Connected(StreamId(2), to), Seen::Failed(StreamId(4), why)]);
}

#[tokio::test]
async fn a_connect_that_nobody_answers_ends() {
    let options = Options { connect_timeout: Duration::ZERO, ..Options::default() };
    let mut a = Running::with_options(Toy::finishing(0), options);
    // 192.0.2.0/24 is for documentation (RFC 5737): nobody answers there.
    a.connect("192.0.2.1:9".parse().unwrap()).await;
    let Seen::Failed(_, why) = a.seen().await else { panic!("it cannot connect") };
    assert!(why.starts_with("cannot connect to 192.0.2.1:9: "), "{why}");
}

#[tokio::test]
async fn a_reset_by_the_peer_closes() {
    let mut a = Running::new(Box::new(Toy::default()));
    let peer = TcpStream::connect(a.addr()).await.unwrap();
    let from = peer.local_addr().unwrap();
    assert_eq!(a.seen().await, Seen::Accepted(StreamId(1), from));
    peer.set_zero_linger().unwrap();
    drop(peer);
    let Seen::Closed(StreamId(1), why) = a.seen().await else { panic!("it was reset") };
    assert!(why.contains("reset"), "{why}");
    assert_eq!(a.handle.stats().streams_open, 0);
}

#[tokio::test]
async fn a_reset_by_the_node_reaches_the_peer() {
    let mut a = Running::new(Box::new(Toy::default()));
    let mut peer = TcpStream::connect(a.addr()).await.unwrap();
    assert!(matches!(a.seen().await, Seen::Accepted(StreamId(1), _)));
    a.ask(Ask::Reset(StreamId(1))).await;
    let error = soon(peer.read(&mut [0; 1])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    a.until(|stats| stats.streams_open == 0).await;
    a.ask(Ask::Events(1)).await;
    assert_eq!(a.seen().await, Seen::Number(0), "no further input of the stream");
}

#[tokio::test]
async fn a_paused_stream_gives_no_data_until_it_is_resumed() {
    let mut a = Running::new(Toy::pausing());
    let mut peer = TcpStream::connect(a.addr()).await.unwrap();
    assert!(matches!(a.seen().await, Seen::Accepted(StreamId(1), _)));
    // 0, 1, 2, ... is how every stream of a toy begins.
    peer.write_all(&[0, 1, 2]).await.unwrap();
    peer.shutdown().await.unwrap();
    a.until(|stats| stats.stream_bytes_in == 3).await;
    for number in 0..100 {
        a.ask(Ask::Events(1)).await;
        assert_eq!(a.seen().await, Seen::Number(0), "round {number}");
    }
    a.ask(Ask::Resume(StreamId(1))).await;
    assert_eq!(a.seen().await, Seen::Data(StreamId(1)));
    let finished = Seen::Finished { id: StreamId(1), received: 3, intact: true };
    assert_eq!(a.seen().await, finished);
}

#[tokio::test]
async fn what_waits_to_be_written_is_bounded_by_credit() {
    const SENT: usize = 32 << 20;
    const CREDIT: u64 = 64 * 1024;
    let mut a = Running::new(Toy::finishing(SENT));
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    a.connect(listener.local_addr().unwrap()).await;
    let (mut peer, _) = soon(listener.accept()).await.unwrap();
    assert_eq!(a.seen().await, Seen::Connected(StreamId(2), listener.local_addr().unwrap()));
    let mut received = 0;
    let mut buffer = vec![0; 1 << 20];
    while received < SENT {
        a.ask(Ask::Sent(StreamId(2))).await;
        let Seen::Number(sent) = a.seen().await else { panic!("it was asked") };
        let written = a.handle.stats().stream_bytes_out;
        assert!(sent as u64 <= written + CREDIT, "{sent} sent, {written} written");
        received += soon(peer.read(&mut buffer)).await.unwrap();
    }
    assert_eq!(soon(peer.read(&mut buffer)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_write_beyond_credit_closes() {
    let mut a = Running::new(Box::new(Toy::default()));
    let mut peer = TcpStream::connect(a.addr()).await.unwrap();
    assert!(matches!(a.seen().await, Seen::Accepted(StreamId(1), _)));
    a.ask(Ask::Overrun(StreamId(1))).await;
    let why = "the node wrote beyond its credit, or after its end".to_owned();
    assert_eq!(a.seen().await, Seen::Closed(StreamId(1), why));
    assert_eq!(a.handle.stats().outputs_invalid, 1);
    soon(peer.read(&mut [0; 1])).await.unwrap_err();
}

#[tokio::test]
async fn streams_of_peers_are_bounded() {
    let options = Options { accepted_streams_max: 2, ..Options::default() };
    let mut a = Running::with_options(Box::new(Toy::default()), options);
    let first = TcpStream::connect(a.addr()).await.unwrap();
    let _second = TcpStream::connect(a.addr()).await.unwrap();
    assert!(matches!(a.seen().await, Seen::Accepted(StreamId(1), _)));
    assert!(matches!(a.seen().await, Seen::Accepted(StreamId(3), _)));
    let mut third = TcpStream::connect(a.addr()).await.unwrap();
    assert!(matches!(soon(third.read(&mut [0; 1])).await, Ok(0) | Err(_)), "closed at once");
    assert_eq!(a.handle.stats().streams_shed, 1);
    assert_eq!(a.handle.stats().streams_open, 2);

    first.set_zero_linger().unwrap();
    drop(first);
    assert!(matches!(a.seen().await, Seen::Closed(StreamId(1), _)));
    let _fourth = TcpStream::connect(a.addr()).await.unwrap();
    assert!(matches!(a.seen().await, Seen::Accepted(StreamId(5), _)), "there is room again");
}

#[tokio::test]
async fn events_that_nobody_takes_are_shed_and_counted() {
    let options = Options { events_max: 4, ..Options::default() };
    let mut a = Running::with_options(Toy::finishing(0), options);
    a.ask(Ask::Events(10)).await;
    a.until(|stats| stats.events_shed == 6).await;
    for number in 6..10 {
        assert_eq!(a.seen().await, Seen::Number(number));
    }
}

#[tokio::test]
async fn a_late_loop_is_reported() {
    let mut a = Running::new(Toy::finishing(0));
    let held_up = LAG_REPORTED_MIN * 2;
    let busy = move |_: &mut dyn Node, _| {
        let began = std::time::Instant::now();
        while began.elapsed() < held_up {
            std::hint::spin_loop();
        }
    };
    soon(a.handle.with(busy)).await.unwrap();
    let Some(Event::Extra(seen)) = soon(a.events.next()).await else { panic!("it runs") };
    assert!(matches!(seen.downcast_ref(), Some(Seen::Lag(lag)) if *lag >= held_up));
    assert!(a.handle.stats().lag_max >= held_up);
}

#[tokio::test]
async fn stop_closes_everything() {
    let mut a = Running::new(Box::new(Toy::default()));
    let addr = a.addr();
    let mut peer = TcpStream::connect(addr).await.unwrap();
    assert!(matches!(a.seen().await, Seen::Accepted(..)));
    let other = a.handle.clone();
    soon(a.handle.stop()).await;
    soon(other.stop()).await;
    assert_eq!(other.with(|node, _| node.id()).await, Err(Stopped));
    assert_eq!(soon(peer.read(&mut [0; 1])).await.unwrap(), 0);
    assert!(soon(a.events.next()).await.is_none());
    let bound = bind(addr).unwrap();
    assert_eq!(bound.local_addr(), addr);
}

#[tokio::test]
async fn without_a_handle_it_stops() {
    let a = Running::new(Box::new(Toy::default()));
    let addr = a.addr();
    let mut events = a.events;
    drop(a.handle);
    assert!(soon(events.next()).await.is_none());
    let mut refused = std::net::TcpStream::connect(addr);
    if let Ok(stream) = &mut refused {
        // The port may be another process's by now, which answers something else.
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let _: std::io::Result<usize> = stream.read(&mut [0; 1]);
    }
    assert!(bind(addr).is_ok(), "the port is free");
}
