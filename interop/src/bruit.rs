//! Real `bruit agent` processes.

use crate::http::get_json;
use crate::process::{Process, until};
use crate::trouble::{During as _, Trouble};
use serde::Deserialize;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long an agent may take to be ready.
const READY_PATIENCE: Duration = Duration::from_secs(20);

/// Finds the program: `BRUIT_BIN` if it is set; else the one beside this program, which cargo
/// brings up to date if this program was started by cargo.
///
/// # Errors
/// It is not there, or cannot be built.
pub(crate) async fn program() -> Result<PathBuf, Trouble> {
    if let Some(file) = std::env::var_os("BRUIT_BIN") {
        let file = PathBuf::from(file);
        let is_there = file.is_file();
        return is_there.then_some(file).ok_or_else(|| Trouble::new("BRUIT_BIN is no file"));
    }
    let me = std::env::current_exe().during("this program's own file")?;
    let folder = me.parent().unwrap_or(Path::new("."));
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = tokio::process::Command::new(cargo);
        build.args(["build", "--quiet", "-p", "bruit", "--profile", profile(folder)]);
        build.arg("--target-dir").arg(folder.parent().unwrap_or(folder));
        build.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).kill_on_drop(true);
        let status = build.status().await.during("cargo build -p bruit")?;
        if !status.success() {
            return Err(Trouble::new("cargo build -p bruit failed; BRUIT_BIN names one built"));
        }
    }
    let file = folder.join("bruit");
    let is_there = file.is_file();
    is_there.then_some(file).ok_or_else(|| {
        Trouble::new("no bruit beside this program; build it, or name it by BRUIT_BIN")
    })
}

/// The profile whose programs cargo puts into `folder`.
fn profile(folder: &Path) -> &str {
    match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(name) => name,
    }
}

/// What an agent is started with.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    /// Its name, also of its log files.
    pub(crate) name: &'a str,
    /// The service beside it.
    pub(crate) app: SocketAddr,
    /// The agent to join, if there is one.
    pub(crate) join: Option<SocketAddr>,
}

/// A running agent.
#[derive(Debug)]
pub(crate) struct Agent {
    process: Process,
    /// Its name.
    pub(crate) name: String,
    /// Where it gossips.
    pub(crate) gossip: SocketAddr,
    /// Where its API listens.
    pub(crate) api: SocketAddr,
}

/// What the suites need of the ready line.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Ready {
    gossip: SocketAddr,
    api: SocketAddr,
}

/// Reads the ready line; `None` while it is not whole.
fn ready(output: &str) -> Result<Option<Ready>, Trouble> {
    let Some((line, _)) = output.split_once('\n') else { return Ok(None) };
    serde_json::from_str(line).map(Some).during(&format!("the ready line {line}"))
}

impl Agent {
    /// Starts an agent that passes everything to its service, and waits until it is ready.
    ///
    /// # Errors
    /// It cannot be started, ends, or is not ready in time.
    pub(crate) async fn start(
        program: &Path,
        settings: Settings<'_>,
        folder: &Path,
    ) -> Result<Self, Trouble> {
        let Settings { name, app, join } = settings;
        let lines = format!("app = \"http://{app}\"\nsubscribe = [\"**\"]\n");
        Self::configured(program, name, &lines, join, folder).await
    }

    /// Starts an agent that reads `settings`, lines of TOML, from a file, and waits until it is
    /// ready.
    ///
    /// # Errors
    /// It cannot be started, ends, or is not ready in time.
    pub(crate) async fn configured(
        program: &Path,
        name: &str,
        settings: &str,
        join: Option<SocketAddr>,
        folder: &Path,
    ) -> Result<Self, Trouble> {
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, settings).during(&format!("the settings of {name}"))?;
        let mut command = Command::new(program);
        command.args(["agent", "--name", name, "--profile", "local"]).arg("--config").arg(&file);
        command.args(["--bind", "127.0.0.1:0", "--api", "127.0.0.1:0"]);
        // Services outlive their agents here.
        command.args(["--drain-timeout", "2s"]);
        if let Some(join) = join {
            command.args(["--join", &join.to_string()]);
        }
        let mut process = Process::start(name, &mut command, folder)?;
        let ready = until(format!("{name} is ready"), READY_PATIENCE, async || {
            process.check_running()?;
            ready(&process.output()?)
        });
        let Ready { gossip, api } = ready.await?;
        Ok(Self { process, name: name.to_owned(), gossip, api })
    }

    /// How many members it sees as alive.
    ///
    /// # Errors
    /// Its API does not answer.
    pub(crate) async fn alive(&self) -> Result<usize, Trouble> {
        let members = get_json(self.api, "/v1/members").await?;
        let members = members.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(members.iter().filter(|member| member["state"] == "alive").count())
    }

    /// How many subscriptions it knows, of all agents.
    ///
    /// # Errors
    /// Its API does not answer.
    pub(crate) async fn subscriptions(&self) -> Result<usize, Trouble> {
        let all = get_json(self.api, "/v1/subscriptions").await?;
        Ok(all.as_array().map_or(0, Vec::len))
    }

    /// How its own subscription is doing.
    ///
    /// # Errors
    /// Its API does not answer.
    pub(crate) async fn own_subscription(&self) -> Result<Value, Trouble> {
        let all = get_json(self.api, "/v1/subscriptions").await?;
        let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
        let own = all.iter().map(|each| &each["local"]).find(|local| local.is_object());
        own.cloned().ok_or_else(|| Trouble::new(format!("{} has no subscription", self.name)))
    }

    /// Asks it to end, as an operator would.
    ///
    /// # Errors
    /// It has ended by itself.
    pub(crate) fn ask_to_end(&mut self) -> Result<(), Trouble> {
        self.process.ask_to_end()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// It does not end in time, or not well.
    pub(crate) async fn ended(self) -> Result<(), Trouble> {
        self.process.ended().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_is_read_when_it_is_whole() {
        let line = r#"{"name":"a","gossip":"127.0.0.1:1","api":"127.0.0.1:2","pid":3}"#;
        assert_eq!(ready(line).unwrap(), None);
        let [gossip, api] = ["127.0.0.1:1", "127.0.0.1:2"].map(|text| text.parse().unwrap());
        assert_eq!(ready(&format!("{line}\n")).unwrap(), Some(Ready { gossip, api }));
        assert!(ready("{}\n").is_err());
    }

    #[test]
    fn folders_name_profiles() {
        assert_eq!(profile(Path::new("target/debug")), "dev");
        assert_eq!(profile(Path::new("target/ci")), "ci");
    }
}
