//! What the kernel counts, read from `/proc`.

use crate::failure::{Doing as _, Failure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Clock ticks a second in `/proc`: `USER_HZ`, 100 on every Linux that Rust's std supports here.
const TICKS_PER_SECOND: u64 = 100;

fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(path).doing(path)
}

/// Memory of one process, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    /// Resident, with every page that it shares counted whole.
    pub(crate) rss: u64,
    /// Resident, with a page shared by n processes counted as 1/n.
    pub(crate) pss: u64,
}

impl Memory {
    /// Of the process `pid`, from `smaps_rollup`.
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        let text = read(&format!("/proc/{pid}/smaps_rollup"))?;
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .map(|kib| kib * 1024)
                .ok_or_else(|| Failure::new(format!("smaps_rollup has no {name}")))
        };
        Ok(Self { rss: field("Rss:")?, pss: field("Pss:")? })
    }
}

/// What a process has used so far, by thread.
#[derive(Clone, Debug)]
pub(crate) struct CpuReading {
    /// Nanoseconds on a core and context switches, by thread id.
    threads: BTreeMap<u32, (u64, u64)>,
    /// User and system time in clock ticks, of ended threads too.
    ticks: u64,
}

/// What a process used between two readings.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct CpuUse {
    /// On a core, by `schedstat` of its threads.
    pub(crate) nanos: u64,
    /// On a core, by `stat`: coarse (10 ms), but it has threads that ended between the readings.
    pub(crate) stat_nanos: u64,
    /// Context switches, voluntary or not.
    pub(crate) switches: u64,
}

impl CpuReading {
    /// Of the process `pid`, now.
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        let folder = format!("/proc/{pid}/task");
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(&folder).doing(&folder)?.flatten() {
            let Some(tid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A thread may end between the listing and the reading.
            let Ok(schedstat) = read(&format!("{folder}/{tid}/schedstat")) else { continue };
            let Ok(status) = read(&format!("{folder}/{tid}/status")) else { continue };
            let nanos = schedstat.split_whitespace().next().and_then(|text| text.parse().ok());
            threads.insert(tid, (nanos.unwrap_or(0), switches(&status)));
        }
        Ok(Self { threads, ticks: ticks(pid)? })
    }

    /// What was used since `before`.
    pub(crate) fn since(&self, before: &Self) -> CpuUse {
        let nanos_per_tick = 1_000_000_000 / TICKS_PER_SECOND;
        let ticks = self.ticks.saturating_sub(before.ticks);
        let mut used =
            CpuUse { stat_nanos: ticks.saturating_mul(nanos_per_tick), ..CpuUse::default() };
        for (tid, (nanos, switches)) in &self.threads {
            let (nanos_then, switches_then) = before.threads.get(tid).copied().unwrap_or_default();
            used.nanos += nanos.saturating_sub(nanos_then);
            used.switches += switches.saturating_sub(switches_then);
        }
        used
    }
}

fn switches(status: &str) -> u64 {
    let count = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    status.lines().filter(|line| line.contains("voluntary_ctxt_switches")).filter_map(count).sum()
}

/// User and system time of a process: fields 14 and 15 of `stat` (proc(5)).
fn ticks(pid: u32) -> Result<u64, Failure> {
    let text = read(&format!("/proc/{pid}/stat"))?;
    // The second field, a name in parentheses, may hold anything.
    let rest = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok());
    match (field(11), field(12)) {
        (Some(user), Some(system)) => Ok(user + system),
        _ => Err(Failure::new(format!("/proc/{pid}/stat is not understood"))),
    }
}

/// What all cores have done so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoresReading {
    idle: u64,
    total: u64,
}

impl CoresReading {
    /// Now, from `/proc/stat`. Time stolen by the hypervisor counts as busy.
    pub(crate) fn now() -> Result<Self, Failure> {
        let text = read("/proc/stat")?;
        let first = text.lines().next().unwrap_or_default();
        let fields: Vec<u64> =
            first.split_whitespace().skip(1).take(8).filter_map(|text| text.parse().ok()).collect();
        let &[_, _, _, idle, iowait, ..] = fields.as_slice() else {
            return Err(Failure::new("/proc/stat is not understood"));
        };
        Ok(Self { idle: idle + iowait, total: fields.iter().sum() })
    }

    /// Idle time and whole time of all cores since `before`.
    pub(crate) fn since(&self, before: &Self) -> (Duration, Duration) {
        let duration = |now: u64, then: u64| {
            Duration::from_millis(now.saturating_sub(then) * 1000 / TICKS_PER_SECOND)
        };
        (duration(self.idle, before.idle), duration(self.total, before.total))
    }
}

/// What the loopback device of this network namespace has carried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loopback {
    /// Bytes, with IP headers and without a link header.
    pub(crate) bytes: u64,
    /// Packets; each is counted once.
    pub(crate) packets: u64,
}

impl Loopback {
    /// Now, from `/proc/net/dev`.
    pub(crate) fn now() -> Result<Self, Failure> {
        let text = read("/proc/self/net/dev")?;
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix("lo:"));
        let mut fields = line.unwrap_or_default().split_whitespace().map(str::parse);
        match (fields.next(), fields.next()) {
            (Some(Ok(bytes)), Some(Ok(packets))) => Ok(Self { bytes, packets }),
            _ => Err(Failure::new("/proc/self/net/dev has no lo")),
        }
    }
}

/// How many files this process may have open.
pub(crate) fn open_files_max() -> Option<u64> {
    let text = read("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Processor, cores, memory and kernel, in a line.
pub(crate) fn machine() -> String {
    let field = |path: &str, name: &str| {
        let text = read(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = field("/proc/cpuinfo", "model name");
    let kib = field("/proc/meminfo", "MemTotal");
    let kib: u64 = kib.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} x {model}, {} MiB, Linux {}", kib / 1024, kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_uses_a_core() {
        let pid = std::process::id();
        let memory = Memory::of(pid).unwrap();
        assert!(memory.rss >= memory.pss && memory.pss > 0);
        let before = CpuReading::of(pid).unwrap();
        let mut sum = 0_u64;
        for number in 0..3_000_000_u64 {
            sum = std::hint::black_box(sum ^ number);
        }
        assert!(CpuReading::of(pid).unwrap().since(&before).nanos > 0);
    }

    #[test]
    fn both_kinds_of_switches_count() {
        let status = "Threads:\t1\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t2\n";
        assert_eq!(switches(status), 7);
    }

    #[test]
    fn the_machine_has_idle_and_whole_time() {
        let now = CoresReading::now().unwrap();
        let later = CoresReading { idle: now.idle + 50, total: now.total + 200 };
        assert_eq!(later.since(&now), (Duration::from_millis(500), Duration::from_secs(2)));
        assert!(Loopback::now().is_ok());
        assert!(machine().contains("Linux"));
    }
}
