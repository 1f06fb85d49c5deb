//! `bruit sim step`.

use super::run::{Command, failure};
use super::source::Source;
use super::until_signal;
use crate::args::StepArgs;
use crate::exit::{Exit, Failure};
use crate::out::Out;
use bruit_sim::HostId;
use bruit_sim::log::Step;
use bruit_sim::run::{RunError, Walk};
use bruit_sim::scenario::Scale;
use serde_json::json;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Prints what happens, one thing at a time, with what each changed.
pub(super) fn run(args: &StepArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let source = Source::find(&args.scenario.scenario)?;
    let mut scenario = source.parse(&args.scenario.set)?;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    scenario.seeds = 1;
    if scenario.scale == Scale::Engine {
        return Err(Failure::from_error(Exit::Usage, &RunError::NoSteps));
    }
    if args.node.is_some_and(|node| node >= scenario.nodes) {
        let line = format!("there is no node {}", args.node.unwrap_or_default());
        let hint = format!("nodes are 0 to {}", scenario.nodes - 1);
        return Err(Failure::usage(line).hint(hint));
    }
    if !out.is_json() {
        Command { name: &source.name, set: &args.scenario.set, scenario: &scenario }.head(&out)?;
    }
    let stop = until_signal()?;
    let mut walk = Walk::new(&scenario, scenario.seed, &mut |_| {
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .map_err(|error| failure(&error))?;
    walk.skip_to(args.from);
    let mut shown = 0;
    while shown < args.steps && !stop.load(Ordering::Relaxed) {
        let Some(step) = walk.step() else {
            out.note("the run is over")?;
            break;
        };
        if is_wanted(args, &step) {
            show(&out, &step, walk.since_begin(step.at))?;
            shown += 1;
        }
    }
    Ok(if stop.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Ok })
}

fn is_wanted(args: &StepArgs, step: &Step) -> bool {
    let is_its = args
        .node
        .is_none_or(|node| step.host == HostId(node) || step.what.starts_with("scenario: "));
    is_its && (!args.changes || !step.diff.is_empty())
}

fn show(out: &Out, step: &Step, passed: Duration) -> Result<(), Failure> {
    if out.is_json() {
        return out.json(&json!({
            "step": step.number, "at_us": u64::try_from(passed.as_micros()).unwrap_or(u64::MAX),
            "node": step.host.0, "what": step.what, "diff": step.diff,
        }));
    }
    let host =
        if step.what.starts_with("scenario: ") { String::new() } else { format!("{} ", step.host) };
    out.line(&format!("#{} {:.6}s {host}{}", step.number, passed.as_secs_f64(), step.what))?;
    step.diff.iter().try_for_each(|line| out.line(&format!("    {line}")))
}
