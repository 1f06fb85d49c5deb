//! Gives an item to a program that is started for it.
//!
//! The payload comes on standard input, what else the item says in the environment (see
//! [`environment`]). Standard output goes nowhere; of standard error the end is kept, for people.
//! No shell is involved.
//!
//! The program gets a process group of its own, and the group lives no longer than the handler:
//! what is left of it is killed when the program has ended, when its time is up (after
//! `SIGTERM` and [`GRACE`]), and when the future is dropped. So a handler cannot leave processes
//! behind that nobody counts; one that is to outlive it must make a session of its own.
//!
//! A program may ignore its input, close it, print without end, or hand its standard error to
//! one that lives on: none of it blocks the handler for longer than its time, or fills memory.

mod environment;
mod tail;
#[cfg(test)]
mod tests;

use super::Exec;
use bruit_model::Item;
use environment::Environment;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tail::Tail;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a program whose time is up may take to end after `SIGTERM`. A guess.
const GRACE: Duration = Duration::from_secs(1);

/// How long standard error is read on after the program has ended: it may be held open by a
/// process that left the group. A guess.
const SETTLE: Duration = Duration::from_millis(100);

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExecAnswer {
    /// What it exited with, unless a signal ended it; 0 is success.
    pub(super) code: Option<i32>,
    /// Which signal ended it.
    pub(super) signal: Option<i32>,
    /// The last [`Tail::BYTES_MAX`] bytes that it wrote to standard error.
    pub(super) stderr_tail: String,
    /// How many headers could not go into its environment.
    pub(super) left_out: usize,
}

/// A program did not end by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ExecError {
    /// It was not started.
    #[error("{program} cannot be started: {source}; give a program that the agent may run")]
    Start {
        /// Which.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It did not end in time. Its process group was killed.
    #[error("the program did not end within {limit:?}, and was killed")]
    Timeout {
        /// How long it had.
        limit: Duration,
        /// As in [`ExecAnswer::stderr_tail`].
        stderr_tail: String,
    },
    /// The system does not say how it ended. Its process group was killed.
    #[error("it cannot be told how the program ended: {0}")]
    Wait(io::Error),
}

/// Runs `exec` for `item`, as the subscription called `name` asks, for at most `limit` and
/// [`GRACE`]. Dropping the future kills the program's process group.
///
/// # Errors
/// See [`ExecError`].
pub(super) async fn run(
    exec: &Exec,
    item: &Item,
    name: &str,
    limit: Duration,
) -> Result<ExecAnswer, ExecError> {
    let Environment { variables, left_out } = Environment::of(item, name);
    let mut child = Command::new(&exec.program)
        .args(&exec.arguments)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| ExecError::Start {
            program: exec.program.display().to_string(),
            source,
        })?;
    let group = Group::of(&child);
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let mut tail = Tail::default();
    let ended = {
        let talk = async {
            tokio::join!(give(stdin, &item.payload), collect(stderr, &mut tail));
        };
        supervise(&mut child, group, talk, limit).await
    };
    let stderr_tail = tail.text();
    match ended {
        Ok(Some(status)) => {
            Ok(ExecAnswer { code: status.code(), signal: status.signal(), stderr_tail, left_out })
        }
        Ok(None) => Err(ExecError::Timeout { limit, stderr_tail }),
        Err(error) => Err(ExecError::Wait(error)),
    }
}

/// How the program ended; `None` if its time was up. `talk` moves what it reads and writes.
async fn supervise(
    child: &mut Child,
    group: Group,
    talk: impl Future<Output = ()>,
    limit: Duration,
) -> io::Result<Option<ExitStatus>> {
    let mut talk = pin!(talk);
    let mut is_silent = false;
    let mut wait = async |child: &mut Child| loop {
        tokio::select! {
            status = child.wait() => return status,
            () = &mut talk, if !is_silent => is_silent = true,
        }
    };
    let ended = match timeout(limit, wait(child)).await {
        Ok(status) => status.map(Some),
        Err(_elapsed) => {
            group.signal(Signal::TERM);
            if timeout(GRACE, wait(child)).await.is_err() {
                group.signal(Signal::KILL);
                // One that the kernel holds is not waited for: tokio collects it later.
                timeout(GRACE, wait(child)).await.ok();
            }
            Ok(None)
        }
    };
    // Before this future is polled again, so that the id of the group, free when all are gone,
    // has hardly been given to others.
    drop(group);
    if !is_silent {
        timeout(SETTLE, talk).await.ok();
    }
    ended
}

/// Writes the payload and closes. A program need not read it.
async fn give(stdin: Option<impl AsyncWrite + Unpin>, payload: &[u8]) {
    let Some(mut stdin) = stdin else { return };
    stdin.write_all(payload).await.ok();
}

/// Reads to the end.
async fn collect(stderr: Option<impl AsyncRead + Unpin>, tail: &mut Tail) {
    let Some(mut stderr) = stderr else { return };
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        tail.push(&buffer[..length]);
    }
}

/// The process group of a program; dropping this kills what is left of it.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        // The only error is that nobody is left.
        self.0.map(|group| kill_process_group(group, signal).ok());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
