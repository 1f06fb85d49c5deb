//! Members, and what changes this one.

use super::extract::PathText;
use super::problem::Problem;
use super::views::MemberView;
use super::{body, json};
use crate::config::{AgentConfig, check_tag, target};
use crate::shared::Shared;
use axum::extract::{Request, State};
use axum::response::Response;
use bruit_model::{Command, NodeId};
use http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The member list, this agent included.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &all(&shared).await?))
}

/// All members as the API shows them.
pub(super) async fn all(shared: &Shared) -> Result<Vec<MemberView>, Problem> {
    let members = shared.node.with(|node, now| {
        node.members(now).iter().map(|member| MemberView::new(&member)).collect()
    });
    Ok(members.await?)
}

/// One member, by id or name. A name of two members is the first that is alive.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    PathText(wanted): PathText,
) -> Result<Response, Problem> {
    let text = wanted.clone();
    let found = shared.node.with(move |node, now| {
        let members = node.members(now);
        if let Ok(id) = text.parse::<NodeId>() {
            return members.get(&id).map(|member| MemberView::new(&member));
        }
        let named = members.iter().filter(|member| *member.name == *text);
        named.min_by_key(|member| member.state).map(|member| MemberView::new(&member))
    });
    match found.await? {
        Some(member) => Ok(json(StatusCode::OK, &member)),
        None => {
            let wanted = wanted.escape_debug();
            Err(Problem::not_found(format!("no member is called {wanted}"))
                .hint("GET /v1/members lists them"))
        }
    }
}

/// A request's body, which is a JSON object.
pub(super) async fn read_json<T: DeserializeOwned>(
    shared: &Shared,
    request: Request,
    hint: &str,
) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    let waits = parts.headers.contains_key(header::EXPECT);
    let bytes = body::read(shared, body, waits).await?;
    // Without this step an array would do for a struct.
    let object: Result<Map<String, Value>, _> = serde_json::from_slice(&bytes);
    object
        .and_then(|map| serde_json::from_value(Value::Object(map)))
        .map_err(|error| Problem::bad_request(format!("the body: {error}")).hint(hint))
}

/// Sets metadata of this agent by a JSON merge patch (RFC 7396).
pub(super) async fn tags(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let hint = "write {\"key\": \"value\"}; null removes a key";
    let patch: BTreeMap<String, Value> = read_json(&shared, request, hint).await?;
    let mut changes = Vec::with_capacity(patch.len());
    for (key, value) in patch {
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            Value::Array(_) | Value::Object(_) => {
                let key = key.escape_debug();
                return Err(Problem::bad_request(format!("{key} is not a text")).hint(hint));
            }
        };
        check_tag(&key, value.as_deref().unwrap_or_default()).map_err(|why| {
            Problem::bad_request(format!("{}: {why}", key.escape_debug())).hint(hint)
        })?;
        changes.push((key, value.map(String::into_bytes)));
    }
    shared.node.command(Command::SetMetadata(changes)).await??;
    let me = shared.node.with(|node, now| {
        let id = node.id();
        node.members(now).get(&id).map(|member| MemberView::new(&member))
    });
    match me.await? {
        Some(member) => Ok(json(StatusCode::OK, &member)),
        None => Err(Problem::unavailable("this agent is not in its own member list")),
    }
}

/// Contacts other agents.
pub(super) async fn join(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Join {
        addresses: Vec<String>,
    }
    let hint = "write {\"addresses\": [\"10.0.0.5:7071\"]}";
    let Join { addresses } = read_json(&shared, request, hint).await?;
    if addresses.is_empty() || addresses.len() > AgentConfig::JOIN_MAX {
        let max = AgentConfig::JOIN_MAX;
        return Err(Problem::bad_request(format!("1 to {max} addresses are needed")).hint(hint));
    }
    let targets: Result<Vec<_>, _> = addresses.iter().map(|text| target(text)).collect();
    let targets = targets.map_err(|error| Problem::bad_request(error.to_string()).hint(hint))?;
    shared.node.command(Command::Join(targets)).await??;
    Ok(json(StatusCode::ACCEPTED, &serde_json::json!({ "joining": addresses })))
}

/// Says goodbye and ends this agent.
pub(super) async fn leave(State(shared): State<Arc<Shared>>) -> Response {
    shared.is_leaving.store(true, Ordering::Relaxed);
    shared.leave_asked.notify_one();
    json(StatusCode::ACCEPTED, &serde_json::json!({ "leaving": true }))
}
