//! A real `varnishd`: started, asked for objects, for its counters, stopped.

use crate::http::{Answer, get};
use crate::process::{Process, until};
use crate::trouble::{During as _, Trouble};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long it may take to compile its VCL and listen: a C compiler runs.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// The settings, with a port that stands for the origin's.
const VCL: &str = include_str!("../../varnish/default.vcl");
/// The port in [`VCL`].
const VCL_PORT: &str = "\"8080\"";

/// Varnish's programs.
#[derive(Debug)]
pub(super) struct Programs {
    /// The cache itself.
    pub(super) varnishd: PathBuf,
    /// Asks a running cache.
    pub(super) varnishadm: PathBuf,
    /// Reads its counters.
    pub(super) varnishstat: PathBuf,
}

/// [`VCL`] in front of `origin`.
pub(super) fn vcl(origin: SocketAddr) -> String {
    debug_assert_eq!(VCL.matches(VCL_PORT).count(), 1);
    VCL.replace(VCL_PORT, &format!("\"{}\"", origin.port()))
}

/// A running cache.
#[derive(Debug)]
pub(super) struct Cache {
    process: Process,
    admin: Admin,
    /// Its name.
    pub(super) name: String,
    /// Where it serves.
    pub(super) addr: SocketAddr,
}

/// What one cache counted since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    /// `MAIN.n_purges`: PURGE requests that were carried out, whether or not they found anything.
    pub(super) purges: u64,
    /// `MAIN.n_obj_purged`: objects that they dropped.
    pub(super) objects_purged: u64,
}

/// What a cache answered to a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// Whether it came from the cache: `X-Varnish` has the id of the request and, on a hit only,
    /// the id of the request that had fetched the object.
    pub(super) is_hit: bool,
    /// `X-Varnish` as it came.
    pub(super) ids: String,
    /// `Age`, in seconds.
    pub(super) age: u64,
    /// Which answer of the origin it is.
    pub(super) number: u64,
}

impl Copy {
    fn read(answer: &Answer) -> Option<Self> {
        let ids = answer.header("x-varnish").to_owned();
        let is_hit = match ids.split(' ').count() {
            1 if !ids.is_empty() => false,
            2 => true,
            _ => return None,
        };
        let age = answer.header("age").parse().ok()?;
        let body = std::str::from_utf8(&answer.body).ok()?;
        let number = body.strip_prefix("answer ")?.trim_end().parse().ok()?;
        (answer.status == 200).then_some(Self { is_hit, ids, age, number })
    }
}

impl Cache {
    /// Starts a cache and waits until it listens, on `port`, or on a free one if that is 0. Files
    /// are kept in `folder`.
    ///
    /// # Errors
    /// It cannot be started, ends, or does not listen in time.
    pub(super) async fn start(
        programs: &Programs,
        name: &str,
        vcl: &Path,
        port: u16,
        folder: &Path,
    ) -> Result<Self, Trouble> {
        let state = folder.join(format!("{name}.state"));
        let mut command = Command::new(&programs.varnishd);
        // In the foreground; no change of user; as little memory and as few threads as will do.
        command.args(["-F", "-j", "none", "-s", "malloc,16m", "-p", "vsl_space=1M"]);
        command.args(["-p", "thread_pools=1", "-p", "thread_pool_min=5"]);
        command.args(["-p", "thread_pool_max=50", "-a", &format!("127.0.0.1:{port}")]);
        command.arg("-n").arg(&state).arg("-f").arg(vcl);
        let mut process = Process::start(name, &mut command, folder)?;
        let admin = Admin {
            varnishadm: programs.varnishadm.clone(),
            varnishstat: programs.varnishstat.clone(),
            state,
        };
        let addr = until(format!("{name} listens"), START_PATIENCE, async || {
            process.check_running()?;
            Ok(admin.listens().await)
        });
        let addr = addr.await?;
        Ok(Self { process, admin, name: name.to_owned(), addr })
    }

    /// Asks for an object.
    ///
    /// # Errors
    /// No answer, or none of the origin's.
    pub(super) async fn get(&self, host: &str, target: &str) -> Result<Copy, Trouble> {
        let answer = get(self.addr, host, target).await?;
        Copy::read(&answer)
            .ok_or_else(|| Trouble::new(format!("{} answered {answer:?}", self.name)))
    }

    /// Reads its counters.
    ///
    /// # Errors
    /// `varnishstat` fails.
    pub(super) async fn counters(&self) -> Result<Counters, Trouble> {
        self.admin.counters().await
    }

    /// The id of the process that serves; the one that was started only watches over it.
    ///
    /// # Errors
    /// `varnishadm` fails.
    pub(super) async fn worker(&self) -> Result<i64, Trouble> {
        let text = self.admin.ask(&["pid"]).await?;
        let worker = text.lines().find_map(|line| line.strip_prefix("Worker:"));
        let worker = worker.and_then(|id| id.trim().parse().ok());
        worker.ok_or_else(|| Trouble::new(format!("{}: no worker in {text}", self.name)))
    }

