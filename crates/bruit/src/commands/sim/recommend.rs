//! `bruit sim recommend`.
//!
//! Two stages, so that most of the time goes to what may be chosen: every candidate with few
//! seeds, then the best of them with all.

use super::files::write;
use super::live::Live;
use super::run::failure;
use super::{PLAIN, pool, print, until_signal};
use crate::args::RecommendArgs;
use crate::exit::{Exit, Failure};
use crate::out::{Out, tell};
use bruit_model::TopicParams;
use bruit_sim::measure::{Outcome, VERSION, commit};
use bruit_sim::run::{RunError, run_topics};
use bruit_sim::search::{Candidate, Goal, Judged};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Seeds of the first stage. Guess.
const FIRST_SEEDS: u64 = 2;
/// How many candidates go on, at least. Guess.
const FINALISTS: usize = 6;

/// Searches, and prints the best.
pub(super) fn run(args: &RecommendArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let goal = goal(args);
    let all = goal.candidates();
    goal.with(&all[0]).map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    let stop = until_signal()?;
    let begin = Instant::now();
    let search = Search { goal: &goal, args, stop: &stop };
    let first = FIRST_SEEDS.min(args.seeds.into());
    let mut judged = search.stage(&all, 1..=first, "first stage")?;
    if judged.is_empty() {
        return Err(Failure::new(Exit::Interrupted, "interrupted before a seed was done"));
    }
    goal.rank(&mut judged);
    let mut tried = runs_of(&judged);
    if u64::from(args.seeds) > first {
        judged.truncate(FINALISTS.max(args.show));
        let (count, best) = (all.len(), judged.len());
        tell(&format!("{count} settings judged; the best {best} go on, with all seeds"));
        let best: Vec<Candidate> = judged.iter().map(|each| each.candidate.clone()).collect();
        let last = search.stage(&best, 1..=args.seeds.into(), "second stage")?;
        tried += runs_of(&last);
        if !last.is_empty() {
            judged = last;
        }
        goal.rank(&mut judged);
    }
    judged.truncate(args.show.max(1));
    if let Some(path) = &args.save {
        write(path, &format!("{}\n{}", goal.scenario(), judged[0].candidate.toml()))?;
    }
    let took = begin.elapsed();
    if out.is_json() {
        let settings: Vec<Value> = judged.iter().map(json_of).collect();
        let value = json!({
            "version": VERSION, "commit": commit(), "settings": settings, "tried": all.len(),
            "runs": tried, "scenario": goal.scenario(), "command": again(args),
        });
        out.value_with(&value, "settings")?;
    } else {
        print(&out, args, &judged, (all.len(), tried, took))?;
    }
    if stop.load(Ordering::Relaxed) {
        let line =
            format!("interrupted; judged by {} of {} seeds", judged[0].summary.runs, args.seeds);
        return Err(
            Failure::new(Exit::Interrupted, line).hint("the whole search judges them better")
        );
    }
    if judged[0].meets {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(Exit::Incomplete, "none of the settings meets the goal; these come nearest")
        .hint("allow more time or traffic, or ask for less reach; more --seeds judge it better"))
}

fn goal(args: &RecommendArgs) -> Goal {
    Goal {
        nodes: args.nodes,
        loss_ppm: args.loss,
        latency: args.latency.clone(),
        profile: args.profile.clone(),
        reach_ppm: args.reach,
        within: args.within,
        bps_max: args.max_kbps.map(|kbps| u64::from(kbps) * 1000),
        items: args.items,
        every: Duration::from_secs(1) / args.rate,
        payload_bytes: args.payload as usize,
    }
}

struct Search<'a> {
    goal: &'a Goal,
    args: &'a RecommendArgs,
    stop: &'a AtomicBool,
}

