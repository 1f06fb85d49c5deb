//! Programs that a suite starts, and waiting for what they do.
//!
//! Each program leads a process group of its own. The group ends when its [`Process`] is
//! dropped; and since a suite that is killed drops nothing, a shell beside each program waits for
//! the end of a pipe that the suite holds, and then ends the group.

use crate::trouble::{During as _, Trouble};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(20);
/// How long a program may take to end after it was asked to.
const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// How much of a log is shown, in lines.
const TAIL_LINES: usize = 20;

/// A running program. Dropping it kills its process group.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    guardian: Child,
    folder: PathBuf,
    is_reaped: bool,
}

impl Process {
    /// Starts `command`; its output goes to `NAME.out` and `NAME.log` in `folder`.
    ///
    /// # Errors
    /// It cannot be started, or the files cannot be made. Nothing runs then.
    pub(crate) fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self, Trouble> {
        let mut start = || {
            let out = File::create(folder.join(format!("{name}.out")))?;
            let log = File::create(folder.join(format!("{name}.log")))?;
            command.stdin(Stdio::null()).stdout(out).stderr(log).process_group(0).spawn()
        };
        let mut child = start().during(&format!("cannot start {name}"))?;
        let guardian = guard(child.id()).inspect_err(|_| {
            // Without a guardian it is not to run; that it has ended already is as well.
            drop(child.kill().and_then(|()| child.wait()));
        });
        let guardian = guardian.during(&format!("cannot guard {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            guardian,
            folder: folder.to_owned(),
            is_reaped: false,
        })
    }

    /// What it has written to standard output.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn output(&self) -> Result<String, Trouble> {
        let file = self.folder.join(format!("{}.out", self.name));
        std::fs::read_to_string(file).during(&format!("the output of {}", self.name))
    }

    /// Whether it is still running.
    ///
    /// # Errors
    /// It has ended by itself.
    pub(crate) fn check_running(&mut self) -> Result<(), Trouble> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.is_reaped = true;
                let log = tail(&self.folder.join(format!("{}.log", self.name)));
                Err(Trouble::new(format!("{} has ended by itself, {status}\n{log}", self.name)))
            }
            Err(error) => Err(Trouble::new(format!("{}: {error}", self.name))),
        }
    }

    /// Asks it to end: SIGTERM.
    ///
    /// # Errors
    /// It has ended by itself.
    pub(crate) fn ask_to_end(&mut self) -> Result<(), Trouble> {
        self.check_running()?;
        send("TERM", i64::from(self.child.id())).during("kill")
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// It did not end in time, and was killed; or it ended with another status than 0.
    pub(crate) async fn ended(mut self) -> Result<(), Trouble> {
        let name = self.name.clone();
        let status = until(format!("{name} ends"), STOP_PATIENCE, async || {
            self.child.try_wait().during(&name)
        });
        let status = status.await?;
        self.is_reaped = true;
        if status.success() {
            return Ok(());
        }
        Err(Trouble::new(format!("{name} ended with {status}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_reaped {
            // The leader is not reaped, so the number still means this group. Errors say that it
            // has ended already, and there is nobody to tell.
            drop(send("KILL", -i64::from(self.child.id())));
            drop(self.child.kill());
            drop(self.child.wait());
        }
        drop(self.guardian.kill());
        drop(self.guardian.wait());
    }
}

/// Starts the shell that ends group `leader` when this process ends, however it does.
fn guard(leader: u32) -> io::Result<Child> {
    let script = "read -r line; kill -s KILL -- \"-$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", &leader.to_string()]);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.process_group(0).spawn()
}

/// Sends a signal to a process, or to a group if the number is negative.
///
/// # Errors
/// There is no shell, or there is no such process.
pub(crate) fn send(signal: &str, to: i64) -> io::Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", signal, &to.to_string()]);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = shell.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("no such process")) }
}

