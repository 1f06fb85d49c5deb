//! Runs the measurements that are asked for, one after the other.

use crate::args::{Kind, Measure, SerfArgs};
use crate::failure::{Doing as _, Failure};
use crate::gate::Gate;
use crate::group::Group;
use crate::measure::bootstrap::Bounds;
use crate::measure::spread::Repeat;
use crate::measure::traffic::Sizes;
use crate::measure::{bootstrap, failure, idle, memory, spread, steady, traffic};
use crate::peer::Peer;
use crate::peers::bruit::{self, Bruit};
use crate::peers::serf::Serf;
use crate::procfs;
use crate::report::{Report, Results, Versions};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a standing group may take until all see all.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long agents get to know each other, beside a second for each: each probes one a second.
const SETTLE: Duration = Duration::from_secs(15);
/// For how long a group that was started at once has to see itself whole.
const STAY: Duration = Duration::from_secs(60);
/// Files that this program has open for each agent: pipes, connections, a listener.
const FILES_PER_AGENT: u64 = 8;
/// And beside them.
const FILES_OTHER: u64 = 100;

/// Both sides.
struct Sides {
    serf: Serf,
    bruit: Bruit,
}

/// Measures bruit against serf.
pub(crate) async fn serf(args: &SerfArgs) -> Result<Report, Failure> {
    check_limits(args)?;
    let sides = Sides { serf: Serf::find()?, bruit: Bruit::new(bruit::binary()?)? };
    let mut gate = Gate::new(args.gate());
    let mut results = Results::default();
    let stands = [Measure::Memory, Measure::Idle, Measure::Spread, Measure::Failure];
    if stands.iter().any(|measure| args.wants(*measure)) {
        standing(args, &sides, &mut gate, &mut results).await?;
    }
    if args.wants(Measure::Bootstrap) {
        bootstrapped(args, &sides, &mut gate, &mut results).await?;
    }
    if args.wants(Measure::Traffic) {
        traffics(args, &sides, &mut gate, &mut results).await?;
    }
    let versions =
        Versions { serf: sides.serf.version(), bruit: sides.bruit.version(), commit: commit() };
    let setting = format!("{} agents a side, {} repetitions", args.nodes, args.reps);
    Ok(Report::new(procfs::machine(), versions, setting, gate.readings, results))
}

/// What is measured on two groups that stand side by side.
async fn standing(
    args: &SerfArgs,
    sides: &Sides,
    gate: &mut Gate,
    results: &mut Results,
) -> Result<(), Failure> {
    let nodes = usize::from(args.nodes);
    gate.pass("start", &[]).await?;
    eprintln!("starting {nodes} agents a side");
    let mut serf = Group::start(&sides.serf, nodes, PATIENCE).await?;
    let mut bruit = Group::start(&sides.bruit, nodes, PATIENCE).await?;
    settle(nodes).await;
    let pids = [serf.pids(), bruit.pids()].concat();
    if args.wants(Measure::Memory) {
        results.memory_settled = memory::read(&[&serf, &bruit])?;
    }
    if args.wants(Measure::Idle) {
        gate.pass("idle", &pids).await?;
        eprintln!("idle: {} s", args.idle_seconds);
        let window = Duration::from_secs(args.idle_seconds);
        results.idle = idle::run(&[&serf, &bruit], window).await?;
    }
    if args.wants(Measure::Spread) {
        results.spread = spread_of(args, sides, [&serf, &bruit], gate).await?;
    }
    if args.wants(Measure::Memory) {
        gate.pass("load", &pids).await?;
        eprintln!("memory: load");
        memory::load(&[&serf, &bruit]).await?;
        results.memory_loaded = memory::read(&[&serf, &bruit])?;
    }
    if args.wants(Measure::Failure) {
        let mut groups = [&mut serf, &mut bruit];
        if args.idle_minutes > 0 {
            gate.pass("falsely failed", &pids).await?;
            eprintln!("falsely failed: {} min", args.idle_minutes);
            let time = Duration::from_secs(60 * args.idle_minutes);
            results.steady = steady::run(&mut groups, time).await?;
        }
        eprintln!("failure: {} repetitions", args.reps);
        results.failure = failure::run(&mut groups, usize::from(args.reps), gate).await?;
    }
    Ok(())
}

