use super::toy::{Do, group};
use super::{MS, NEVER, SECOND, ten_ms};
use crate::{Link, Net};
use bruit_model::UnixNanos;
use std::time::Duration;

#[test]
fn run_until_stops_at_the_moment_or_at_the_limit() {
    let mut toys = group(Net::new(1, Link::default()), 2, 100 * MS);
    let hit = toys.net.run_until(SECOND, |net| net.stats().timeouts >= 2);
    assert!(hit);
    assert_eq!(toys.net.now().as_nanos(), 100_000_000);
    assert!(!toys.net.run_until(SECOND, |_| false));
    assert_eq!(toys.net.now().as_nanos(), 1_100_000_000);
    let events = toys.net.events(toys.hosts[0]);
    assert_eq!(events.len(), 0);
    toys.make(0, Do::SetValue(1));
    toys.net.run_for(SECOND);
    assert_eq!(toys.net.events(toys.hosts[1]).len(), 1);
    assert_eq!(toys.net.events(toys.hosts[1]).len(), 0);
}

#[test]
fn a_crash_loses_what_arrives_and_a_restart_is_another_run() {
    let mut toys = group(Net::new(2, ten_ms()), 2, 100 * MS);
    toys.net.save(toys.hosts[1]);
    toys.net.crash(toys.hosts[1]);
    assert!(!toys.net.is_up(toys.hosts[1]));
    toys.net.run_for(SECOND);
    let stats = toys.net.host_stats(toys.hosts[1]);
    assert_eq!((stats.datagrams_to_dead, stats.datagrams_delivered, stats.timeouts), (9, 0, 0));
    toys.net.start(toys.hosts[1]);
    toys.net.run_for(SECOND);
    let stats = toys.net.host_stats(toys.hosts[1]);
    assert_eq!((stats.starts, stats.crashes), (2, 1));
    assert!(stats.datagrams_delivered >= 9 && stats.timeouts >= 9, "{stats:?}");
    let seen = toys.seen[1].borrow();
    let [(1, first, before), (2, second, after)] = &seen.boots[..] else {
        panic!("{:?}", seen.boots)
    };
    assert_ne!(first, second);
    assert_eq!((&before[..], &after[..]), (&[][..], &[1, 1, 1][..]));
}

#[test]
fn a_paused_process_is_late_and_sheds_what_its_socket_cannot_hold() {
    let mut toys = group(Net::new(3, ten_ms()), 2, MS);
    toys.net.run_for(100 * MS);
    toys.net.pause(toys.hosts[1]);
    let before = toys.seen[1].borrow().datagrams.len();
    toys.net.run_for(SECOND);
    assert_eq!(toys.seen[1].borrow().datagrams.len(), before);
    assert_eq!(toys.seen[1].borrow().timeouts.len(), 100);
    toys.net.resume(toys.hosts[1]);
    assert_eq!(toys.seen[1].borrow().datagrams.len(), before + 256);
    assert_eq!(toys.seen[1].borrow().timeouts.len(), 101);
    assert_eq!(toys.seen[1].borrow().lags, [SECOND]);
    assert_eq!(toys.net.host_stats(toys.hosts[1]).datagrams_shed, 1000 - 256);
    toys.net.run_for(10 * MS);
    assert_eq!(toys.seen[1].borrow().timeouts.len(), 111);
}

#[test]
fn a_paused_process_that_is_killed_leaves_nothing_to_the_next_run() {
    let mut toys = group(Net::new(3, ten_ms()), 2, MS);
    toys.net.pause(toys.hosts[1]);
    toys.net.run_for(100 * MS);
    toys.net.restart(toys.hosts[1]);
    assert_eq!(toys.seen[1].borrow().datagrams.len(), 0);
    toys.net.run_for(100 * MS);
    assert_eq!(toys.seen[1].borrow().timeouts.len(), 100);
    assert_eq!(toys.seen[1].borrow().lags, []);
}

#[test]
fn each_host_has_its_own_wall_clock() {
    let mut toys = group(Net::new(4, Link::default()), 2, NEVER);
    toys.net.run_for(SECOND);
    toys.net.skew(toys.hosts[1], -3_600_000);
    let [a, b] = [toys.hosts[0], toys.hosts[1]].map(|host| toys.net.now_at(host));
    assert_eq!(a.unix, UnixNanos(1_767_225_601_000_000_000));
    assert_eq!(a.unix.as_millis() - b.unix.as_millis(), 3_600_000);
    assert_eq!(a.mono, b.mono);
}

#[test]
#[should_panic(expected = "h0 is due for ever")]
fn a_node_that_is_always_due_is_found_out() {
    group(Net::new(5, Link::default()), 2, Duration::ZERO).net.run_for(SECOND);
}

#[test]
#[should_panic(expected = "h1 is not running")]
fn a_paused_host_takes_no_commands() {
    let mut toys = group(Net::new(6, Link::default()), 2, NEVER);
    toys.net.pause(toys.hosts[1]);
    toys.make(1, Do::SetValue(1));
}

