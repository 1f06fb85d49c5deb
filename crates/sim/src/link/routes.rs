//! Which link lies between two hosts.
//!
//! Of the links that are set, the one that names most counts: one pair and direction; then what
//! comes to a host; then what a host sends; then two zones; then the one for all.

use super::{Link, Sampler};
use crate::HostId;
use std::collections::BTreeMap;

/// A link prepared for drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prepared {
    pub(super) link: Link,
    pub(super) latency: Sampler,
}

impl Prepared {
    fn new(link: Link) -> Self {
        if let Err(error) = link.validate() {
            panic!("{error}");
        }
        Self { link, latency: Sampler::new(&link.latency) }
    }
}

/// The links that are set.
#[derive(Debug)]
pub(super) struct Routes {
    default: Prepared,
    own: BTreeMap<(HostId, HostId), Prepared>,
    ingress: BTreeMap<HostId, Prepared>,
    egress: BTreeMap<HostId, Prepared>,
    zones: Vec<u16>,
    zone_links: BTreeMap<(u16, u16), Prepared>,
}

impl Routes {
    pub(super) fn new(default: Link) -> Self {
        Self {
            default: Prepared::new(default),
            own: BTreeMap::new(),
            ingress: BTreeMap::new(),
            egress: BTreeMap::new(),
            zones: Vec::new(),
            zone_links: BTreeMap::new(),
        }
    }

    /// One link for all; zones are kept, their links are not.
    pub(super) fn set_all(&mut self, link: Link) {
        *self = Self { zones: std::mem::take(&mut self.zones), ..Self::new(link) };
    }

    pub(super) fn set(&mut self, from: HostId, to: HostId, link: Link) {
        self.own.insert((from, to), Prepared::new(link));
    }

    pub(super) fn set_ingress(&mut self, to: HostId, link: Option<Link>) {
        set(&mut self.ingress, to, link);
    }

    pub(super) fn set_egress(&mut self, from: HostId, link: Option<Link>) {
        set(&mut self.egress, from, link);
    }

    pub(super) fn set_zone(&mut self, host: HostId, zone: u16) {
        if self.zones.len() <= host.index() {
            self.zones.resize(host.index() + 1, 0);
        }
        self.zones[host.index()] = zone;
    }

    pub(super) fn zone(&self, host: HostId) -> u16 {
        self.zones.get(host.index()).copied().unwrap_or(0)
    }

    pub(super) fn set_zone_link(&mut self, from: u16, to: u16, link: Link) {
        self.zone_links.insert((from, to), Prepared::new(link));
    }

    /// The link that what `from` sends to `to` takes.
    pub(super) fn find(&self, from: HostId, to: HostId) -> &Prepared {
        // Most nets have one link for all: a look-up in an empty map costs next to nothing.
        let own = self.own.get(&(from, to));
        let own = own.or_else(|| self.ingress.get(&to)).or_else(|| self.egress.get(&from));
        own.or_else(|| self.between_zones(from, to)).unwrap_or(&self.default)
    }

    fn between_zones(&self, from: HostId, to: HostId) -> Option<&Prepared> {
        if self.zone_links.is_empty() {
            return None;
        }
        self.zone_links.get(&(self.zone(from), self.zone(to)))
    }
}

fn set(links: &mut BTreeMap<HostId, Prepared>, host: HostId, link: Option<Link>) {
    match link {
        Some(link) => links.insert(host, Prepared::new(link)),
        None => links.remove(&host),
    };
}
