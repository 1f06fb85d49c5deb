//! `bruit sim run`.

use super::files::{Baseline, Replay, csv, write};
use super::live::Live;
use super::source::Source;
use super::{PLAIN, pool, print, until_signal};
use crate::args::SimRunArgs;
use crate::client::quote as shell;
use crate::exit::{Exit, Failure};
use crate::out::Out;
use bruit_sim::measure::{Change, METRICS, Outcome, VERSION, commit, compare};
use bruit_sim::report::{Report, html, svg, theory};
use bruit_sim::run::RunError;
use bruit_sim::scenario::{Scale, Scenario};
use serde_json::json;
use std::sync::atomic::AtomicBool;

/// Runs a scenario with each of its seeds.
pub(super) fn run(args: &SimRunArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let source = Source::find(&args.scenario.scenario)?;
    let mut scenario = source.parse(&args.scenario.set)?;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    scenario.seeds = args.seeds.unwrap_or(scenario.seeds);
    let baseline = args.baseline.as_deref().map(Baseline::load).transpose()?;
    let command = Command { name: &source.name, set: &args.scenario.set, scenario: &scenario };
    if !out.is_json() {
        command.head(&out)?;
    }
    let stop = until_signal()?;
    let live = Live::new(!args.runner.no_progress, scenario.seeds as usize, "seeds");
    let runs = seeds(&scenario, pool::threads(&args.runner), &stop, &live);
    live.close();
    let runs = runs?;
    command.files(args, &source, &runs)?;
    let changes = baseline.as_ref().map(|baseline| compare(&baseline.runs, &runs));
    if out.is_json() {
        let value = json!({
            "version": VERSION, "commit": commit(), "scenario": source.name,
            "command": command.text("run"), "runs": runs, "changes": changes,
        });
        out.value_with(&value, "runs")?;
        return Ok(Exit::Ok);
    }
    command.tell(&out, &runs, changes.as_deref())?;
    Ok(Exit::Ok)
}

/// Runs every seed of a scenario; gives the outcomes in the order of seeds.
pub(super) fn seeds(
    scenario: &Scenario,
    threads: usize,
    stop: &AtomicBool,
    live: &Live,
) -> Result<Vec<Outcome>, Failure> {
    let last = scenario.seed.saturating_add(scenario.seeds.into());
    let seeds: Vec<u64> = (scenario.seed..last).collect();
    let mut runs: Vec<Option<Result<Outcome, RunError>>> = vec![None; seeds.len()];
    let one = |seed: &u64| {
        let outcome = pool::outcome(scenario, *seed, stop, |progress| live.told(*seed, progress));
        live.done(*seed);
        outcome
    };
    pool::each(&seeds, threads, stop, one, |place, outcome| runs[place] = Some(outcome));
    let all = runs.into_iter().map(|run| run.unwrap_or(Err(RunError::Interrupted)));
    all.collect::<Result<_, _>>().map_err(|error| failure(&error))
}

/// A run that has no outcome.
pub(super) fn failure(error: &RunError) -> Failure {
    let exit = match error {
        RunError::Interrupted => Exit::Interrupted,
        RunError::NotFormed(_) | _ => Exit::Failed,
    };
    Failure::from_error(exit, error)
}

/// What was asked for, to be shown and repeated.
pub(super) struct Command<'a> {
    pub(super) name: &'a str,
    pub(super) set: &'a [(String, String)],
    pub(super) scenario: &'a Scenario,
}

