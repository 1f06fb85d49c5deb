//! `/v1/status` and `/metrics`.

use super::json;
use super::problem::Problem;
use super::views::StatusView;
use crate::metrics;
use crate::shared::Shared;
use axum::extract::State;
use axum::response::Response;
use bruit_model::MemberState;
use http::{HeaderValue, StatusCode, header};
use std::collections::BTreeMap;
use std::sync::Arc;

const STATES: [MemberState; 4] =
    [MemberState::Alive, MemberState::Suspect, MemberState::Failed, MemberState::Left];

/// How the agent is doing.
pub(super) async fn status(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &view(&shared).await?))
}

/// The same for the log; `None` if the node does not answer.
pub(crate) async fn status_view(shared: &Shared) -> Option<StatusView> {
    view(shared).await.ok()
}

async fn view(shared: &Shared) -> Result<StatusView, Problem> {
    let (counts, held) =
        shared.node.with(|node, now| (node.members(now).counts(), node.items().held())).await?;
    let families = metrics::collect(shared).await?;
    let facts = &shared.facts;
    let [receive, send] = shared.node.buffer_bytes();
    Ok(StatusView {
        name: facts.ready.name.clone(),
        id: facts.ready.id.clone(),
        version: crate::VERSION,
        pid: facts.ready.pid,
        gossip: facts.ready.gossip.to_string(),
        advertise: facts.advertise.to_string(),
        api: facts.ready.api.to_string(),
        profile: facts.profile,
        keyed: facts.is_keyed,
        persistent: facts.ready.persistent,
        generation: facts.generation,
        uptime_seconds: shared.uptime().as_secs_f64(),
        members: STATES.into_iter().map(MemberState::word).zip(counts).collect(),
        items_held: held.0,
        items_held_bytes: held.1,
        subscriptions: shared.delivery.snapshot(),
        socket_buffer_bytes: BTreeMap::from([("receive", receive), ("send", send)]),
        store: shared.store.as_ref().map(|store| store.status()),
        counters: families.whole_numbers(),
        warnings: shared.warnings(),
    })
}

/// Everything that is counted, as OpenMetrics text.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let text = metrics::collect(&shared).await?.render();
    let mut response = Response::new(text.into());
    let kind =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