    /// Asks it to end, as an operator would.
    ///
    /// # Errors
    /// It has ended by itself.
    pub(super) fn ask_to_end(&mut self) -> Result<(), Trouble> {
        self.process.ask_to_end()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// It does not end in time, or not well.
    pub(super) async fn ended(self) -> Result<(), Trouble> {
        self.process.ended().await
    }
}

/// Asks one `varnishd` by Varnish's own tools.
#[derive(Debug)]
struct Admin {
    varnishadm: PathBuf,
    varnishstat: PathBuf,
    state: PathBuf,
}

impl Admin {
    async fn run(&self, program: &Path, arguments: &[&str]) -> Result<String, Trouble> {
        let mut command = tokio::process::Command::new(program);
        command.arg("-n").arg(&self.state).args(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let what = format!("{} {}", program.display(), arguments.join(" "));
        let output = command.output().await.during(&what)?;
        if output.status.success() {
            return String::from_utf8(output.stdout).during(&what);
        }
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Trouble::new(format!("{what}: {text}")))
    }

    async fn ask(&self, question: &[&str]) -> Result<String, Trouble> {
        self.run(&self.varnishadm, question).await
    }

    /// Where it listens; `None` while it does not.
    async fn listens(&self) -> Option<SocketAddr> {
        let status = self.ask(&["status"]).await.ok()?;
        if !status.contains("running") {
            return None;
        }
        address(&self.ask(&["debug.listen_address"]).await.ok()?)
    }

    async fn counters(&self) -> Result<Counters, Trouble> {
        let fields = ["MAIN.n_purges", "MAIN.n_obj_purged"];
        let arguments = ["-j", "-f", fields[0], "-f", fields[1]];
        let text = self.run(&self.varnishstat, &arguments).await?;
        let json: Value = serde_json::from_str(&text).during("varnishstat")?;
        match fields.map(|field| counter(&json, field)) {
            [Some(purges), Some(objects_purged)] => Ok(Counters { purges, objects_purged }),
            [..] => Err(Trouble::new(format!("varnishstat lacks a counter: {text}"))),
        }
    }
}

/// The first address that `debug.listen_address` tells: `NAME HOST PORT`.
fn address(text: &str) -> Option<SocketAddr> {
    let mut words = text.lines().next()?.split_whitespace().skip(1);
    let (host, port) = (words.next()?, words.next()?);
    Some(SocketAddr::new(host.parse().ok()?, port.parse().ok()?))
}

/// One counter; before version 6.5 they stood at the top.
fn counter(json: &Value, field: &str) -> Option<u64> {
    let counters = json.get("counters").unwrap_or(json);
    counters.get(field)?.get("value")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName};

    fn answer(headers: &[(&'static str, &str)], body: &'static str) -> Answer {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let headers = HeaderMap::from_iter(pairs);
        Answer { status: 200, headers, body: body.into() }
    }

    #[test]
    fn two_ids_are_a_hit_and_one_is_a_miss() {
        let read = |ids| {
            let copy = Copy::read(&answer(&[("x-varnish", ids), ("age", "7")], "answer 12\n"))?;
            assert_eq!((copy.age, copy.number), (7, 12));
            Some(copy.is_hit)
        };
        assert_eq!(read("32770 3"), Some(true));
        assert_eq!(read("32770"), Some(false));
        assert_eq!(read(""), None);
        assert_eq!(Copy::read(&answer(&[("x-varnish", "1")], "answer 12\n")), None);
        assert_eq!(Copy::read(&answer(&[("x-varnish", "1"), ("age", "0")], "error")), None);
    }

    #[test]
    fn the_settings_take_the_port_of_the_origin() {
        let vcl = vcl("127.0.0.1:4711".parse().unwrap());
        assert!(vcl.contains(".port = \"4711\";"), "{vcl}");
        assert!(!vcl.contains("8080"), "{vcl}");
    }

    #[test]
    fn varnish_tells_addresses_and_counters() {
        let addr = "127.0.0.1:36679".parse().unwrap();
        assert_eq!(address("a0 127.0.0.1 36679\n"), Some(addr));
        assert_eq!(address("a0 ::1 1\n"), Some("[::1]:1".parse().unwrap()));
        assert_eq!(address("\n"), None);
        let new = serde_json::json!({ "counters": { "MAIN.n_purges": { "value": 4 } } });
        let old = serde_json::json!({ "MAIN.n_purges": { "value": 5 } });
        assert_eq!(counter(&new, "MAIN.n_purges"), Some(4));
        assert_eq!(counter(&old, "MAIN.n_purges"), Some(5));
        assert_eq!(counter(&old, "MAIN.n_obj_purged"), None);
    }
}
