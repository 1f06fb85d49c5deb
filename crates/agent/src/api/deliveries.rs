//! Deliveries that wait, are under way, or were given up; and what an operator does about those.

use super::extract::{PathText, Query};
use super::json;
use super::payload::Payload;
use super::problem::Problem;
use super::views::{ItemView, shown_headers};
use crate::delivery::{DeadLetter, DeliveryRecord, DeliveryState, Wanted};
use crate::shared::Shared;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// How many are listed if the caller does not say, and at most.
const LIMIT_DEFAULT: usize = 1000;
const LIMIT_MAX: usize = 10_000;

/// A dead letter with its item.
#[derive(Debug, Serialize)]
struct DeadLetterView<'a> {
    #[serde(flatten)]
    record: DeliveryRecord,
    kind: &'static str,
    method: Option<String>,
    target: Option<String>,
    host: Option<String>,
    content_type: Option<String>,
    origin: String,
    accepted_unix_ms: u64,
    payload_bytes: usize,
    /// Values of secrets are hidden.
    headers: Vec<(String, String)>,
    #[serde(flatten)]
    payload: Payload<'a>,
}

impl<'a> DeadLetterView<'a> {
    fn new(letter: &'a DeadLetter) -> Self {
        let item = ItemView::new(&letter.item);
        Self {
            record: DeliveryRecord::of_letter(letter),
            kind: item.kind,
            method: item.method,
            target: item.target,
            host: item.host,
            content_type: item.content_type,
            origin: item.origin,
            accepted_unix_ms: item.accepted_unix_ms,
            payload_bytes: item.payload_bytes,
            headers: shown_headers(&letter.item),
            payload: Payload::of(&letter.item.payload),
        }
    }
}

/// The deliveries of this agent that are not done.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    query: Query,
) -> Result<Response, Problem> {
    let state = match query.get("state").as_deref() {
        None => None,
        Some("queued") => Some(DeliveryState::Queued),
        Some("in_flight") => Some(DeliveryState::InFlight),
        Some("failed") => Some(DeliveryState::Failed),
        Some(other) => {
            let other = other.escape_debug();
            return Err(Problem::bad_request(format!("no delivery is in a state {other}"))
                .hint("states are queued, in_flight and failed"));
        }
    };
    let limit = match query.get("limit") {
        None => LIMIT_DEFAULT,
        Some(text) => text.parse().ok().filter(|limit| *limit <= LIMIT_MAX).ok_or_else(|| {
            Problem::bad_request(format!("limit is a number from 0 to {LIMIT_MAX}"))
        })?,
    };
    let wanted = Wanted { state, subscription: query.get("subscription"), limit };
    Ok(json(StatusCode::OK, &shared.delivery.deliveries(&wanted)))
}

/// One dead letter.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let letter = shared.delivery.dead_letter(&id).ok_or_else(|| no_letter(&id))?;
    Ok(json(StatusCode::OK, &DeadLetterView::new(&letter)))
}

/// Queues the item of a dead letter anew.
pub(super) async fn retry(
    State(shared): State<Arc<Shared>>,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    if shared.delivery.retry(&id) { Ok(retried(1)) } else { Err(no_letter(&id)) }
}

/// Queues the items of all dead letters anew, or of those of one subscription.
pub(super) async fn retry_all(
    State(shared): State<Arc<Shared>>,
    query: Query,
) -> Result<Response, Problem> {
    let name = named(&shared, &query)?;
    Ok(retried(shared.delivery.retry_all(name.as_deref())))
}

/// Drops a dead letter.
pub(super) async fn drop_one(
    State(shared): State<Arc<Shared>>,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    if shared.delivery.drop_dead(&id) { Ok(dropped(1)) } else { Err(no_letter(&id)) }
}

/// Drops all dead letters, or those of one subscription.
pub(super) async fn drop_all(
    State(shared): State<Arc<Shared>>,
    query: Query,
) -> Result<Response, Problem> {
    let name = named(&shared, &query)?;
    Ok(dropped(shared.delivery.drop_all_dead(name.as_deref())))
}

/// The subscription that the query names, which must be there: a misspelt name must not look
/// like one without dead letters.
fn named(shared: &Shared, query: &Query) -> Result<Option<String>, Problem> {
    let Some(name) = query.get("subscription") else { return Ok(None) };
    if shared.delivery.get(&name).is_some() {
        return Ok(Some(name));
    }
    Err(super::subscriptions::no_local(&name))
}

fn retried(count: usize) -> Response {
    json(StatusCode::OK, &serde_json::json!({ "retried": count }))
}

fn dropped(count: usize) -> Response {
    json(StatusCode::OK, &serde_json::json!({ "dropped": count }))
}

fn no_letter(id: &str) -> Problem {
    let id = id.escape_debug();
    Problem::not_found(format!("this agent has no dead letter {id}"))
        .hint("GET /v1/deliveries?state=failed lists them")
}
