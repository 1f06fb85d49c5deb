//! A run compared with one that was kept.

use super::{METRICS, Outcome, Summary};
use serde::{Deserialize, Serialize};

/// How one metric differs from the baseline's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The metric's name.
    pub metric: String,
    /// What it was; `None` if it was not there.
    pub before: Option<i64>,
    /// What it is.
    pub after: Option<i64>,
    /// By how many in a thousand it rose; `None` where there is nothing to compare with.
    pub permille: Option<i64>,
}

/// How runs differ from earlier ones: the metrics that are not equal.
pub fn compare(before: &[Outcome], after: &[Outcome]) -> Vec<Change> {
    let (before, after) = (Summary::of(before), Summary::of(after));
    let pairs = METRICS.iter().zip(before.values.iter().zip(&after.values));
    let changed = pairs.filter(|(_, (before, after))| before != after);
    changed
        .map(|(metric, (&before, &after))| Change {
            metric: metric.name.to_owned(),
            before,
            after,
            permille: before.zip(after).and_then(|(before, after)| {
                let rise = (i128::from(after) - i128::from(before)) * 1000;
                i64::try_from(rise.checked_div(i128::from(before.abs()))?).ok()
            }),
        })
        .collect()
}
