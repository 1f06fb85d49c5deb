//! The state of an agent in its log, for whoever has nothing but the log.

use crate::api::status_view;
use crate::shared::Shared;

/// Logs how the agent is doing: the counters on one line, each subscription on its own.
pub(crate) async fn dump(shared: &Shared) {
    let Some(mut view) = status_view(shared).await else {
        tracing::error!("the node does not answer; its state cannot be shown");
        return;
    };
    let subscriptions = std::mem::take(&mut view.subscriptions);
    let json =
        |text: serde_json::Result<String>| text.expect("a view has string keys and finite numbers");
    let status = json(serde_json::to_string(&view));
    tracing::info!(%status, in_flight = shared.delivery.in_flight(), "state");
    for subscription in subscriptions {
        let status = json(serde_json::to_string(&subscription));
        tracing::info!(name = %subscription.name, %status, "state of a subscription");
    }
}
