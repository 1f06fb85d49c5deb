//! The task that waits until a subscription's next entry is due.

use super::lane::Lane;
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

/// Runs while there is a time to wait for.
pub(super) async fn run(lane: Arc<Lane>) {
    loop {
        let at = {
            let mut state = lane.state();
            let now = Instant::now();
            if state.workers.alarm.is_some_and(|at| at <= now) {
                state.workers.alarm = None;
                lane.stir(&mut state, now);
            }
            match state.workers.alarm {
                Some(at) => at,
                None => {
                    state.workers.has_keeper = false;
                    return;
                }
            }
        };
        tokio::select! {
            () = sleep_until(at) => {}
            () = lane.keeper.notified() => {}
        }
    }
}
