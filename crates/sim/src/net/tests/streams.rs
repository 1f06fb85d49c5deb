use super::toy::{Do, Group, group};
use super::{MS, NEVER, SECOND, ten_ms};
use crate::{Link, Net};
use bruit_model::{StreamId, StreamOutput, Target};

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
}

fn pair() -> Group {
    group(Net::new(1, ten_ms()), 2, NEVER)
}

/// When, in milliseconds, and what the host was told of streams.
fn told(toys: &Group, host: usize) -> Vec<(u64, String)> {
    let seen = toys.seen[host].borrow();
    let told = seen.streams.iter();
    told.map(|(at, _, word)| (at.as_nanos() / 1_000_000, word.clone())).collect()
}

fn expect(toys: &Group, host: usize, expected: &[(u64, &str)]) {
    let expected: Vec<_> = expected.iter().map(|&(at, word)| (at, word.to_owned())).collect();
    assert_eq!(told(toys, host), expected);
}

#[test]
fn bytes_are_echoed_whole_over_a_lossy_link() {
    let link = Link::lossy(100_000);
    let mut toys = group(Net::new(1, link), 2, NEVER);
    let bytes = pattern(1 << 20);
    toys.connect(0, 2, 1);
    toys.make(0, Do::Write(2, bytes.clone(), true));
    toys.net.run_for(300 * SECOND);
    assert!(toys.received(1, 1) == bytes);
    assert!(toys.received(0, 2) == bytes);
    assert_eq!(toys.words(0), ["connected", "finished", "closed: finished"]);
    assert_eq!(toys.words(1), ["accepted", "finished", "closed: finished"]);
    let stats = toys.net.stats();
    assert_eq!((stats.stream_bytes_sent, stats.stream_bytes_delivered), (2 << 20, 2 << 20));
    assert_eq!((stats.streams_asked, stats.streams_accepted, stats.streams_broken), (1, 1, 0));
    assert!(stats.stream_retransmits > 10, "{stats:?}");
}

#[test]
fn a_reader_that_pauses_holds_the_writer_up() {
    let mut toys = pair();
    toys.connect(0, 2, 1);
    toys.net.run_for(100 * MS);
    toys.make(1, Do::Output(StreamOutput::Pause { id: StreamId(1) }));
    toys.make(0, Do::Write(2, pattern(200_000), true));
    toys.net.run_for(10 * SECOND);
    assert_eq!(toys.net.host_stats(toys.hosts[0]).stream_bytes_sent, 64 * 1024);
    assert_eq!(toys.received(1, 1), []);
    toys.make(1, Do::Output(StreamOutput::Resume { id: StreamId(1) }));
    toys.net.run_for(10 * SECOND);
    assert!(toys.received(1, 1) == pattern(200_000));
    assert!(toys.received(0, 2) == pattern(200_000));
}

#[test]
fn a_paused_process_holds_the_writer_up() {
    let mut toys = pair();
    toys.net.pause(toys.hosts[1]);
    toys.connect(0, 2, 1);
    toys.make(0, Do::Write(2, pattern(200_000), true));
    toys.net.run_for(10 * SECOND);
    expect(&toys, 0, &[(20, "connected")]);
    assert_eq!(toys.net.host_stats(toys.hosts[0]).stream_bytes_sent, 64 * 1024);
    toys.net.resume(toys.hosts[1]);
    toys.net.run_for(10 * SECOND);
    assert!(toys.received(1, 1) == pattern(200_000));
    assert_eq!(toys.words(1), ["accepted", "finished", "closed: finished"]);
}

#[test]
fn an_answer_that_waits_for_a_paused_process_is_an_answer() {
    let mut toys = pair();
    toys.connect(0, 2, 1);
    toys.net.pause(toys.hosts[0]);
    toys.net.run_for(10 * SECOND);
    toys.net.resume(toys.hosts[0]);
    toys.net.run_for(10 * SECOND);
    expect(&toys, 0, &[(10_000, "connected")]);
    expect(&toys, 1, &[(10, "accepted")]);
}

#[test]
fn a_pause_between_resume_and_read_keeps_the_order() {
    let mut toys = pair();
    toys.connect(0, 2, 1);
    toys.net.run_for(100 * MS);
    toys.make(1, Do::Output(StreamOutput::Pause { id: StreamId(1) }));
    toys.make(0, Do::Write(2, pattern(60_000), false));
    toys.net.run_for(100 * MS);
    toys.make(1, Do::Output(StreamOutput::Resume { id: StreamId(1) }));
    toys.net.pause(toys.hosts[1]);
    toys.make(0, Do::Write(2, pattern(5_000), true));
    toys.net.run_for(100 * MS);
    toys.net.resume(toys.hosts[1]);
    toys.net.run_for(SECOND);
    assert!(toys.received(1, 1) == [pattern(60_000), pattern(5_000)].concat());
}

