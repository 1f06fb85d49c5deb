//! An agent as a process of its own.

use crate::exit::{Exit, Failure};
use serde::Deserialize;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader as AsyncBufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long an agent may take to be ready. Guess, for a busy machine.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How many lines of a log are shown after a failure.
const LOG_LINES: usize = 8;

/// The addresses in an agent's ready line.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ready {
    /// Where it gossips.
    pub(super) gossip: String,
    /// Where its API listens.
    pub(super) api: String,
}

/// A running agent. It is killed when this is dropped, and ends by itself when this process
/// does, since its standard input ends.
#[derive(Debug)]
pub(super) struct Agent {
    child: Child,
    stdout: Option<ChildStdout>,
    _stdin: Option<ChildStdin>,
}

/// What an agent of the demo is started with.
#[derive(Debug)]
pub(super) struct Flags<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Where to gossip and to listen.
    pub(super) at: &'a Ready,
    /// Whom to contact.
    pub(super) join: Option<&'a str>,
    /// The service's URL.
    pub(super) app: &'a str,
    /// The folder for its state and its log.
    pub(super) folder: &'a Path,
}

/// A command of this same program.
pub(super) fn bruit() -> Result<Command, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::Failed, format!("this program cannot find itself: {error}"))
    })?;
    let mut command = Command::new(program);
    command.kill_on_drop(true).env_remove("BRUIT_ADDR").env_remove("BRUIT_TOKEN");
    Ok(command)
}

fn log_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

impl Agent {
    /// Starts an agent. It is not ready yet.
    pub(super) fn start(flags: &Flags<'_>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("cannot start {}: {error}", flags.name))
        };
        let path = log_path(flags.folder, flags.name);
        let log = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        let mut command = bruit()?;
        // Settings of this machine's own agent are not the demo's.
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.as_encoded_bytes().starts_with(b"BRUIT_")) {
            command.env_remove(name);
        }
        command.args(["agent", "--config", "/dev/null"]);
        command.args(["--until-stdin-closes", "--profile", "local", "--name", flags.name]);
        command.args(["--bind", &flags.at.gossip, "--api", &flags.at.api]);
        command.args(["--app", flags.app, "--subscribe", "cache/**"]);
        command.arg("--data").arg(flags.folder.join(flags.name));
        command.args(flags.join.iter().flat_map(|join| ["--join", join]));
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(failed)?;
        let (stdout, stdin) = (child.stdout.take(), child.stdin.take());
        Ok(Self { child, stdout, _stdin: stdin })
    }

    /// Waits for the ready line.
    pub(super) async fn ready(&mut self) -> Result<Ready, Failure> {
        let failed =
            |why: String| Failure::new(Exit::Failed, format!("an agent did not start: {why}"));
        let stdout = self.stdout.take().ok_or_else(|| failed("it was ready before".to_owned()))?;
        let mut lines = AsyncBufReader::new(stdout).lines();
        let line = tokio::time::timeout(READY_TIMEOUT, lines.next_line()).await;
        let line = line.map_err(|_| failed(format!("not ready within {READY_TIMEOUT:?}")))?;
        let line = line.map_err(|error| failed(error.to_string()))?;
        let line = line.ok_or_else(|| failed("it ended before it was ready".to_owned()))?;
        serde_json::from_str(&line).map_err(|error| failed(format!("{error} in {line}")))
    }

    /// Kills it (SIGKILL), and waits for its end.
    pub(super) async fn kill(mut self) -> Result<(), Failure> {
        self.child.kill().await.map_err(|error| {
            Failure::new(Exit::Failed, format!("an agent could not be killed: {error}"))
        })
    }
}

/// The last lines of an agent's log.
pub(super) fn log_tail(folder: &Path, name: &str) -> Vec<String> {
    let Ok(file) = File::open(log_path(folder, name)) else { return Vec::new() };
    let mut last = VecDeque::with_capacity(LOG_LINES + 1);
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        last.push_back(format!("{name}: {line}"));
        if last.len() > LOG_LINES {
            last.pop_front();
        }
    }
    last.into()
}
