//! Plans from rates: churn, flapping, starving.

use super::{Act, Disk, Entry, Fault, Plan};
use crate::{HostId, Latency, Sampler};
use bruit_engine::Rng;
use std::time::Duration;

/// How often what happens. A plan made from it is a list, like any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// How many of a million hosts go away in a minute. Times between are exponential.
    pub churn_ppm_per_minute: u32,
    /// Of those that go, how many of a million say goodbye; the others crash.
    pub leave_ppm: u32,
    /// Of those that crash, how many of a million lose their disk.
    pub disk_lost_ppm: u32,
    /// The mean time until one that went is back; exponential.
    pub away_mean: Duration,
    /// Hosts that are cut off and mended by turns.
    pub flapping: Option<Flapping>,
    /// Hosts whose processes stop and go on by turns.
    pub starving: Option<Starving>,
}

/// Some hosts are unreachable by turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// How many of a million hosts, rounded up.
    pub hosts_ppm: u32,
    /// From one cut to the next.
    pub period: Duration,
    /// For how much of it the cut lasts.
    pub cut_for: Duration,
    /// Only what comes to them is cut.
    pub is_one_way: bool,
}

/// Some hosts get too little processor time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starving {
    /// How many of a million hosts, rounded up.
    pub hosts_ppm: u32,
    /// From one pause to the next.
    pub period: Duration,
    /// For how much of it the process does not run.
    pub paused_for: Duration,
}

const MILLION: u64 = 1_000_000;
const MINUTE: u64 = 60_000_000_000;

impl Rates {
    /// What happens to `hosts` hosts between `from` and `to`, drawn from `rng`. Host 0 never goes
    /// away, so that there is always one to join by. What has begun by `to` ends by itself later.
    pub fn plan(&self, hosts: u32, from: Duration, to: Duration, rng: &mut Rng) -> Plan {
        let mut entries = Vec::new();
        self.churn(hosts, (from, to), &mut rng.fork("churn"), &mut entries);
        let mut number = 0;
        if let Some(flapping) = self.flapping {
            let victims = some(hosts, flapping.hosts_ppm, &mut rng.fork("flapping"));
            let all: Vec<_> = (0..hosts).map(HostId).collect();
            for at in turns(from, to, flapping.period) {
                number += 1;
                let (from, to, both_ways) = (all.clone(), victims.clone(), !flapping.is_one_way);
                entries.push(entry(at, Fault::Cut { number, from, to, both_ways }));
                entries.push(entry(at + flapping.cut_for, Fault::Mend(number)));
            }
        }
        if let Some(starving) = self.starving {
            let victims = some(hosts, starving.hosts_ppm, &mut rng.fork("starving"));
            for at in turns(from, to, starving.period) {
                for host in &victims {
                    entries.push(entry(at, Fault::Pause(*host)));
                    entries.push(entry(at + starving.paused_for, Fault::Resume(*host)));
                }
            }
        }
        Plan::new(entries)
    }

    fn churn(
        &self,
        hosts: u32,
        (from, to): (Duration, Duration),
        rng: &mut Rng,
        entries: &mut Vec<Entry>,
    ) {
        // Departures of the whole group in a minute, in millionths.
        let per_minute = u64::from(self.churn_ppm_per_minute) * u64::from(hosts);
        if per_minute == 0 || hosts < 2 {
            return;
        }
        let nanos = (u128::from(MINUTE) * u128::from(MILLION)) / u128::from(per_minute);
        let mean = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let exponential = |mean| Sampler::new(&Latency::Exponential { min: Duration::ZERO, mean });
        let (between, away) = (exponential(mean), exponential(self.away_mean));
        let mut back = vec![Duration::ZERO; usize::try_from(hosts).expect("a u32 fits")];
        let mut at = from + between.draw(rng.next_u64());
        while at < to && entries.len() < Plan::ENTRIES_MAX {
            // One draw of each for every departure, whether or not it can happen.
            let index = 1 + rng.index(back.len() - 1);
            let leaves = rng.chance(self.leave_ppm.into(), MILLION);
            let is_lost = rng.chance(self.disk_lost_ppm.into(), MILLION);
            let returns = at + away.draw(rng.next_u64()) + Duration::from_millis(1);
            if back[index] < at {
                back[index] = returns;
                let host = HostId(u32::try_from(index).expect("below a u32"));
                let disk = if is_lost { Disk::Lost } else { Disk::Kept };
                let goes = if leaves { Fault::Leave(host) } else { Fault::Crash(host, disk) };
                entries.push(entry(at, goes));
                entries.push(entry(returns, Fault::Start(host)));
            }
            at += between.draw(rng.next_u64()).max(Duration::from_nanos(1));
        }
    }
}

fn entry(at: Duration, fault: Fault) -> Entry {
    Entry { at, act: Act::Fault(fault) }
}

/// A share of the hosts, host 0 left out, rounded up.
fn some(hosts: u32, ppm: u32, rng: &mut Rng) -> Vec<HostId> {
    let mut all: Vec<_> = (1..hosts).map(HostId).collect();
    rng.shuffle(&mut all);
    let count = (u64::from(hosts) * u64::from(ppm)).div_ceil(MILLION);
    all.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    all.sort();
    all
}

/// The beginnings of periods; none if the period is zero.
fn turns(from: Duration, to: Duration, period: Duration) -> impl Iterator<Item = Duration> {
    let first = (!period.is_zero()).then_some(from);
    std::iter::successors(first, move |at| Some(*at + period))
        .take_while(move |at| *at < to)
        .take(Plan::ENTRIES_MAX)
}
