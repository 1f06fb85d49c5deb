//! `bruit sim replay`.

use super::files::Replay;
use super::run::{Command, failure};
use super::source::Source;
use super::until_signal;
use crate::args::ReplayArgs;
use crate::exit::{Exit, Failure};
use crate::out::Out;
use bruit_sim::measure::{Outcome, VERSION, commit};
use bruit_sim::run::run_logged;
use bruit_sim::scenario::Scale;
use serde_json::json;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Runs one seed again; prints what happened, and the trace hash last.
pub(super) fn run(args: &ReplayArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let kept = Replay::load(Path::new(&args.scenario))?;
    let (source, mut set, seed) = match &kept {
        Some(kept) => {
            let source = Source { name: kept.name.clone(), text: kept.scenario.clone() };
            (source, kept.set.clone(), Some(kept.seed))
        }
        None => (Source::find(&args.scenario)?, Vec::new(), None),
    };
    set.extend(args.set.iter().cloned());
    let mut scenario = source.parse(&set)?;
    scenario.seed = args.seed.or(seed).unwrap_or(scenario.seed);
    scenario.seeds = 1;
    let command = Command { name: &source.name, set: &set, scenario: &scenario };
    if !out.is_json() {
        command.head(&out)?;
    }
    let stop = until_signal()?;
    let (outcome, log) = run_logged(&scenario, scenario.seed, args.lines, &mut |_| {
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .map_err(|error| failure(&error))?;
    if out.is_json() {
        out.value_with(
            &json!({
                "version": VERSION, "commit": commit(), "scenario": source.name,
                "seed": outcome.seed, "log": log.iter().map(|line| json!({ "line": line }))
                    .collect::<Vec<_>>(),
                "trace_hash": outcome.trace_hash,
            }),
            "log",
        )?;
    } else {
        if scenario.scale == Scale::Engine {
            out.note("at engine scale there is no event log, only the trace hash")?;
        }
        log.iter().try_for_each(|line| out.line(line))?;
        out.line(&format!("trace   {}", outcome.trace_hash))?;
    }
    check(kept.as_ref(), args, &outcome)
}

/// A run that was kept must come out as it was, unless something else was asked for.
fn check(kept: Option<&Replay>, args: &ReplayArgs, outcome: &Outcome) -> Result<Exit, Failure> {
    let Some(kept) = kept.filter(|kept| args.set.is_empty() && kept.seed == outcome.seed) else {
        return Ok(Exit::Ok);
    };
    if kept.trace_hash == outcome.trace_hash {
        return Ok(Exit::Ok);
    }
    let line = format!("the trace was {}, and is {}", kept.trace_hash, outcome.trace_hash);
    let word = |commit: Option<&str>| commit.unwrap_or("unknown").to_owned();
    let commits = (word(kept.commit.as_deref()), word(commit()));
    Err(Failure::new(Exit::Failed, line).hint(format!(
        "it was run by commit {}, and this is commit {}: the code between differs",
        commits.0, commits.1
    )))
}