impl Search<'_> {
    /// Runs each candidate with each seed: for a seed, all of them in one group. What an interrupt
    /// leaves is judged by the seeds that are done, and is nothing if none is.
    fn stage(
        &self,
        candidates: &[Candidate],
        seeds: std::ops::RangeInclusive<u64>,
        what: &'static str,
    ) -> Result<Vec<Judged>, Failure> {
        let refused = |error| Failure::from_error(Exit::Usage, &error);
        let scenario = self.goal.with(&candidates[0]).map_err(refused)?;
        let topics: Vec<TopicParams> = candidates
            .iter()
            .map(|each| Ok(self.goal.with(each).map_err(refused)?.protocol.topic))
            .collect::<Result<_, Failure>>()?;
        let seeds: Vec<u64> = seeds.collect();
        let live = Live::new(!self.args.runner.no_progress, seeds.len(), what);
        let work = |seed: &u64| {
            let runs = run_topics(&scenario, *seed, &topics, &mut |progress| {
                live.told(*seed, progress);
                if self.stop.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            live.done(*seed);
            runs
        };
        let mut by_seed: Vec<Option<Result<Vec<Outcome>, RunError>>> = vec![None; seeds.len()];
        let threads = pool::threads(&self.args.runner);
        pool::each(&seeds, threads, self.stop, work, |place, runs| by_seed[place] = Some(runs));
        live.close();
        let mut outcomes = vec![Vec::new(); candidates.len()];
        let mut done = 0;
        for runs in by_seed.into_iter().flatten() {
            match runs {
                Ok(runs) => {
                    runs.into_iter().zip(&mut outcomes).for_each(|(run, all)| all.push(run));
                    done += 1;
                }
                Err(RunError::Interrupted) => {}
                Err(error) => return Err(failure(&error)),
            }
        }
        if done == 0 {
            return Ok(Vec::new());
        }
        let pairs = candidates.iter().zip(&outcomes);
        Ok(pairs.map(|(each, outcomes)| self.goal.judge(each.clone(), outcomes)).collect())
    }
}

fn runs_of(judged: &[Judged]) -> usize {
    judged.iter().map(|each| usize::try_from(each.summary.runs).unwrap_or(usize::MAX)).sum()
}

/// In how much of the pairs an item was there in time, in parts in a million.
fn in_time_ppm(judged: &Judged) -> u32 {
    let late = judged.summary.get("late_ppm").and_then(|late| u32::try_from(late).ok());
    1_000_000 - late.unwrap_or(1_000_000).min(1_000_000)
}

fn json_of(judged: &Judged) -> Value {
    let get = |name| judged.summary.get(name);
    json!({
        "set": judged.candidate.set, "meets": judged.meets, "runs": judged.summary.runs,
        "in_time_ppm": in_time_ppm(judged), "delay_p99_us": get("delay_p99_us"),
        "delay_max_us": get("delay_max_us"), "mean_bps": get("mean_bps"),
        "traffic_milli": get("traffic_milli"),
        "topic_parameters": judged.candidate.topic_parameters(),
        "toml": judged.candidate.toml(),
    })
}

fn again(args: &RecommendArgs) -> String {
    let mut text = format!(
        "bruit sim recommend --nodes {} --loss {} --latency {} --profile {} --reach {} --within {} \
         --items {} --rate {} --payload {} --seeds {}",
        args.nodes,
        bruit_sim::scenario::share_word(args.loss),
        args.latency.replace(' ', ""),
        args.profile,
        bruit_sim::scenario::share_word(args.reach),
        bruit_sim::scenario::duration_word(args.within),
        args.items,
        args.rate,
        args.payload,
        args.seeds
    );
    if let Some(kbps) = args.max_kbps {
        text += &format!(" --max-kbps {kbps}");
    }
    text
}

fn print(
    out: &Out,
    args: &RecommendArgs,
    judged: &[Judged],
    (settings, runs, took): (usize, usize, Duration),
) -> Result<(), Failure> {
    out.line(&format!("bruit {VERSION}, commit {}: {PLAIN}", commit().unwrap_or("unknown")))?;
    out.line(&format!(
        "tried {settings} settings in {runs} runs, seeds from 1, in {:.1} s",
        took.as_secs_f64()
    ))?;
    out.line("")?;
    let mut table = crate::out::Table::new(&[
        "", "SETTINGS", "IN TIME", "P99", "MAX", "KBIT/S", "COPIES", "MEETS",
    ]);
    for (place, each) in judged.iter().enumerate() {
        let whole = |name| each.summary.get(name).and_then(|value| u64::try_from(value).ok());
        let rank = if place == 0 { "best" } else { "next" };
        table.row([
            rank.into(),
            each.candidate.topic_parameters().into(),
            print::percent(in_time_ppm(each)).into(),
            whole("delay_p99_us").map(print::micros).unwrap_or_default().into(),
            whole("delay_max_us").map(print::micros).unwrap_or_default().into(),
            whole("mean_bps").map(print::kbps).unwrap_or_default().into(),
            each.summary.get("traffic_milli").map(print::thousandths).unwrap_or_default().into(),
            (if each.meets { "yes" } else { "no" }).into(),
        ]);
    }
    out.table(&table)?;
    let best = &judged[0].candidate;
    out.line("")?;
    out.line("in a group that runs, for all topics:")?;
    out.line(&format!("  bruit topics set '**' {}", best.topic_parameters()))?;
    out.line(&format!("in each agent's bruit.toml: profile = \"{}\"", args.profile))?;
    out.line("in a scenario:")?;
    best.toml().lines().try_for_each(|line| out.line(&format!("  {line}")))?;
    out.line(&format!("again   {}", again(args)))
}
