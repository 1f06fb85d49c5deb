//! What a checker remembers of each host, anew for each run.

use super::Told;
use crate::HostId;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct PerRun<T>(BTreeMap<HostId, (u64, T)>);

impl<T: Default> PerRun<T> {
    /// What is remembered of the run that told this: nothing, if it is a new one.
    pub(super) fn of(&mut self, told: &Told<'_>) -> &mut T {
        let (run, memory) = self.0.entry(told.host).or_default();
        if *run != told.run {
            (*run, *memory) = (told.run, T::default());
        }
        memory
    }
}
