//! `bruit agent`: one agent in the foreground.

use crate::args::{AgentArgs, SettingArgs};
use crate::exit::{Exit, Failure};
use crate::signals::{Signals, Wish, Wishes};
use crate::{logging, out, systemd};
use bruit_agent::{Agent, Host, LogLevel, Settings, Sources};
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Threads for files and name look-ups, beside the one that does everything else.
const BLOCKING_THREADS_MAX: usize = 2;
/// How long such a thread waits for more to do. Guess.
const BLOCKING_THREAD_KEPT: Duration = Duration::from_secs(1);
/// The stack of such a thread, in bytes. Guess.
const BLOCKING_STACK_BYTES: usize = 512 * 1024;

/// What ended the agent, if its API did.
const CALL: &str = "a call of the API";

/// Runs an agent until a signal, its API or its standard input says that it is to end.
pub(crate) fn run(args: &AgentArgs) -> Result<Exit, Failure> {
    let settings = start_logging(settings(&args.settings)?);
    let runtime = runtime()?;
    let end = runtime.block_on(serve(settings, args.until_stdin_closes));
    runtime.shutdown_background();
    end
}

/// One thread for everything, and few for what would block it.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_keep_alive(BLOCKING_THREAD_KEPT)
        .thread_stack_size(BLOCKING_STACK_BYTES)
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start: {error}")))
}

/// What an agent with these flags has for settings. Every mistake but the last is said here.
pub(crate) fn settings(args: &SettingArgs) -> Result<Settings, Failure> {
    let sources = Sources::of_process(args.config.clone(), args.overlay());
    Settings::read(sources).map_err(|errors| {
        let mut failures: Vec<Failure> =
            errors.iter().map(|error| Failure::from_error(Exit::Usage, error)).collect();
        let last = failures.pop().expect("what fails says why");
        failures.iter().for_each(Failure::print);
        last
    })
}

/// Logs as the settings say, also after they change.
pub(crate) fn start_logging(settings: Settings) -> Settings {
    let set_level = logging::start(settings.config.log_format, settings.config.log_level);
    settings.with_host(Arc::new(Process { set_level }))
}

/// This process, as its agent sees it.
struct Process {
    set_level: Box<dyn Fn(LogLevel) + Send + Sync>,
}

impl Host for Process {
    fn set_log_level(&self, level: LogLevel) {
        (self.set_level)(level);
        tracing::debug!(level = level.word(), "the log level was changed");
    }

    fn reloading(&self) {
        systemd::reloading();
    }

    fn reloaded(&self) {
        systemd::ready();
    }
}

async fn serve(settings: Settings, until_stdin_closes: bool) -> Result<Exit, Failure> {
    let (mut signals, mut wishes) = (Signals::new()?, Wishes::new()?);
    let agent = tokio::select! {
        started = Box::pin(Agent::start(settings)) => {
            started.map_err(|error| Failure::from_error(Exit::Failed, &error))?
        }
        _ = signals.next() => return Ok(Exit::Ok),
    };
    systemd::ready();
    say_ready(&agent);
    let drained = tokio::select! {
        drained = attend(&agent, &mut signals, &mut wishes, until_stdin_closes) => drained,
        () = systemd::watch(&agent) => unreachable!("it never ends"),
    };
    if !drained {
        return Ok(Exit::Interrupted);
    }
    tokio::select! {
        () = Box::pin(agent.shutdown(true)) => Ok(Exit::Ok),
        _ = signals.next() => Ok(Exit::Interrupted),
    }
}

/// Waits until the agent is to end, and ends its deliveries; whether that came to its end.
async fn attend(
    agent: &Agent,
    signals: &mut Signals,
    wishes: &mut Wishes,
    until_stdin_closes: bool,
) -> bool {
    let why = tokio::select! {
        signal = signals.next() => signal,
        () = agent.leave_asked() => CALL,
        () = stdin_end(until_stdin_closes) => "the end of standard input",
        () = obey(agent, wishes) => unreachable!("it never ends"),
    };
    tracing::info!(%why, "leaving");
    systemd::stopping();
    // A person, at the terminal or by a call, does not wait for a service that goes on.
    if matches!(why, CALL | "SIGINT") {
        return true;
    }
    tokio::select! {
        () = agent.drain() => true,
        _ = signals.next() => false,
    }
}

/// Does what signals ask of an agent that goes on. Never ends.
async fn obey(agent: &Agent, wishes: &mut Wishes) {
    loop {
        match wishes.next().await {
            // What comes of it is in the log.
            Wish::Reload => drop(agent.reload().await),
            Wish::Dump => agent.dump().await,
        }
    }
}

/// The ready line. That nobody reads it is no reason not to run.
fn say_ready(agent: &Agent) {
    let ready = serde_json::to_string(agent.ready()).expect("the ready line has string keys");
    let mut stdout = io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{ready}").and_then(|()| stdout.flush()) {
        tracing::warn!(%error, "the ready line was not written");
    }
    let ready = agent.ready();
    tracing::info!(name = %ready.name, gossip = %ready.gossip, api = %ready.api, "ready");
}

/// Ends when standard input does; never, if that is not wanted.
async fn stdin_end(is_wanted: bool) {
    if !is_wanted {
        return std::future::pending().await;
    }
    let (sender, ended) = oneshot::channel::<()>();
    // A thread of its own: a read of standard input can be neither awaited nor cancelled.
    let thread = std::thread::Builder::new().name("stdin".to_owned()).stack_size(64 * 1024);
    let reading = thread.spawn(move || {
        let mut some = [0; 256];
        while matches!(io::stdin().lock().read(&mut some), Ok(1..)) {}
        // Dropping the sender says it.
        drop(sender);
    });
    match reading {
        Ok(_) => drop(ended.await),
        Err(error) => {
            out::tell(&format!("warning: standard input is not watched: {error}"));
            std::future::pending().await
        }
    }
}
