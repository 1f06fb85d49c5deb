//! Debian's `serf agent`, with the LAN profile, one address of 127.0.0.0/8 for each process.

mod rpc;

use crate::failure::{Doing as _, Failure};
use crate::peer::{
    Agent, Boxed, Interest, Peer, Publisher, Sent, Sight, Sink, Spot, Task, View, payload, token,
};
use crate::process::{Output, Process};
use rmpv::Value;
use rpc::{Rpc, bytes, field, map};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The ports of every agent: its own address makes them distinct.
const GOSSIP_PORT: u16 = 7946;
const RPC_PORT: u16 = 7373;
/// How many agents share the third byte of an address.
const AGENTS_PER_BLOCK: usize = 200;
/// How long an agent may take to answer.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How often it is tried.
const READY_PAUSE: Duration = Duration::from_millis(20);
/// The name of the events that are published.
const EVENT: &str = "bench";
/// How soon a failed join is tried again. Serf's own 30 s would make a start at once slower.
const RETRY_INTERVAL: &str = "1s";

/// The kind of agent.
#[derive(Debug)]
pub(crate) struct Serf {
    version: String,
    /// The second byte of the addresses.
    net: u8,
}

impl Serf {
    /// Checks that the program is there and finds addresses that nobody uses.
    pub(crate) fn find() -> Result<Self, Failure> {
        let version = installed_version()?;
        let first = u8::try_from(std::process::id() % 200).unwrap_or(0);
        let nets = (0..200).map(|step| 20 + (first + step) % 200);
        let net = nets.into_iter().find(|net| is_free(addr(*net, 0))).ok_or_else(|| {
            Failure::new(format!(
                "every 127.x.0.1:{GOSSIP_PORT} is in use; end the serf agent that listens on \
                 0.0.0.0"
            ))
        })?;
        Ok(Self { version, net })
    }
}

/// The version of the package where there is one (its program says another), and the program's.
fn installed_version() -> Result<String, Failure> {
    let first_line = |program: &str, arguments: &[&str]| -> Option<String> {
        let output = Command::new(program).args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    let program = first_line("serf", &["version"])
        .ok_or_else(|| Failure::new("serf is not installed; on Debian: apt-get install serf"))?;
    let package = first_line("dpkg-query", &["-W", "-f", "${Version}", "serf"]);
    Ok(match package {
        Some(package) => format!("{package} ({program})"),
        None => program,
    })
}

fn addr(net: u8, index: usize) -> IpAddr {
    let block = u8::try_from(index / AGENTS_PER_BLOCK).unwrap_or(u8::MAX);
    let last = u8::try_from(index % AGENTS_PER_BLOCK + 1).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, net, block, last).into()
}

fn is_free(ip: IpAddr) -> bool {
    TcpListener::bind((ip, GOSSIP_PORT)).is_ok()
        && UdpSocket::bind((ip, GOSSIP_PORT)).is_ok()
        && TcpListener::bind((ip, RPC_PORT)).is_ok()
}

impl Peer for Serf {
    fn label(&self) -> &'static str {
        "serf"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn spawn<'a>(&'a self, spot: Spot<'a>) -> Boxed<'a, Box<dyn Agent>> {
        Box::pin(async move {
            let ip = addr(self.net, spot.index);
            let rpc = SocketAddr::new(ip, RPC_PORT);
            let agent = SerfAgent {
                name: format!("n{}", spot.index),
                address: SocketAddr::new(ip, GOSSIP_PORT).to_string(),
                rpc,
                process: start(ip, spot)?,
            };
            Ok(Box::new(agent) as Box<dyn Agent>)
        })
    }
}

fn start(ip: IpAddr, spot: Spot<'_>) -> Result<Process, Failure> {
    let mut arguments = vec![
        "agent".to_owned(),
        format!("-node=n{}", spot.index),
        format!("-bind={ip}:{GOSSIP_PORT}"),
        format!("-rpc-addr={ip}:{RPC_PORT}"),
        "-profile=lan".to_owned(),
        "-log-level=err".to_owned(),
    ];
    if let Some(seed) = spot.seed {
        // With -join, an agent ends if the seed is slow.
        arguments.push(format!("-retry-join={seed}"));
        arguments.push(format!("-retry-interval={RETRY_INTERVAL}"));
    }
    let log = spot.dir.join(format!("serf-{}.log", spot.index));
    Process::start(Path::new("serf"), &arguments, log, Output::Logged)
}

