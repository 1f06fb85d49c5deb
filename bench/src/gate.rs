//! Measures only on a machine that does nothing else.
//!
//! What the measured agents and this program use is their own affair; everything else that runs,
//! and time stolen by a hypervisor, is foreign.

use crate::failure::Failure;
use crate::procfs::{CoresReading, CpuReading};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long the machine is looked at.
const WINDOW: Duration = Duration::from_secs(2);
/// The most that others may use of all cores, in percent.
const FOREIGN_PERCENT_MAX: f64 = 10.0;

/// How the machine was before a measurement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reading {
    /// Which measurement.
    pub(crate) before: String,
    /// The part of all cores that was idle, in percent.
    pub(crate) idle_percent: f64,
    /// The part that others used, in percent.
    pub(crate) foreign_percent: f64,
    /// How long it was waited for, in seconds.
    pub(crate) waited_seconds: f64,
    /// Whether others used little enough.
    pub(crate) passed: bool,
}

/// Looks before each measurement.
#[derive(Debug)]
pub(crate) struct Gate {
    patience: Duration,
    /// Every look that ended a wait.
    pub(crate) readings: Vec<Reading>,
}

impl Gate {
    /// Waits at most `patience` each time.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, readings: Vec::new() }
    }

    /// Waits until the machine does nothing but run the processes `own`; after the patience is
    /// over the measurement goes on, and the report says so.
    pub(crate) async fn pass(&mut self, before: &str, own: &[u32]) -> Result<(), Failure> {
        let start = Instant::now();
        loop {
            let (idle_percent, foreign_percent) = look(own).await?;
            let passed = foreign_percent <= FOREIGN_PERCENT_MAX;
            if !passed && start.elapsed() < self.patience {
                continue;
            }
            if !passed {
                eprintln!("warning: {foreign_percent:.0} % of the machine is used by others");
            }
            self.readings.push(Reading {
                before: before.to_owned(),
                idle_percent,
                foreign_percent,
                waited_seconds: start.elapsed().as_secs_f64(),
                passed,
            });
            return Ok(());
        }
    }
}

/// Idle and foreign use of all cores in a window, in percent.
async fn look(own: &[u32]) -> Result<(f64, f64), Failure> {
    let this = std::process::id();
    let readings = || -> Result<BTreeMap<u32, CpuReading>, Failure> {
        own.iter().chain([&this]).map(|pid| Ok((*pid, CpuReading::of(*pid)?))).collect()
    };
    let (cores, before) = (CoresReading::now()?, readings()?);
    tokio::time::sleep(WINDOW).await;
    let (idle, total) = CoresReading::now()?.since(&cores);
    let after = readings()?;
    let nanos = after.iter().filter_map(|(pid, now)| Some(now.since(before.get(pid)?).nanos));
    let own = Duration::from_nanos(nanos.sum());
    let percent = |part: Duration| 100.0 * part.as_secs_f64() / total.as_secs_f64().max(0.01);
    let (idle, own) = (percent(idle), percent(own));
    Ok((idle, (100.0 - idle - own).max(0.0)))
}
