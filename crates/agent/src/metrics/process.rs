//! Numbers about the process, as the kernel tells them in `/proc`; absent where there is none.

use super::text::{Families, Type, Value};
use std::fs;

/// What `schedstat` and `statm` count in: a page of 4 KiB on the platforms that we build for
/// is read from the kernel's own figure in kB instead, so no page size is assumed.
const KIB: u64 = 1024;

pub(super) fn add(families: &mut Families) {
    if let Some(bytes) = resident_bytes() {
        families.gauge("process_resident_memory_bytes", &[], bytes);
    }
    if let Some(nanos) = cpu_nanos() {
        let seconds = std::time::Duration::from_nanos(nanos).as_secs_f64();
        families.add(Type::Counter, "process_cpu_seconds", &[], Value::Real(seconds));
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        families.gauge("process_open_fds", &[], entries.count() as u64);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * KIB)
}

/// The time that all threads have run.
fn cpu_nanos() -> Option<u64> {
    let threads = fs::read_dir("/proc/self/task").ok()?;
    let of_thread = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    threads.filter_map(Result::ok).map(of_thread).sum()
}
