//! `bruit run`: a service with an agent beside it, in one process tree.
//!
//! ```text
//! agent starts, deliveries held -> service starts -> its port answers: deliveries begin
//!        | cannot                     |                      |
//!        v                            v                      v  service ends
//!      failure                 127 or 126           agent leaves -> the service's exit code
//! ```
//!
//! The agent comes first, so that no service ever runs without one. The service stays in the
//! process group of the terminal: it can read from it, and Ctrl-C reaches it from there.

use crate::agent;
use crate::args::RunArgs;
use crate::exit::{Exit, Failure};
use bruit_agent::delivery::Endpoint;
use bruit_agent::{Agent, Settings};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind};

/// How often to look whether the service takes connections. Guess.
const LOOK_PERIOD: Duration = Duration::from_millis(50);
/// After how long a service that takes none is named in the log. Guess.
const LOOK_WARNING: Duration = Duration::from_secs(30);
/// There is no such program, and it cannot be run: as shells and env(1) have it.
const NO_PROGRAM: u8 = 127;
const NOT_RUNNABLE: u8 = 126;
/// What is added to the number of the signal that ended a program, as shells do.
const BY_SIGNAL: i32 = 128;

/// Runs the service to its end; gives its exit code.
pub(crate) fn run(mut args: RunArgs) -> Result<ExitCode, Failure> {
    if let Some(port) = args.port {
        args.settings.app = Some(format!("http://127.0.0.1:{port}"));
    }
    let settings = agent::start_logging(agent::settings(&args.settings)?);
    let Some(app) = settings.config.app.clone() else {
        return Err(Failure::usage("it is not known where the service listens")
            .hint("say --port PORT, or --app URL"));
    };
    let runtime = agent::runtime()?;
    let end = runtime.block_on(beside(settings, &app, &args.command));
    runtime.shutdown_background();
    end
}

async fn beside(
    settings: Settings,
    app: &Endpoint,
    command: &[String],
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new()?;
    let agent = tokio::select! {
        started = Box::pin(Agent::start(settings)) => {
            started.map_err(|error| Failure::from_error(Exit::Failed, &error))?
        }
        _ = signals.next() => return Ok(Exit::Interrupted.into()),
    };
    agent.hold_deliveries(true);
    let ready = agent.ready();
    tracing::info!(name = %ready.name, gossip = %ready.gossip, api = %ready.api, "ready");
    let end = match start(command, &ready.api.to_string()) {
        Ok(mut child) => Ok(watch(&agent, app, &mut child, &mut signals).await),
        Err(error) => Err(error),
    };
    tokio::select! {
        () = Box::pin(agent.shutdown(true)) => {}
        _ = signals.next() => {}
    }
    match end {
        Ok(status) => Ok(code(status?)),
        Err(error) => {
            let code =
                if error.kind() == io::ErrorKind::NotFound { NO_PROGRAM } else { NOT_RUNNABLE };
            Failure::new(Exit::Failed, format!("cannot run {}: {error}", command[0])).print();
            Ok(code.into())
        }
    }
}

fn start(command: &[String], api: &str) -> io::Result<Child> {
    let (program, arguments) = command.split_first().expect("clap asks for one value or more");
    Command::new(program).args(arguments).env("BRUIT_ADDR", api).kill_on_drop(true).spawn()
}

/// Passes signals on, and lets deliveries begin when the service is there; until it ends.
async fn watch(
    agent: &Agent,
    app: &Endpoint,
    child: &mut Child,
    signals: &mut Signals,
) -> Result<ExitStatus, Failure> {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let is_interactive = io::stdin().is_terminal();
    let mut is_waiting = true;
    let answers = answers(app);
    tokio::pin!(answers);
    loop {
        tokio::select! {
            status = child.wait() => {
                return status.map_err(|error| {
                    Failure::new(Exit::Failed, format!("the service cannot be waited for: {error}"))
                });
            }
            () = &mut answers, if is_waiting => {
                is_waiting = false;
                tracing::info!(app = %app.authority(), "the service answers; deliveries begin");
                agent.hold_deliveries(false);
            }
            signal = signals.next() => {
                if signal != Signal::HUP {
                    // A service that is on its way out gets nothing new.
                    is_waiting = false;
                    agent.hold_deliveries(true);
                }
                // The terminal has sent its Ctrl-C to the service as well.
                if !(is_interactive && signal == Signal::INT) {
                    pass_on(pid, signal);
                }
            }
            () = agent.leave_asked() => {
                tracing::info!("asked to leave; ending the service");
                is_waiting = false;
                agent.hold_deliveries(true);
                pass_on(pid, Signal::TERM);
            }
        }
    }
}

fn pass_on(pid: Option<Pid>, signal: Signal) {
    let Some(pid) = pid else { return };
    if let Err(error) = kill_process(pid, signal) {
        tracing::warn!(%error, ?signal, "a signal was not passed on to the service");
    }
}

/// Ends when the service takes a connection.
async fn answers(app: &Endpoint) {
    let host = app.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let mut waited = Duration::ZERO;
    while TcpStream::connect((host.as_str(), app.port())).await.is_err() {
        tokio::time::sleep(LOOK_PERIOD).await;
        waited += LOOK_PERIOD;
        if waited == LOOK_WARNING {
            tracing::warn!(app = %app.authority(), "the service does not answer yet; items wait");
        }
    }
}

/// The exit code as a shell has it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(BY_SIGNAL + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1).into()
}

/// The signals that are passed on.
struct Signals {
    term: unix::Signal,
    int: unix::Signal,
    hup: unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let catch = |kind| {
            unix::signal(kind).map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot catch signals: {error}"))
            })
        };
        Ok(Self {
            term: catch(SignalKind::terminate())?,
            int: catch(SignalKind::interrupt())?,
            hup: catch(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.term.recv() => Signal::TERM,
            _ = self.int.recv() => Signal::INT,
            _ = self.hup.recv() => Signal::HUP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_as_a_shell_has_it() {
        for (raw, expected) in [(0, 0), (7 << 8, 7), (15, 143), (9, 137)] {
            let expected = ExitCode::from(expected);
            assert_eq!(format!("{:?}", code(ExitStatus::from_raw(raw))), format!("{expected:?}"));
        }
    }
}
