//! Whether the agent still does its work, and what it is doing, in a line.

use crate::Agent;
use std::time::Duration;

/// How long the node may take to answer. Guess.
const PATIENCE: Duration = Duration::from_secs(5);

impl Agent {
    /// Members, subscriptions and queues in a line; `None` if the node does not answer.
    pub async fn heartbeat(&self) -> Option<String> {
        let shared = &self.shared;
        let asked = shared.node.with(|node, now| node.members(now).counts());
        let [alive, suspect, ..] = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
        let statuses = shared.delivery.snapshot();
        let queued: usize = statuses.iter().map(|status| status.queued_items).sum();
        let subscriptions = statuses.len();
        Some(format!(
            "{alive} members alive, {suspect} suspect; {subscriptions} subscriptions, {queued} \
             items wait"
        ))
    }
}