impl Command<'_> {
    fn flags(&self) -> String {
        let each = self
            .set
            .iter()
            .map(|(key, value)| format!(" --set {}", shell(&format!("{key}={value}"))));
        each.collect()
    }

    /// The command that does it again.
    pub(super) fn text(&self, verb: &str) -> String {
        let seed = self.scenario.seed;
        let seeds = match self.scenario.seeds {
            1 => String::new(),
            seeds if verb == "run" => format!(" --seeds {seeds}"),
            _ => String::new(),
        };
        format!("bruit sim {verb} {}{} --seed {seed}{seeds}", shell(self.name), self.flags())
    }

    /// What is run, by which version, from which seed.
    pub(super) fn head(&self, out: &Out) -> Result<(), Failure> {
        let Scenario { title, scale, nodes, duration, seed, seeds, .. } = self.scenario;
        let duration = bruit_sim::scenario::duration_word(*duration);
        let last = seed.saturating_add(u64::from(*seeds) - 1);
        let which =
            if *seeds == 1 { format!("seed {seed}") } else { format!("seeds {seed} to {last}") };
        out.line(title)?;
        out.line(&format!("bruit {VERSION}, commit {}: {PLAIN}", commit().unwrap_or("unknown")))?;
        let time = match scale {
            Scale::Nodes => format!("{duration} of virtual time"),
            Scale::Engine => format!("engines only, at most {duration} of virtual time"),
        };
        out.line(&format!("{nodes} nodes, {time}, {which}"))?;
        out.line("")
    }

    fn tell(&self, out: &Out, runs: &[Outcome], changes: Option<&[Change]>) -> Result<(), Failure> {
        print::outcomes(out, runs)?;
        out.line("")?;
        if let Some(changes) = changes {
            print::changes(out, changes)?;
            out.line("")?;
        }
        if runs.len() > 1 {
            print::seeds(out, runs)?;
            out.line("")?;
        }
        out.line(&format!("again   {}", self.text("run")))?;
        out.line(&format!("replay  {}", self.text("replay")))?;
        let hashes: Vec<&str> = runs.iter().map(|run| run.trace_hash.as_str()).collect();
        match hashes.as_slice() {
            [one] => out.line(&format!("trace   {one}")),
            all => out.line(&format!("trace   {:016x} of all {} seeds", together(all), all.len())),
        }
    }

    fn files(&self, args: &SimRunArgs, source: &Source, runs: &[Outcome]) -> Result<(), Failure> {
        let theory = theory(self.scenario);
        let command = self.text("run");
        let report = Report {
            title: &self.scenario.title,
            command: &command,
            outcomes: runs,
            theory: theory.as_ref(),
        };
        if let Some(path) = &args.html {
            write(path, &html(&report))?;
        }
        if let Some(path) = &args.svg {
            write(path, &svg(&report))?;
        }
        if let Some(path) = &args.csv {
            write(path, &seeds_csv(runs))?;
        }
        if let Some(path) = &args.save_baseline {
            let text = serde_json::to_string(&Baseline::of(runs)).expect("it has string keys");
            write(path, &(text + "\n"))?;
        }
        match (&args.save_replay, runs) {
            (None, _) => Ok(()),
            (Some(path), [first, ..]) => {
                let replay = Replay {
                    version: VERSION.to_owned(),
                    commit: commit().map(str::to_owned),
                    name: source.name.clone(),
                    scenario: source.text.clone(),
                    set: self.set.to_vec(),
                    seed: first.seed,
                    trace_hash: first.trace_hash.clone(),
                };
                write(path, &replay.to_text())
            }
            (Some(_), []) => Ok(()),
        }
    }
}

/// One number for several hashes, in their order: FNV-1a, 64 bits.
fn together(hashes: &[&str]) -> u64 {
    let bytes = hashes.iter().flat_map(|hash| hash.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn seeds_csv(runs: &[Outcome]) -> String {
    let names = METRICS.iter().map(|metric| metric.name.to_owned());
    let head = std::iter::once("seed".to_owned()).chain(names).chain(["trace_hash".to_owned()]);
    let row = |run: &Outcome| {
        let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        let values = METRICS.iter().map(|metric| number((metric.of)(run)));
        let seed = std::iter::once(run.seed.to_string());
        seed.chain(values).chain([run.trace_hash.clone()]).collect()
    };
    csv(std::iter::once(head.collect()).chain(runs.iter().map(row)))
}
