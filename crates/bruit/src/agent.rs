//! `bruit agent`: one agent in the foreground.

use crate::args::{AgentArgs, SettingArgs};
use crate::exit::{Exit, Failure};
use crate::signals::Signals;
use crate::{logging, out, systemd};
use bruit_agent::{Agent, AgentConfig, Sources};
use std::io::{self, Read as _, Write as _};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Threads for files and name look-ups, beside the one that does everything else.
const BLOCKING_THREADS_MAX: usize = 2;
/// How long such a thread waits for more to do. Guess.
const BLOCKING_THREAD_KEPT: Duration = Duration::from_secs(1);
/// The stack of such a thread, in bytes. Guess.
const BLOCKING_STACK_BYTES: usize = 512 * 1024;

/// Runs an agent until a signal, its API or its standard input says that it is to end.
pub(crate) fn run(args: AgentArgs) -> Result<Exit, Failure> {
    let until_stdin_closes = args.until_stdin_closes;
    let config = config(&args.settings)?;
    logging::start(config.log_format, config.log_level);
    let runtime = runtime()?;
    let end = runtime.block_on(serve(config, until_stdin_closes));
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
pub(crate) fn config(args: &SettingArgs) -> Result<AgentConfig, Failure> {
    let sources = Sources::of_process(args.config.clone(), args.overlay());
    let config = sources.read().and_then(|overlay| AgentConfig::resolve_all(&overlay));
    config.map_err(|errors| {
        let mut failures: Vec<Failure> =
            errors.iter().map(|error| Failure::from_error(Exit::Usage, error)).collect();
        let last = failures.pop().expect("what fails says why");
        failures.iter().for_each(Failure::print);
        last
    })
}

async fn serve(config: AgentConfig, until_stdin_closes: bool) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let agent = tokio::select! {
        started = Box::pin(Agent::start(config)) => {
            started.map_err(|error| Failure::from_error(Exit::Failed, &error))?
        }
        _ = signals.next() => return Ok(Exit::Ok),
    };
    say_ready(&agent);
    systemd::ready();
    let stdin = stdin_end(until_stdin_closes);
    let why = tokio::select! {
        signal = signals.next() => signal,
        () = agent.leave_asked() => "a call of the API",
        () = stdin => "the end of standard input",
        never = systemd::watch(&agent) => match never {},
    };
    tracing::info!(%why, "leaving");
    systemd::stopping();
    let end = async {
        tokio::select! {
            () = agent.drain(why == "SIGTERM") => {}
            never = systemd::watch(&agent) => match never {},
        }
        agent.shutdown(true).await;
    };
    tokio::select! {
        () = Box::pin(end) => Ok(Exit::Ok),
        _ = signals.next() => Ok(Exit::Interrupted),
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
