//! Agents that are killed and started again: nothing that was acknowledged is lost, and twice
//! comes only what was under way.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod common;

use common::{Agent, Service, eventually, folder};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How many deliveries of a subscription are under way at once, unless told otherwise.
const CONCURRENCY: usize = 8;

/// Publishes an event whose body is `number`; whether it was accepted and is on disk. `None`: the
/// agent is gone.
fn publish(stream: &mut BufReader<TcpStream>, number: u32) -> Option<bool> {
    let body = number.to_string();
    let length = body.len();
    let head = "POST /topics/jobs/item HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n";
    write!(stream.get_mut(), "{head}Content-Length: {length}\r\n\r\n{body}").ok()?;
    let (mut status, mut length) = (String::new(), 0);
    stream.read_line(&mut status).ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    Some(status.contains(" 202 ") && answer["stored"] == true)
}

/// Publishes numbers until the agent is gone or it is told to stop.
struct Publisher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u32>>,
}

impl Publisher {
    fn start(api: &str, next: &Arc<AtomicU32>) -> Self {
        let (api, next, stop) = (api.to_owned(), Arc::clone(next), Arc::<AtomicBool>::default());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut acknowledged = Vec::new();
            let mut stream = BufReader::new(TcpStream::connect(api).unwrap());
            while !stopped.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                match publish(&mut stream, number) {
                    Some(true) => acknowledged.push(number),
                    Some(false) => {}
                    None => break,
                }
            }
            acknowledged
        });
        Self { stop, thread }
    }

    /// The numbers that were acknowledged as stored.
    fn end(self) -> Vec<u32> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// How often each number came.
fn counts(service: &Service) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for request in service.got() {
        let number = String::from_utf8(request.body).unwrap().parse().unwrap();
        *counts.entry(number).or_default() += 1;
    }
    counts
}

/// Waits until each number has come, and checks that few came again.
fn all_came(service: &Service, numbers: &[u32], kills: usize) {
    eventually("all that was acknowledged is delivered", || {
        let counts = counts(service);
        numbers.iter().all(|number| counts.contains_key(number))
    });
    let counts = counts(service);
    let again: usize = counts.values().map(|count| count - 1).sum();
    let most = CONCURRENCY * kills;
    assert!(again <= most, "{again} came again, of {} after {kills} kills", counts.len());
}

fn kill(mut agent: Agent) {
    agent.signal("KILL");
    agent.wait();
}

#[test]
fn a_killed_agent_delivers_what_it_had_accepted() {
    let (folder, service) = (folder(), Service::slow("200 OK", Duration::from_millis(40)));
    let (data, url) = (folder.path().to_str().unwrap(), service.url());
    let start = || Agent::start(&["--data", data, "--app", &url, "--subscribe", "jobs/**"]);
    let next = Arc::default();
    let mut acknowledged = Vec::new();
    for round in 1..=3 {
        let agent = start();
        let publishers: Vec<_> = (0..8).map(|_| Publisher::start(&agent.api, &next)).collect();
        let before = service.got().len();
        eventually("it is in the middle of it", || service.got().len() >= before + 150);
        kill(agent);
        let of_run: Vec<u32> = publishers.into_iter().flat_map(Publisher::end).collect();
        acknowledged.extend(of_run);
        let came = counts(&service);
        let waited = acknowledged.iter().filter(|number| !came.contains_key(number)).count();
        assert!(waited >= 10, "only {waited} waited at kill {round}");
    }
    let agent = start();
    all_came(&service, &acknowledged, 3);
    eventually("nothing is left", || {
        agent.run(&["status", "--json"]).json()["store"]["pending"] == 0
    });
}

#[test]
fn a_killed_agent_gets_what_it_missed_and_no_more() {
    let (folder, service) = (folder(), Service::slow("200 OK", Duration::from_millis(5)));
    let (data, url) = (folder.path().to_str().unwrap(), service.url());
    let origin_folder = common::folder();
    let origin_data = origin_folder.path().to_str().unwrap();
    let origin = Agent::start(&["--name", "origin", "--data", origin_data]);
    let start = || {
        let subscribe = ["--app", &url, "--subscribe", "jobs/**"];
        let args = ["--name", "consumer", "--data", data, "--join", &origin.gossip];
        Agent::start(&[&args[..], &subscribe[..]].concat())
    };
    let next = Arc::default();
    let mut acknowledged = Vec::new();
    let mut agent = start();
    for _ in 0..3 {
        eventually("they know each other", || origin.members("alive").len() == 2);
        let publisher = Publisher::start(&origin.api, &next);
        let before = service.got().len();
        eventually("items arrive", || service.got().len() >= before + 100);
        kill(agent);
        let killed = service.got().len();
        let published = next.load(Ordering::Relaxed);
        eventually("more is published", || next.load(Ordering::Relaxed) >= published + 50);
        agent = start();
        eventually("items arrive again", || service.got().len() >= killed + 50);
        acknowledged.extend(publisher.end());
    }
    all_came(&service, &acknowledged, 3);
    drop(agent);
}

#[test]
fn an_origin_that_was_killed_still_brings_its_items_to_all() {
    let (folder, service) = (folder(), Service::start("200 OK"));
    let (data, url) = (folder.path().to_str().unwrap(), service.url());
    let other = Agent::start(&["--name", "other", "--app", &url, "--subscribe", "jobs/**"]);
    let alone = Agent::start(&["--name", "origin", "--data", data]);
    let mut stream = BufReader::new(TcpStream::connect(&alone.api).unwrap());
    for number in 0..20 {
        assert_eq!(publish(&mut stream, number), Some(true), "{number}");
    }
    // Nobody but itself has them.
    kill(alone);
    let _again = Agent::start(&["--name", "origin", "--data", data, "--join", &other.gossip]);
    all_came(&service, &(0..20).collect::<Vec<_>>(), 0);
}
