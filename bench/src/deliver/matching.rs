//! What it costs to find the subscriptions that select a path, as their number grows.

use crate::stats::Summary;
use bruit_model::{Path, Pattern, PatternMap};
use serde::Serialize;
use std::hint::black_box;
use std::time::Instant;

/// How many subscriptions.
const SIZES: [u32; 4] = [100, 1_000, 10_000, 100_000];
/// Paths that are looked up in a repetition.
const PATHS: u32 = 20_000;

/// The outcome for one number of subscriptions.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Matching {
    pub(super) subscriptions: u32,
    /// For a path, in microseconds.
    pub(super) match_us: Option<Summary>,
    /// How many subscriptions select a path, in the mean.
    pub(super) selected: f64,
}

/// Looks paths up in patterns as services have them: most name a folder, some have stars in the
/// middle, and one in a thousand wants everything in its part.
fn pattern(number: u32) -> Pattern {
    let (team, service) = (number % 97, number / 7);
    let text = match number % 1000 {
        0 => format!("**/end{}", number / 1000),
        1..=20 => format!("team{team}/*/s{service}"),
        21..=40 => format!("team{team}/**/s{service}"),
        _ => format!("team{team}/s{service}/**"),
    };
    Pattern::parse(&text).expect("it is a pattern")
}

fn path(number: u32, of: u32) -> Path {
    let number = number.wrapping_mul(2_654_435_761) % of;
    let (team, service) = (number % 97, number / 7);
    let text = format!("team{team}/s{service}/users/{number}");
    Path::parse(&text).expect("it is a path")
}

/// Measures every size.
pub(super) fn run(reps: usize) -> Vec<Matching> {
    SIZES.map(|size| measure(size, reps)).to_vec()
}

fn measure(size: u32, reps: usize) -> Matching {
    let mut map = PatternMap::default();
    (0..size).for_each(|number| map.insert(&pattern(number), number));
    let paths: Vec<Path> = (0..PATHS).map(|number| path(number, size)).collect();
    let mut selected = 0_u32;
    let mut times = Vec::new();
    for _ in 0..reps {
        selected = 0;
        let begin = Instant::now();
        for path in &paths {
            map.matches(black_box(path), &mut |number| {
                black_box(number);
                selected += 1;
            });
        }
        times.push(begin.elapsed().as_secs_f64() * 1e6 / f64::from(PATHS));
    }
    let selected = f64::from(selected) / f64::from(PATHS);
    Matching { subscriptions: size, match_us: Summary::of(&times), selected }
}
