//! One process of a peer: started, watched, and ended with its owner.

use crate::failure::{Doing as _, Failure};
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// How many characters of a log are shown.
const LOG_CHARS_SHOWN: usize = 600;

/// A running process. Dropping it kills it and waits for its end.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

/// What becomes of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// It goes to the log.
    Logged,
    /// [`Process::stdout`] reads it.
    Piped,
}

impl Process {
    /// Starts `program`, in a process group of its own so that a Ctrl-C ends this program first,
    /// and ended by the kernel if this program is killed (where `setpriv` can arrange it; it
    /// replaces itself by `program`, so the process id is the program's).
    pub(crate) fn start(
        program: &Path,
        arguments: &[String],
        log: PathBuf,
        output: Output,
    ) -> Result<Self, Failure> {
        let shown = program.display();
        let errors = File::create(&log).doing(format_args!("making {}", log.display()))?;
        let stdout = match output {
            Output::Piped => Stdio::piped(),
            Output::Logged => Stdio::from(errors.try_clone().doing("sharing a log")?),
        };
        let mut command = if can_tie() {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).stdin(Stdio::null()).stdout(stdout).stderr(errors);
        let child = command.process_group(0).spawn().doing(format_args!("starting {shown}"))?;
        Ok(Self { child, log })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The reading end of its standard output, once, if that is piped.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Kills it as `kill -9` does, and waits for its end. Nothing if it has ended.
    pub(crate) fn kill(&mut self) {
        // Both fail only for a process that is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// An error if it has ended by itself, with the end of its log.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait().doing("asking for a process's end")? {
            None => Ok(()),
            Some(status) => {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let skipped = log.chars().count().saturating_sub(LOG_CHARS_SHOWN);
                let end: String = log.chars().skip(skipped).collect();
                Err(Failure::new(format!("an agent ended by itself ({status}): {}", end.trim())))
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether `setpriv` can tie a process to this one.
fn can_tie() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "true"]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    })
}
