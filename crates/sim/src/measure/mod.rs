//! What a run measured, in the words of the papers.
//!
//! | measure | meaning | source |
//! |---|---|---|
//! | residue | share of nodes that should have an item and do not, at the end | Demers 1987, 1.4 |
//! | traffic *m* | copies sent, divided by nodes; here, copies that arrived | Demers 1987, 1.4 |
//! | delay | time from publication to a node's first copy | Demers 1987, 1.4 |
//! | RMR | copies received / (n − 1) − 1 | Plumtree, SRDS 2007, 4.1 |
//! | last-delivery hop | hops of the first copy that came the longest way | Plumtree, 4.1 |
//! | detection time | from a crash to an observer's `failed` | SWIM, DSN 2002, 5 |
//! | false failures | `failed` told of a node that runs and can be reached | Lifeguard, 2017 |
//!
//! Numbers are integers (microseconds, parts in a million, thousandths), so that an outcome is
//! the same, to the bit, on every machine.

mod baseline;
mod failures;
mod items;
mod outcome;
mod quantile;
mod summary;

pub use baseline::{Change, compare};
pub(crate) use failures::{Failures, Verdict};
pub(crate) use items::{CURVE_STEPS, CURVES_MAX, Items, milli, ppm};
pub use outcome::{Detection, Outcome, SpreadMeasures, Traffic, VERSION, commit};
pub(crate) use quantile::quantile_of_counts;
pub use quantile::{Quantiles, quantile};
pub use summary::{METRICS, Metric, Summary};