#[test]
fn a_reset_and_a_crash_close_the_other_end() {
    let mut toys = pair();
    toys.connect(0, 2, 1);
    toys.connect(1, 4, 0);
    toys.net.run_for(100 * MS);
    toys.make(0, Do::Output(StreamOutput::Reset { id: StreamId(2) }));
    toys.make(0, Do::WriteBlindly(2, vec![1]));
    toys.net.run_for(100 * MS);
    toys.net.crash(toys.hosts[0]);
    toys.net.run_for(100 * MS);
    expect(
        &toys,
        1,
        &[
            (10, "accepted"),
            (20, "connected"),
            (110, "closed: reset by the peer"),
            (210, "closed: reset by the peer"),
        ],
    );
    let stats = toys.net.stats();
    assert_eq!((stats.stream_outputs_stale, stats.streams_broken), (1, 2));
}

#[test]
fn connecting_fails_by_refusal_by_timeout_or_for_want_of_a_name() {
    let mut toys = pair();
    toys.make(0, Do::Connect(2, Target::Name("b.test".into(), 7071)));
    toys.make(0, Do::Connect(4, Target::Addr("192.0.2.1:9".parse().unwrap())));
    toys.net.run_for(6 * SECOND);
    toys.net.partition(&toys.hosts[..1], &toys.hosts[1..]);
    toys.connect(0, 6, 1);
    toys.net.run_for(6 * SECOND);
    toys.net.heal();
    toys.net.crash(toys.hosts[1]);
    toys.connect(0, 8, 1);
    toys.net.run_for(SECOND);
    expect(
        &toys,
        0,
        &[
            (0, "failed: no such name"),
            (5000, "failed: timed out"),
            (11_000, "failed: timed out"),
            (12_020, "failed: connection refused"),
        ],
    );
    assert_eq!(toys.net.stats().streams_failed, 4);

    toys.net.start(toys.hosts[1]);
    let b = toys.net.addr(toys.hosts[1]);
    toys.net.add_name("b.test", b.ip());
    toys.make(0, Do::Connect(10, Target::Name("b.test".into(), b.port())));
    toys.net.run_for(SECOND);
    assert_eq!(toys.words(0).last().unwrap(), "connected");
}

#[test]
fn a_request_to_connect_survives_a_short_partition() {
    let mut toys = pair();
    toys.net.one_way(toys.hosts[1], toys.hosts[0]);
    toys.connect(0, 2, 1);
    toys.net.run_for(2 * SECOND);
    toys.net.heal();
    toys.net.run_for(20 * SECOND);
    expect(&toys, 0, &[(2020, "connected")]);
    expect(&toys, 1, &[(2010, "accepted")]);
}

#[test]
fn a_stream_outlives_a_short_partition_and_not_a_long_one() {
    let mut toys = pair();
    toys.connect(0, 2, 1);
    toys.net.run_for(SECOND);
    toys.net.partition(&toys.hosts[..1], &toys.hosts[1..]);
    toys.make(0, Do::Write(2, pattern(1000), false));
    toys.net.run_for(19 * SECOND);
    assert_eq!(toys.received(1, 1), []);
    toys.net.heal();
    toys.net.run_for(10 * SECOND);
    assert!(toys.received(0, 2) == pattern(1000));

    // One way is enough: what confirms the echo does not come through.
    toys.net.one_way(toys.hosts[0], toys.hosts[1]);
    toys.make(1, Do::Write(1, pattern(10), false));
    toys.net.run_for(30 * SECOND);
    assert_eq!(toys.received(0, 2).len(), 1010);
    expect(&toys, 0, &[(20, "connected"), (50_020, "closed: timed out")]);
    expect(&toys, 1, &[(10, "accepted"), (50_020, "closed: timed out")]);
    assert!(toys.net.stats().stream_stalls >= 2);
}

#[test]
#[should_panic(expected = "beyond its credit")]
fn a_node_that_writes_beyond_its_credit_is_found_out() {
    let mut toys = pair();
    toys.connect(0, 2, 1);
    toys.net.run_for(SECOND);
    toys.make(0, Do::WriteBlindly(2, vec![0; 64 * 1024 + 1]));
}