#[derive(Debug)]
struct SerfAgent {
    name: String,
    address: String,
    rpc: SocketAddr,
    process: Process,
}

impl Agent for SerfAgent {
    fn name(&self) -> &str {
        &self.name
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    fn ready(&mut self) -> Boxed<'_, ()> {
        Box::pin(async move {
            let deadline = Instant::now() + READY_TIMEOUT;
            loop {
                match Rpc::connect(self.rpc).await {
                    Ok(_) => return Ok(()),
                    Err(error) if Instant::now() >= deadline => return Err(error),
                    Err(_) => self.process.check()?,
                }
                tokio::time::sleep(READY_PAUSE).await;
            }
        })
    }

    fn view(&self) -> Boxed<'_, View> {
        Box::pin(async move {
            let mut rpc = Rpc::connect(self.rpc).await?;
            rpc.call("stats", None).await?;
            let stats = rpc.object().await?;
            let section = field(&stats, "serf").ok_or_else(|| Failure::new("no stats of serf"))?;
            let number = |name: &str| -> Result<usize, Failure> {
                let text = field(section, name).and_then(Value::as_str).unwrap_or_default();
                text.parse().doing(format_args!("serf's count of {name}"))
            };
            let (known, failed, left) = (number("members")?, number("failed")?, number("left")?);
            Ok(View { alive: known.saturating_sub(failed + left), failed })
        })
    }

    fn publisher(&self) -> Boxed<'_, Box<dyn Publisher>> {
        Box::pin(async move {
            let rpc = Rpc::connect(self.rpc).await?;
            Ok(Box::new(SerfPublisher { rpc }) as Box<dyn Publisher>)
        })
    }

    fn watch(&self, interest: Interest, sink: Sink) -> Boxed<'_, Task> {
        Box::pin(async move {
            let mut rpc = Rpc::connect(self.rpc).await?;
            let filter = match interest {
                Interest::Items => format!("user:{EVENT}"),
                Interest::Failures => "member-failed".to_owned(),
            };
            rpc.call("stream", Some(map([("Type", filter.into())]))).await?;
            Ok(Task::run(async move {
                loop {
                    match record(&mut rpc).await {
                        Ok(sights) => {
                            sights.into_iter().for_each(|sight| sink.tell(rpc.read_at, sight))
                        }
                        Err(error) => {
                            sink.tell(Instant::now(), Sight::Lost(error.to_string()));
                            return;
                        }
                    }
                }
            }))
        })
    }

    fn sent(&self) -> Boxed<'_, Option<Sent>> {
        Box::pin(async { Ok(None) })
    }
}

/// The next record of a stream.
async fn record(rpc: &mut Rpc) -> Result<Vec<Sight>, Failure> {
    let _header = rpc.object().await?;
    let record = rpc.object().await?;
    Ok(match field(&record, "Event").and_then(Value::as_str) {
        Some("user") => {
            let bytes = field(&record, "Payload").and_then(bytes).unwrap_or_default();
            vec![Sight::Item(token(bytes))]
        }
        Some("member-failed") => {
            let members = field(&record, "Members").and_then(Value::as_array);
            let name = |member| field(member, "Name").and_then(Value::as_str);
            let names = members.into_iter().flatten().filter_map(name);
            names.map(|name| Sight::Failed(name.to_owned())).collect()
        }
        _ => Vec::new(),
    })
}

#[derive(Debug)]
struct SerfPublisher {
    rpc: Rpc,
}

impl Publisher for SerfPublisher {
    fn publish<'a>(&'a mut self, token: &'a str) -> Boxed<'a, ()> {
        Box::pin(async move {
            let body = map([
                ("Name", EVENT.into()),
                ("Payload", Value::Binary(payload(token))),
                ("Coalesce", false.into()),
            ]);
            self.rpc.call("event", Some(body)).await
        })
    }
}
