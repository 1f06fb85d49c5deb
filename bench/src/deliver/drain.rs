//! How fast a full queue is delivered, against `wrk` on the same consumer.

use super::agent::{Agent, BODY};
use super::consumer::Consumer;
use crate::failure::{Doing as _, Failure};
use crate::stats::{Summary, ratios};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long `wrk` runs.
const WRK_SECONDS: u32 = 3;
/// How often the agent is asked how far it is.
const PERIOD: Duration = Duration::from_millis(10);
/// How long a queue may take to be empty.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) concurrency: u16,
    pub(super) items: usize,
    pub(super) reps: usize,
}

/// The outcome.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Drain {
    pub(super) concurrency: u16,
    pub(super) wrk_per_s: Option<Summary>,
    pub(super) bruit_per_s: Option<Summary>,
    /// With state on disk.
    pub(super) stored_per_s: Option<Summary>,
    pub(super) ratio: Option<Summary>,
}

/// Takes turns: `wrk`, then the agent.
pub(super) async fn run(program: &Path, setting: Setting, data: bool) -> Result<Drain, Failure> {
    let (mut wrk, mut bruit, mut stored) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setting.reps {
        let folder = tempfile::tempdir().doing("a folder")?;
        let consumer = Consumer::start(folder.path())?;
        wrk.push(by_wrk(consumer.addr, setting.concurrency, folder.path()).await?);
        bruit.push(by_bruit(program, consumer.addr, setting, false).await?);
        if data {
            stored.push(by_bruit(program, consumer.addr, setting, true).await?);
        }
    }
    Ok(Drain {
        concurrency: setting.concurrency,
        ratio: ratios(&bruit, &wrk),
        wrk_per_s: Summary::of(&wrk),
        bruit_per_s: Summary::of(&bruit),
        stored_per_s: Summary::of(&stored),
    })
}

/// Requests a second by `wrk`, with the method and the body that items have.
async fn by_wrk(to: SocketAddr, concurrency: u16, folder: &Path) -> Result<f64, Failure> {
    let script = folder.join("post.lua");
    let body = String::from_utf8_lossy(BODY);
    let text = format!("wrk.method = \"POST\"\nwrk.body = \"{body}\"\n");
    std::fs::write(&script, text).doing("writing wrk's script")?;
    let mut command = tokio::process::Command::new("wrk");
    command.args(["-t1", &format!("-c{concurrency}"), &format!("-d{WRK_SECONDS}s"), "-s"]);
    command.arg(&script).arg(format!("http://{to}/drain/1"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.doing("running wrk; on Debian: apt-get install wrk")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return Err(Failure::new(format!("wrk met errors: {text}")));
    }
    rate(&text).ok_or_else(|| Failure::new(format!("wrk said nothing of a rate: {text}")))
}

fn rate(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:")?.trim().parse().ok())
}

/// Items a second, from the end of the pause until all are delivered.
async fn by_bruit(
    program: &Path,
    to: SocketAddr,
    setting: Setting,
    data: bool,
) -> Result<f64, Failure> {
    let folder = tempfile::tempdir().doing("a folder")?;
    let Setting { concurrency, items, .. } = setting;
    let settings = format!(
        "[[subscription]]\nname = \"drain\"\npattern = \"drain/**\"\nendpoint = \"http://{to}\"\n\
         concurrency = {concurrency}\nqueue_items = {items}\nqueue_bytes = 268435456\n"
    );
    let agent = Agent::start(program, &settings, folder.path(), data)?;
    let mut client = agent.client().await?;
    agent.set("drain", "pause").await?;
    agent.publish("drain", items).await?;
    let wanted = u64::try_from(items).unwrap_or(u64::MAX);
    let status = agent.status(&mut client, "drain").await?;
    if status.queued_items != wanted {
        return Err(Failure::new(format!("{} items wait, not {items}", status.queued_items)));
    }
    let begin = Instant::now();
    agent.set("drain", "resume").await?;
    while begin.elapsed() < PATIENCE {
        let status = agent.status(&mut client, "drain").await?;
        if status.failed + status.shed > 0 {
            return Err(Failure::new(format!("not all could be delivered: {status:?}")));
        }
        if status.delivered == wanted {
            let count = u32::try_from(items).unwrap_or(u32::MAX);
            return Ok(f64::from(count) / begin.elapsed().as_secs_f64());
        }
        tokio::time::sleep(PERIOD).await;
    }
    Err(Failure::new("the queue was not empty in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_wrk_says() {
        let text = "Running 3s test\n  2 threads\nRequests/sec:  51234.56\nTransfer/sec: 3MB\n";
        assert_eq!(rate(text), Some(51_234.56));
        assert_eq!(rate("Running"), None);
    }
}