/// Looks at a condition again and again until it gives a value.
///
/// # Errors
/// It fails, or gives none within `limit`; `what` names it.
pub(crate) async fn until<T>(
    what: impl fmt::Display,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<Option<T>, Trouble>,
) -> Result<T, Trouble> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = probe().await? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return Err(Trouble::new(format!("waited {} s in vain: {what}", limit.as_secs())));
        }
        sleep(PERIOD).await;
    }
}

/// Where a program is: in `PATH`, or where Debian puts what only administrators had in theirs.
///
/// # Errors
/// It is nowhere; the text says which package has it.
pub(crate) fn find(program: &str, package: &str) -> Result<PathBuf, Trouble> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    found.ok_or_else(|| {
        Trouble::new(format!("{program} is not installed; on Debian: apt-get install {package}"))
    })
}

/// The last lines of each log in `folder`, each under its name.
pub(crate) fn logs(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else { return String::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let shown = files.iter().map(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("--- {name}\n{}", tail(file))
    });
    shown.collect()
}

fn tail(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    last.iter().map(|line| format!("  {line}\n")).collect()
}

/// The signals that end a suite.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// From here on they no longer end the process by themselves.
    ///
    /// # Errors
    /// They cannot be listened to.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one; its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// A shell that starts another process; the ids of both.
    async fn family(folder: &Path) -> (Process, [i64; 2]) {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $! $$; wait"]);
        let mut process = Process::start("family", &mut command, folder).unwrap();
        let ids = until("the family says who it is", LONG, async || {
            process.check_running()?;
            let text = process.output()?;
            let ids: Vec<i64> = text.split_whitespace().flat_map(str::parse).collect();
            Ok(text.ends_with('\n').then(|| ids.try_into().unwrap()))
        });
        let ids = ids.await.unwrap();
        (process, ids)
    }

    /// A process that has ended but that nobody has waited for yet counts as ended.
    fn is_running(id: i64) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    async fn gone(id: i64) {
        until("it ends", LONG, async || Ok((!is_running(id)).then_some(()))).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_process_takes_its_children_along() {
        let folder = tempfile::tempdir().unwrap();
        let (process, ids) = family(folder.path()).await;
        assert!(ids.iter().all(|id| is_running(*id)));
        drop(process);
        for id in ids {
            gone(id).await;
        }
    }

    #[tokio::test]
    async fn a_suite_that_is_killed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (mut process, ids) = family(folder.path()).await;
        // What the kernel does when the suite is killed.
        drop(process.guardian.stdin.take());
        for id in ids {
            gone(id).await;
        }
    }

    #[tokio::test]
    async fn a_bad_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done"]);
        let mut process = Process::start("stubborn", &mut command, folder.path()).unwrap();
        until("it is up", LONG, async || Ok((!process.output()?.is_empty()).then_some(())))
            .await
            .unwrap();
        process.ask_to_end().unwrap();
        let trouble = process.ended().await.unwrap_err().to_string();
        assert_eq!(trouble, "stubborn ended with exit status: 3");

        let mut command = Command::new("sh");
        command.args(["-c", "echo why >&2; exit 4"]);
        let mut process = Process::start("brief", &mut command, folder.path()).unwrap();
        let trouble = until("it ends", LONG, async || Ok(process.check_running().err()));
        let trouble = trouble.await.unwrap().to_string();
        assert_eq!(trouble, "brief has ended by itself, exit status: 4\n  why\n");
        assert_eq!(logs(folder.path()), "--- brief.log\n  why\n--- stubborn.log\n");
    }

    #[tokio::test]
    async fn waiting_ends_with_what_was_waited_for() {
        let trouble = until("pigs fly", Duration::ZERO, async || Ok(None::<()>)).await;
        assert_eq!(trouble.unwrap_err().to_string(), "waited 0 s in vain: pigs fly");
    }

    #[test]
    fn a_program_that_is_nowhere_comes_with_its_package() {
        let trouble = find("no-such-program", "some-package").unwrap_err().to_string();
        assert!(trouble.ends_with("apt-get install some-package"), "{trouble}");
        assert!(find("sh", "dash").unwrap().is_file());
    }
}
