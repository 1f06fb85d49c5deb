//! What an idle agent sends, for groups of several sizes.
//!
//! The groups run in a network namespace of their own (made by `unshare`, which starts this
//! program again inside), so that its loopback device carries nothing else. Where that is not
//! allowed, only what agents count themselves is known.

use super::real;
use crate::args::Kind;
use crate::failure::{Doing as _, Failure};
use crate::group::Group;
use crate::peer::{Peer, Sent};
use crate::peers::bruit::BINARY_VARIABLE;
use crate::procfs::Loopback;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;

/// How long a group may take until all see all.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long agents get to know each other, beside a second for each: each probes one a second.
const SETTLE: Duration = Duration::from_secs(30);
/// The most bytes of an answer from inside.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// What an agent of a group of one size sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// How many agents.
    pub(crate) nodes: usize,
    /// Bytes a second and agent on the loopback device, with IP, UDP and TCP headers; none
    /// outside of a namespace.
    pub(crate) wire_bytes: Option<f64>,
    /// Packets a second and agent there.
    pub(crate) wire_packets: Option<f64>,
    /// Bytes a second and agent by the agents' counters, without headers; none where they do not
    /// count.
    pub(crate) counted_bytes: Option<f64>,
    /// Datagrams a second and agent by the agents' counters.
    pub(crate) counted_datagrams: Option<f64>,
}

impl Traffic {
    /// Of a group that did not form.
    fn unknown(nodes: usize) -> Self {
        Self {
            nodes,
            wire_bytes: None,
            wire_packets: None,
            counted_bytes: None,
            counted_datagrams: None,
        }
    }
}

/// What one kind of agent did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrafficBySize {
    /// The kind.
    pub(crate) label: &'static str,
    /// Whether the loopback device was theirs alone.
    pub(crate) in_namespace: bool,
    /// By size.
    pub(crate) sizes: Vec<Traffic>,
    /// How much more the size that sends most sends than the one that sends least, in percent.
    pub(crate) spread_percent: Option<f64>,
}

impl TrafficBySize {
    fn new(label: &'static str, in_namespace: bool, sizes: Vec<Traffic>) -> Self {
        let bytes: Vec<f64> =
            sizes.iter().filter_map(|size| size.wire_bytes.or(size.counted_bytes)).collect();
        let least = bytes.iter().copied().reduce(f64::min).filter(|least| *least > 0.0);
        let most = bytes.iter().copied().reduce(f64::max);
        let is_whole = bytes.len() == sizes.len();
        let spread_percent =
            least.zip(most).filter(|_| is_whole).map(|(least, most)| 100.0 * (most / least - 1.0));
        Self { label, in_namespace, sizes, spread_percent }
    }
}

/// What to measure.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    /// How many agents, in turn.
    pub(crate) nodes: Vec<usize>,
    /// How long the counting takes.
    pub(crate) window: Duration,
}

/// Measures one kind of agent, in a namespace where that is possible.
pub(crate) async fn run(
    peer: &dyn Peer,
    kind: Kind,
    bruit: &Path,
    sizes: &Sizes,
) -> Result<TrafficBySize, Failure> {
    match namespace() {
        Some(unshare) => {
            let rows = outside(&unshare, kind, bruit, sizes).await?;
            Ok(TrafficBySize::new(peer.label(), true, rows))
        }
        None => {
            eprintln!("warning: no network namespace (needs root and iproute2): counters only");
            let rows = inside(peer, sizes, false).await?;
            Ok(TrafficBySize::new(peer.label(), false, rows))
        }
    }
}

/// What makes a namespace and brings its loopback device up, if anything does.
fn namespace() -> Option<Vec<&'static str>> {
    const UP: &str = "ip link set lo up && exec \"$@\"";
    [vec!["unshare", "-n"], vec!["unshare", "-r", "-n"]].into_iter().find_map(|mut words| {
        words.extend(["sh", "-c", UP, "sh"]);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("true").stdin(Stdio::null());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then_some(words)
    })
}

