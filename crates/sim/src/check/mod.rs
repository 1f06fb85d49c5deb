//! What must hold, one file per invariant, each with its source.
//!
//! A [`Checker`] sees every event that a node tells, in order, and the visible state of all hosts
//! now and then. Safety is asked at any time; liveness, what must hold *in the end*, only once
//! faults have stopped, within a bound that follows from the configuration ([`Bound`]). An
//! [`Oracle`] knows what was asked of the group: which items it has acknowledged, and of which
//! nobody can say any more whether they must arrive. *Unknown is not absent*: an unknown item may
//! be on all nodes or on none, but not on some.
//!
//! [`Watch`] drains a net into all checkers. Each has a test in which a broken input makes it
//! bite.

mod bound;
mod incarnation;
mod metadata;
mod once;
mod oracle;
mod order;
mod per_run;
mod reach;
mod refused;
mod shed;
mod subject;
mod view;
mod views;
mod watch;

#[cfg(test)]
mod tests;

pub use bound::Bound;
pub use incarnation::NoResurrection;
pub use metadata::MetadataAgrees;
pub use once::ToldOnce;
pub use oracle::{Fate, Oracle};
pub use order::OriginOrder;
pub use reach::ItemsReachAll;
pub use refused::NothingRefused;
pub use shed::AllCounted;
pub use subject::OnlySubjectRaises;
pub use view::{HostView, NodeView};
pub use views::ViewsAgree;
pub use watch::{Violation, Watch};

use crate::HostId;
use bruit_engine::Instant;
use bruit_model::Event;

/// An event, and who told it when.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// When.
    pub at: Instant,
    /// On which host.
    pub host: HostId,
    /// By which of its runs.
    pub run: u64,
    /// On which of its disks, see [`crate::Boot::disk`].
    pub disk: u64,
    /// What.
    pub event: &'a Event,
}

/// The state of a group at one moment.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// Every host, in the order of their numbers.
    pub hosts: &'a [HostView],
    /// What was asked of the group, and what it told.
    pub oracle: &'a Oracle,
}

impl<'a> World<'a> {
    /// The hosts that are up, with what their nodes show.
    pub fn up(&self) -> impl Iterator<Item = (&'a HostView, &'a NodeView)> + use<'a> {
        self.hosts.iter().filter_map(|host| host.node.as_ref().map(|node| (host, node)))
    }
}

/// An invariant. `Err` says in words what is wrong, and on which host.
pub trait Checker {
    /// Its name, for reports.
    fn name(&self) -> &'static str;

    /// Where it is promised.
    fn source(&self) -> &'static str;

    /// Sees an event.
    ///
    /// # Errors
    /// The event breaks the invariant.
    fn on_event(&mut self, _told: &Told<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Sees the group at any time.
    ///
    /// # Errors
    /// The state breaks the invariant.
    fn at_any_time(&mut self, _world: &World<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Sees the group after faults have stopped.
    ///
    /// # Errors
    /// What does not hold yet; wrong if it lasts beyond the bound.
    fn in_the_end(&self, _world: &World<'_>) -> Result<(), String> {
        Ok(())
    }
}

/// Every invariant that a native group promises.
pub fn native() -> Vec<Box<dyn Checker>> {
    vec![
        Box::<ToldOnce>::default(),
        Box::new(ItemsReachAll),
        Box::new(ViewsAgree),
        Box::new(MetadataAgrees),
        Box::<NoResurrection>::default(),
        Box::<OnlySubjectRaises>::default(),
        Box::new(NothingRefused),
        Box::new(AllCounted),
    ]
}
