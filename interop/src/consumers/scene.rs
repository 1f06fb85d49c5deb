//! Two agents: one that is called, and one beside the consumer.

use crate::bruit::Agent;
use crate::http::{Answer, Call, call, get_json};
use crate::process::until;
use crate::report::Report;
use crate::trouble::{During as _, Trouble};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long the agents may take to know each other and the subscriptions.
const MEET_PATIENCE: Duration = Duration::from_secs(15);

/// The agents of one consumer.
#[derive(Debug)]
pub(super) struct Scene {
    /// The agent that is called; no service is beside it.
    pub(super) caller: Agent,
    /// The agent beside the consumer.
    pub(super) beside: Agent,
}

/// Who got an item, as the agent that took it knows.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Summary {
    /// The item.
    pub(super) id: String,
    /// Whether what was waited for came.
    pub(super) met: bool,
    /// Each expected delivery.
    pub(super) nodes: Vec<Receipt>,
}

/// One expected delivery.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Receipt {
    /// Which subscription.
    pub(super) subscription: String,
    /// `delivered`, `failed` or `missing`.
    pub(super) outcome: String,
    /// What the consumer answered.
    pub(super) status: Option<u16>,
}

impl Summary {
    /// Outcome and status of one subscription.
    pub(super) fn of(&self, subscription: &str) -> (&str, Option<u16>) {
        let receipt = self.nodes.iter().find(|node| node.subscription == subscription);
        receipt.map_or(("unexpected", None), |receipt| (&receipt.outcome, receipt.status))
    }
}

impl Scene {
    /// Starts both agents, `settings` being what the one beside the consumer reads, and waits
    /// until the other knows all `subscriptions`.
    ///
    /// # Errors
    /// An agent does not start, or does not find the other.
    pub(super) async fn start(
        bruit: &Path,
        folder: &Path,
        settings: &str,
        subscriptions: usize,
    ) -> Result<Self, Trouble> {
        let caller = Agent::configured(bruit, "caller", "", None, folder).await?;
        let join = Some(caller.gossip);
        let beside = Agent::configured(bruit, "beside", settings, join, folder).await?;
        until("the agents know each other", MEET_PATIENCE, async || {
            let known = caller.subscriptions().await?;
            Ok((caller.alive().await? == 2 && known == subscriptions).then_some(()))
        })
        .await?;
        Ok(Self { caller, beside })
    }

    /// Calls the agent that no service is beside, and waits for all receipts.
    ///
    /// # Errors
    /// No answer, or none with a summary.
    pub(super) async fn send(
        &self,
        report: &Report,
        mut request: Call<'_>,
    ) -> Result<Summary, Trouble> {
        request.headers.push(("Bruit-Wait", "all"));
        request.headers.push(("Bruit-Timeout", "20s"));
        let answer: Answer = call(self.caller.api, &request).await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        report.tell(&format!("{} {}  ->  {}", request.method, request.target, answer.status));
        serde_json::from_str(&text).during(&text)
    }

    /// Gets JSON from the agent beside the consumer.
    ///
    /// # Errors
    /// No answer, or another than 200 with JSON.
    pub(super) async fn ask(&self, target: &str) -> Result<Value, Trouble> {
        get_json(self.beside.api, target).await
    }

    /// Ends both agents as an operator would.
    ///
    /// # Errors
    /// One does not end well.
    pub(super) async fn stop(mut self) -> Result<(), Trouble> {
        self.beside.ask_to_end()?;
        self.beside.ended().await?;
        self.caller.ask_to_end()?;
        self.caller.ended().await
    }
}

/// A port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one.
///
/// # Errors
/// There is none.
pub(super) fn free_port() -> Result<u16, Trouble> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").during("a free port")?;
    Ok(listener.local_addr().during("a free port")?.port())
}
