//! What was asked of the group, and what it told.

use super::Told;
use crate::{HostId, Net};
use bruit_model::{Event, ItemId};
use std::collections::{BTreeMap, BTreeSet};

/// Whether an item must arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The node that accepted it still runs: all must get it.
    Acknowledged,
    /// Its node has ended since, perhaps before it sent anything: all or none get it.
    Unknown,
}

/// Knows what was published where, and what each host was told on each of its disks.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    accepted: BTreeMap<ItemId, (HostId, u64)>,
    runs: BTreeMap<HostId, u64>,
    told: BTreeMap<(HostId, u64), BTreeSet<ItemId>>,
}

impl Oracle {
    /// Notes that the host's present run accepted an item.
    pub fn accept(&mut self, net: &Net, host: HostId, id: ItemId) {
        self.accept_by(host, net.run(host), id);
    }

    pub(super) fn accept_by(&mut self, host: HostId, run: u64, id: ItemId) {
        self.accepted.insert(id, (host, run));
        self.runs.insert(host, run);
    }

    /// Notes which run of a host is up; `None` for none.
    pub(super) fn note_run(&mut self, host: HostId, run: Option<u64>) {
        match run {
            Some(run) => self.runs.insert(host, run),
            None => self.runs.remove(&host),
        };
    }

    pub(super) fn hear(&mut self, told: &Told<'_>) {
        if let Event::Item { item, .. } = told.event {
            self.told.entry((told.host, told.disk)).or_default().insert(item.id);
        }
    }

    /// Every item that was accepted, and whether it must arrive.
    pub fn accepted(&self) -> impl Iterator<Item = (&ItemId, Fate)> {
        self.accepted.iter().map(|(id, (host, run))| {
            let lives = self.runs.get(host) == Some(run);
            (id, if lives { Fate::Acknowledged } else { Fate::Unknown })
        })
    }

    /// Whether a run of the host, with this disk, was told of the item.
    pub fn was_told(&self, host: HostId, disk: u64, id: &ItemId) -> bool {
        self.told.get(&(host, disk)).is_some_and(|told| told.contains(id))
    }
}
