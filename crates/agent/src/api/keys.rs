//! `/v1/keys`: the keys of the group, by fingerprint. No answer and no log has a key itself.

use super::extract::{PathText, Query};
use super::key_views::{ChangedView, KeyView};
use super::members::read_json;
use super::problem::Problem;
use super::{json, trace};
use crate::keys::{self, Changed, Choice, Refused, is_fingerprint};
use crate::shared::Shared;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::response::Response;
use bruit_wire::ClusterKey;
use http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// How long every step waits for all members if the caller does not say. Guess.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// How long a list waits for all members if the caller does not say. Guess.
const LIST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unkeyed => Self::conflict("this group has no cluster key").hint(
                "make one with `bruit keys new > cluster.key` and start every agent with \
                 --key-file cluster.key",
            ),
            Refused::Busy => Self::unavailable("this agent is changing the keys already"),
            Refused::Unknown(place) => Self::not_found(format!("there is no such key {place}"))
                .hint("GET /v1/keys lists them"),
            Refused::InUse => Self::conflict("this agent uses the key")
                .hint("POST /v1/keys/rotate first, so that all use another"),
            Refused::UsedBy(names) => Self::conflict(format!(
                "these members use the key, or did not say: {}",
                names.join(", ")
            ))
            .hint(
                "repeat POST /v1/keys/rotate?key=FINGERPRINT of the new key; ?force=true removes \
                 the old one all the same, and cuts them off",
            ),
            Refused::Ask(error) => error.into(),
        }
    }
}

fn is_forced(query: &Query) -> Result<bool, Problem> {
    match query.get("force").as_deref() {
        None | Some("false") => Ok(false),
        Some("" | "true") => Ok(true),
        Some(other) => {
            let other = other.escape_debug();
            Err(Problem::bad_request(format!("force={other} is not understood"))
                .hint("write force=true"))
        }
    }
}

fn fingerprint(text: String) -> Result<String, Problem> {
    if is_fingerprint(&text) {
        return Ok(text);
    }
    let text = text.escape_debug();
    Err(Problem::bad_request(format!("{text} is not a key's fingerprint"))
        .hint("a fingerprint is 16 hexadecimal digits in lower case; GET /v1/keys lists them"))
}

/// Which keys there are, and who lacks which.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    query: Query,
) -> Result<Response, Problem> {
    let timeout = trace::timeout(&query, LIST_TIMEOUT_DEFAULT)?;
    let members = keys::list(&shared, timeout).await?;
    Ok(json(StatusCode::OK, &KeyView::all(&members)))
}

/// Has the whole group use another key.
pub(super) async fn rotate(
    State(shared): State<Arc<Shared>>,
    query: Query,
    request: Request,
) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Given {
        key: String,
    }
    let timeout = trace::timeout(&query, TIMEOUT_DEFAULT)?;
    let force = is_forced(&query)?;
    let known = query.get("key").map(fingerprint).transpose()?;
    let has_body = !request.body().is_end_stream();
    let choice = match known {
        Some(known) => Choice::Known(known),
        None if has_body => {
            let hint = "write {\"key\": \"bruit-key-1:…\"}, as `bruit keys new` makes one, or no \
                        body to have one made";
            let Given { key } = read_json(&shared, request, hint).await?;
            // What is wrong with it is told without it.
            let key = key.parse::<ClusterKey>().map_err(|bad| {
                Problem::bad_request(format!("the key is not one: {bad}")).hint(hint)
            })?;
            Choice::Given(key)
        }
        None => Choice::New,
    };
    changed(timeout, move || async move { keys::rotate(&shared, choice, force, timeout).await })
        .await
}

/// Has the whole group accept a key no more.
pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    PathText(text): PathText,
    query: Query,
) -> Result<Response, Problem> {
    let timeout = trace::timeout(&query, TIMEOUT_DEFAULT)?;
    let force = is_forced(&query)?;
    let fingerprint = fingerprint(text)?;
    let work = move || async move { keys::remove(&shared, &fingerprint, force, timeout).await };
    changed(timeout, work).await
}

/// Runs a change to its end, even if the caller has gone meanwhile.
async fn changed<F>(
    timeout: Duration,
    change: impl FnOnce() -> F + Send + 'static,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Changed, Refused>> + Send + 'static,
{
    let task = tokio::spawn(change());
    let changed = task.await.map_err(|_| Problem::unavailable("the agent is stopping"))??;
    let view = ChangedView::new(&changed, timeout);
    let status = if changed.is_whole() { StatusCode::OK } else { StatusCode::GATEWAY_TIMEOUT };
    Ok(json(status, &view))
}
