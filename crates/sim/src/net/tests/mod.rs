//! The net, driven with toy nodes.

mod datagrams;
mod hosts;
mod streams;
pub(crate) mod toy;

use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const NEVER: Duration = Duration::MAX;

/// Exactly 10 ms one way.
fn ten_ms() -> crate::Link {
    crate::Link { latency: crate::Latency::Constant(10 * MS), ..Default::default() }
}