#[test]
fn a_slow_host_takes_its_inputs_one_by_one_and_hears_of_its_lag() {
    let mut toys = group(Net::new(7, ten_ms()), 2, 100 * MS);
    let to = toys.net.addr(toys.hosts[1]);
    toys.net.slow(toys.hosts[1], 30 * MS);
    for _ in 0..4 {
        toys.make(0, Do::Send(to, vec![0; 16], None));
    }
    toys.net.run_for(95 * MS);
    let at = |toys: &super::toy::Group| -> Vec<u64> {
        let seen = toys.seen[1].borrow();
        seen.datagrams.iter().map(|(at, _)| at.as_nanos() / 1_000_000).collect()
    };
    assert_eq!(at(&toys), [10, 40, 70]);
    toys.net.run_for(200 * MS);
    // Due at 100 ms, behind the fourth datagram and before what the other toy sent then.
    assert_eq!(at(&toys)[..5], [10, 40, 70, 100, 160]);
    assert_eq!(toys.seen[1].borrow().timeouts[0].as_nanos(), 130_000_000);
    assert_eq!(toys.seen[1].borrow().lags[0], 30 * MS);
    assert!(toys.net.host_stats(toys.hosts[1]).inputs_delayed >= 5);
    toys.net.slow(toys.hosts[1], Duration::ZERO);
    toys.net.run_for(SECOND);
    let delayed = toys.net.host_stats(toys.hosts[1]).inputs_delayed;
    toys.net.run_for(SECOND);
    assert_eq!(toys.net.host_stats(toys.hosts[1]).inputs_delayed, delayed);
}

#[test]
fn a_slow_host_sheds_what_its_socket_cannot_hold_and_a_crash_empties_it() {
    let mut toys = group(Net::new(8, ten_ms()), 2, NEVER);
    let to = toys.net.addr(toys.hosts[1]);
    toys.net.slow(toys.hosts[1], SECOND);
    for _ in 0..300 {
        toys.make(0, Do::Send(to, vec![0; 16], None));
    }
    toys.net.run_for(100 * MS);
    assert_eq!(toys.net.host_stats(toys.hosts[1]).datagrams_shed, 300 - 1 - 256);
    toys.net.restart(toys.hosts[1]);
    toys.net.run_for(10 * SECOND);
    assert_eq!(toys.seen[1].borrow().datagrams.len(), 1);
}

#[test]
fn a_slow_host_keeps_the_order_of_a_stream() {
    let mut toys = group(Net::new(9, ten_ms()), 2, NEVER);
    toys.net.slow(toys.hosts[1], 5 * MS);
    toys.connect(0, 2, 1);
    let bytes: Vec<u8> = (0..200_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    toys.make(0, Do::Write(2, bytes.clone(), true));
    toys.net.run_for(60 * SECOND);
    assert!(toys.received(1, 1) == bytes && toys.received(0, 2) == bytes);
    assert_eq!(toys.words(0), ["connected", "finished", "closed: finished"]);
}

#[test]
fn a_host_that_leaves_is_down_once_it_has_said_goodbye() {
    let mut toys = group(Net::new(10, ten_ms()), 2, 100 * MS);
    assert_eq!(toys.net.leave(toys.hosts[0]), Ok(()));
    assert!(!toys.net.is_up(toys.hosts[0]) && toys.net.is_up(toys.hosts[1]));
    let stats = toys.net.stats();
    assert_eq!((stats.leaves, stats.crashes), (1, 0));
    toys.net.run_for(SECOND);
    toys.net.start(toys.hosts[0]);
    toys.net.run_for(SECOND);
    assert!(toys.net.is_up(toys.hosts[0]));
}

#[test]
fn a_lost_disk_is_empty_for_the_next_run() {
    let mut toys = group(Net::new(11, ten_ms()), 2, NEVER);
    toys.net.save(toys.hosts[1]);
    toys.net.restart(toys.hosts[1]);
    toys.net.wipe(toys.hosts[1]);
    toys.net.restart(toys.hosts[1]);
    let seen = toys.seen[1].borrow();
    let saved: Vec<_> = seen.boots.iter().map(|(_, _, saved)| saved.len()).collect();
    assert_eq!((saved, &seen.disks[..]), (vec![0, 3, 0], &[0, 0, 1][..]));
    assert_eq!(toys.net.stats().wipes, 1);
}

#[test]
fn one_step_is_one_thing_and_many_make_the_same_run() {
    let mut whole = group(Net::new(12, ten_ms()), 3, 100 * MS);
    whole.net.run_for(SECOND);
    let mut steps = group(Net::new(12, ten_ms()), 3, 100 * MS);
    let first = steps.net.step_once().unwrap();
    assert_eq!((first.at.as_nanos(), first.host), (100_000_000, steps.hosts[0]));
    assert_eq!(first.what, "timer");
    let end = whole.net.now();
    while steps.net.next_at().is_some_and(|at| at <= end) {
        let step = steps.net.step_once().unwrap();
        assert!(step.what == "timer" || step.what.starts_with("datagram from h"), "{step:?}");
    }
    assert_eq!(steps.net.trace_hash(), whole.net.trace_hash());
}
