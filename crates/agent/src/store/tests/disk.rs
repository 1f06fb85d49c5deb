//! A disk in memory that can be full, can stall, and can lose power.

use redb::StorageBackend;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Condvar, Mutex};

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What a read gives.
    now: Vec<u8>,
    /// What surely survives a loss of power.
    synced: Vec<u8>,
    /// What was done since.
    unsynced: Vec<Step>,
    /// How many bytes may still be written; `None` is any number.
    room: Option<usize>,
    /// A sync waits.
    stalled: bool,
    /// So many syncs wait or have waited.
    syncs: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Step {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => {
                // A write that survives may be behind an end that did not.
                if to.len() < at + bytes.len() {
                    to.resize(at + bytes.len(), 0);
                }
                to[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Length(length) => to.resize(*length, 0),
        }
    }
}

impl Disk {
    pub(super) fn is_empty(&self) -> bool {
        self.0.state.lock().unwrap().now.is_empty()
    }

    /// From now on so many bytes may be written.
    pub(super) fn set_room(&self, room: Option<usize>) {
        self.0.state.lock().unwrap().room = room;
    }

    /// From now on a sync waits, or does no longer.
    pub(super) fn stall(&self, stalled: bool) {
        self.0.state.lock().unwrap().stalled = stalled;
        self.0.changed.notify_all();
    }

    /// Waits until a sync waits that was begun after this many.
    pub(super) fn wait_for_sync(&self, after: usize) {
        let state = self.0.state.lock().unwrap();
        drop(self.0.changed.wait_while(state, |state| state.syncs <= after).unwrap());
    }

    pub(super) fn syncs(&self) -> usize {
        self.0.state.lock().unwrap().syncs
    }

    /// As it might be after a loss of power at this moment: of what was done since the last sync,
    /// each step is there or not, as `is_there` says, in the order in which they were done.
    pub(super) fn after_power_loss(&self, mut is_there: impl FnMut() -> bool) -> Self {
        let state = self.0.state.lock().unwrap();
        let mut left = state.synced.clone();
        for step in state.unsynced.iter().filter(|_| is_there()) {
            step.apply(&mut left);
        }
        let state = State { now: left.clone(), synced: left, ..State::default() };
        Self(Arc::new(Inner { state: Mutex::new(state), ..Inner::default() }))
    }
}

impl State {
    fn step(&mut self, step: Step, bytes: usize) -> io::Result<()> {
        if let Some(room) = &mut self.room {
            let left = room.checked_sub(bytes);
            *room = left.ok_or(io::Error::new(ErrorKind::StorageFull, "no space left"))?;
        }
        step.apply(&mut self.now);
        self.unsynced.push(step);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let state = self.0.state.lock().unwrap();
        let bytes = state.now.get(at..at + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.state.lock().unwrap();
        let length = usize::try_from(len).unwrap();
        let growth = length.saturating_sub(state.now.len());
        state.step(Step::Length(length), growth)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.state.lock().unwrap();
        state.syncs += 1;
        self.0.changed.notify_all();
        let mut state = self.0.changed.wait_while(state, |state| state.stalled).unwrap();
        if state.room == Some(0) {
            return Err(io::Error::new(ErrorKind::StorageFull, "no space left"));
        }
        for step in std::mem::take(&mut state.unsynced) {
            step.apply(&mut state.synced);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let step = Step::Write(usize::try_from(offset).unwrap(), data.to_vec());
        self.0.state.lock().unwrap().step(step, data.len())
    }
}