async fn settle(nodes: usize) {
    let each = Duration::from_secs(u64::try_from(nodes).unwrap_or(u64::MAX));
    eprintln!("settling: {} s", (SETTLE + each).as_secs());
    tokio::time::sleep(SETTLE + each).await;
}

/// Spread, with a third group for deliveries to services.
async fn spread_of(
    args: &SerfArgs,
    sides: &Sides,
    [serf, bruit]: [&Group; 2],
    gate: &mut Gate,
) -> Result<Vec<spread::Spread>, Failure> {
    let nodes = usize::from(args.nodes);
    let delivered = Group::start(&sides.bruit.with_consumers(), nodes, PATIENCE).await?;
    settle(nodes).await;
    eprintln!("spread: {} repetitions of {} events", args.reps, args.events);
    let repeat = Repeat { reps: usize::from(args.reps), events: usize::from(args.events) };
    spread::run(&[serf, bruit, &delivered], repeat, gate).await
}

async fn bootstrapped(
    args: &SerfArgs,
    sides: &Sides,
    gate: &mut Gate,
    results: &mut Results,
) -> Result<(), Failure> {
    let bounds = Bounds { cap: Duration::from_secs(args.bootstrap_cap), stay: STAY };
    let peers: [&dyn Peer; 2] = [&sides.serf, &sides.bruit];
    for peer in peers {
        gate.pass(&format!("bootstrap, {}", peer.label()), &[]).await?;
        eprintln!("bootstrap: {} agents of {}", args.bootstrap_nodes, peer.label());
        let count = usize::from(args.bootstrap_nodes);
        results.bootstrap.push(bootstrap::run(peer, count, bounds).await?);
    }
    Ok(())
}

async fn traffics(
    args: &SerfArgs,
    sides: &Sides,
    gate: &mut Gate,
    results: &mut Results,
) -> Result<(), Failure> {
    let sizes = Sizes {
        nodes: args.sizes.iter().copied().map(usize::from).collect(),
        window: Duration::from_secs(args.traffic_seconds),
    };
    let peers: [(&dyn Peer, Kind); 2] = [(&sides.serf, Kind::Serf), (&sides.bruit, Kind::Bruit)];
    for (peer, kind) in peers {
        gate.pass(&format!("traffic, {}", peer.label()), &[]).await?;
        results.traffic.push(traffic::run(peer, kind, sides.bruit.binary(), &sizes).await?);
    }
    Ok(())
}

/// The same as the traffic part, in the namespace that this program was started in.
pub(crate) async fn inside(kind: Kind, sizes: Sizes) -> Result<Vec<traffic::Traffic>, Failure> {
    match kind {
        Kind::Serf => traffic::inside(&Serf::find()?, &sizes, true).await,
        Kind::Bruit => traffic::inside(&Bruit::new(bruit::binary()?)?, &sizes, true).await,
    }
}

/// Whether this process may have as many files open as it needs.
fn check_limits(args: &SerfArgs) -> Result<(), Failure> {
    let needed = u64::from(args.agents_max()) * FILES_PER_AGENT + FILES_OTHER;
    match procfs::open_files_max() {
        Some(allowed) if allowed < needed => Err(Failure::new(format!(
            "only {allowed} files may be open and {needed} are needed; run `ulimit -n {needed}` \
             first"
        ))),
        _ => Ok(()),
    }
}

/// The commit that is checked out, with a plus sign if files differ from it.
fn commit() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let git = |arguments: &[&str]| -> Result<String, Failure> {
        let output = Command::new("git").args(arguments).current_dir(&root).output();
        let output = output.doing("running git")?;
        if !output.status.success() {
            return Err(Failure::new("git failed"));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let head = git(&["rev-parse", "--short", "HEAD"]);
    let changed = git(&["status", "--porcelain"]).is_ok_and(|text| !text.is_empty());
    match head {
        Ok(head) => format!("{head}{}", if changed { "+" } else { "" }),
        Err(_) => "unknown".to_owned(),
    }
}
