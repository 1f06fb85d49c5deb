//! Jobs on threads. Each is a function of its input, so neither their number nor the order in
//! which they end can reach a result.

use crate::args::RunnerArgs;
use bruit_sim::measure::Outcome;
use bruit_sim::run::{Progress, RunError, run};
use bruit_sim::scenario::Scenario;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// How many threads.
pub(super) fn threads(args: &RunnerArgs) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    args.threads.map_or_else(all, usize::from)
}

/// Does every job; `done` is told of each by its place, as it ends. Once `stop` is true, no more
/// are begun.
pub(super) fn each<T: Sync, R: Send>(
    jobs: &[T],
    threads: usize,
    stop: &AtomicBool,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(usize, R),
) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(place) else { break };
                    if sender.send((place, work(job))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (place, result) in receiver {
            done(place, result);
        }
    });
}

/// Runs one seed, unless `stop` becomes true; `told` hears how far it is.
pub(super) fn outcome(
    scenario: &Scenario,
    seed: u64,
    stop: &AtomicBool,
    told: impl Fn(Progress),
) -> Result<Outcome, RunError> {
    run(scenario, seed, &mut |progress| {
        told(progress);
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once_on_any_number_of_threads() {
        let jobs: Vec<u32> = (0..50).collect();
        for threads in [1, 2, 7, 100] {
            let mut seen = vec![0; jobs.len()];
            each(
                &jobs,
                threads,
                &AtomicBool::new(false),
                |job| job * 2,
                |place, doubled| {
                    assert_eq!(doubled, jobs[place] * 2);
                    seen[place] += 1;
                },
            );
            assert_eq!(seen, vec![1; jobs.len()], "{threads}");
        }
    }

    #[test]
    fn a_stop_begins_no_more() {
        let stop = AtomicBool::new(false);
        let mut count = 0;
        let work = |_: &u32| stop.store(true, Ordering::Relaxed);
        each(&[1, 2, 3], 1, &stop, work, |_, ()| count += 1);
        assert_eq!(count, 1);
    }
}