/// Starts this program again in a namespace and takes its answer.
async fn outside(
    words: &[&str],
    kind: Kind,
    bruit: &Path,
    sizes: &Sizes,
) -> Result<Vec<Traffic>, Failure> {
    let this = std::env::current_exe().doing("finding this program")?;
    let nodes: Vec<String> = sizes.nodes.iter().map(ToString::to_string).collect();
    let mut command = tokio::process::Command::new(words[0]);
    command.args(&words[1..]).arg(this).args(["inside", "--peer", kind.word()]);
    command.args(["--sizes", &nodes.join(",")]);
    command.args(["--window-seconds", &sizes.window.as_secs().to_string()]);
    // The one that was measured before; it is not built again inside.
    command.env(BINARY_VARIABLE, bruit);
    // It ends, and removes what it made, when its standard input does: at the latest with this
    // program, however that ends.
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().doing("starting this program in a namespace")?;
    let _stdin = child.stdin.take();
    let mut answer = Vec::new();
    if let Some(pipe) = child.stdout.take() {
        let read = pipe.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await;
        read.doing("reading from the namespace")?;
    }
    let status = child.wait().await.doing("waiting for the namespace")?;
    if !status.success() {
        return Err(Failure::new(format!("the measurement in a namespace failed: {status}")));
    }
    serde_json::from_slice(&answer).doing("understanding what the namespace says")
}

/// Measures each size in turn.
pub(crate) async fn inside(
    peer: &dyn Peer,
    sizes: &Sizes,
    is_alone: bool,
) -> Result<Vec<Traffic>, Failure> {
    let mut rows = Vec::new();
    for &nodes in &sizes.nodes {
        eprintln!("traffic: {} agents of {}", nodes, peer.label());
        let group = match Group::start(peer, nodes, PATIENCE).await {
            Ok(group) => group,
            Err(error) => {
                eprintln!("warning: {nodes} agents of {}: not counted: {error}", peer.label());
                rows.push(Traffic::unknown(nodes));
                continue;
            }
        };
        let each = Duration::from_secs(u64::try_from(nodes).unwrap_or(u64::MAX));
        tokio::time::sleep(SETTLE + each).await;
        rows.push(one_size(&group, sizes.window, is_alone).await?);
    }
    Ok(rows)
}

async fn one_size(group: &Group, window: Duration, is_alone: bool) -> Result<Traffic, Failure> {
    let nodes = super::real_count(group.len());
    let (counted_from, counted_before) = (Instant::now(), sent(group).await?);
    // What the questions cost is over when the device is read.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (from, before) = (Instant::now(), Loopback::now()?);
    tokio::time::sleep(window).await;
    let after = Loopback::now()?;
    let rate = |count: u64, seconds: f64| real(count) / seconds / nodes;
    let seconds = from.elapsed().as_secs_f64();
    let wire = is_alone.then(|| {
        let bytes = after.bytes.saturating_sub(before.bytes);
        let packets = after.packets.saturating_sub(before.packets);
        (rate(bytes, seconds), rate(packets, seconds))
    });
    let counted_seconds = counted_from.elapsed().as_secs_f64();
    let counted = sent(group).await?.zip(counted_before).map(|(now, then)| {
        let bytes = now.datagram_bytes + now.stream_bytes;
        let bytes_then = then.datagram_bytes + then.stream_bytes;
        let datagrams = now.datagrams.saturating_sub(then.datagrams);
        let bytes = bytes.saturating_sub(bytes_then);
        (rate(bytes, counted_seconds), rate(datagrams, counted_seconds))
    });
    Ok(Traffic {
        nodes: group.len(),
        wire_bytes: wire.map(|(bytes, _)| bytes),
        wire_packets: wire.map(|(_, packets)| packets),
        counted_bytes: counted.map(|(bytes, _)| bytes),
        counted_datagrams: counted.map(|(_, datagrams)| datagrams),
    })
}

/// What all agents have sent, if they count it.
async fn sent(group: &Group) -> Result<Option<Sent>, Failure> {
    let mut total = Sent { datagrams: 0, datagram_bytes: 0, stream_bytes: 0 };
    for agent in group.agents() {
        let Some(sent) = agent.sent().await? else { return Ok(None) };
        total.datagrams += sent.datagrams;
        total.datagram_bytes += sent.datagram_bytes;
        total.stream_bytes += sent.stream_bytes;
    }
    Ok(Some(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(wire_bytes: Option<f64>, counted_bytes: Option<f64>) -> Traffic {
        Traffic { nodes: 1, wire_bytes, wire_packets: None, counted_bytes, counted_datagrams: None }
    }

    #[test]
    fn the_spread_is_between_the_extremes() {
        let sizes = vec![size(Some(100.0), None), size(Some(125.0), None), size(Some(110.0), None)];
        assert_eq!(TrafficBySize::new("x", true, sizes).spread_percent, Some(25.0));
        let counted = vec![size(None, Some(50.0)), size(None, Some(50.0))];
        assert_eq!(TrafficBySize::new("x", false, counted).spread_percent, Some(0.0));
        let unknown = vec![size(Some(50.0), None), size(None, None)];
        assert_eq!(TrafficBySize::new("x", false, unknown).spread_percent, None);
    }
}
