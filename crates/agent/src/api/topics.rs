//! Topics: the group's records with the parameters of paths.

use super::extract::PathText;
use super::problem::Problem;
use super::views::TopicView;
use super::{body, json};
use crate::config::nearest;
use crate::shared::Shared;
use axum::extract::{Request, State};
use axum::response::Response;
use bruit_model::{Command, Pattern, TopicParams};
use http::{StatusCode, header};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All topics, most specific first.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let topics = shared.node.with(|node, _| node.records().topics()).await?;
    let views: Vec<TopicView> = topics.iter().map(TopicView::new).collect();
    Ok(json(StatusCode::OK, &views))
}

async fn find(shared: &Shared, pattern: &Pattern) -> Result<Option<TopicParams>, Problem> {
    let pattern = pattern.clone();
    let found = shared.node.with(move |node, _| {
        node.records().topics().into_iter().find(|topic| topic.pattern == pattern)
    });
    Ok(found.await?)
}

fn parse(text: &str) -> Result<Pattern, Problem> {
    Pattern::parse(text).map_err(|error| {
        Problem::bad_request(format!("{}: {error}", text.escape_debug()))
            .hint("a topic is a pattern such as cache/**")
    })
}

/// One topic.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    PathText(pattern): PathText,
) -> Result<Response, Problem> {
    let pattern = parse(&pattern)?;
    match find(&shared, &pattern).await? {
        Some(topic) => Ok(json(StatusCode::OK, &TopicView::new(&topic))),
        None => Err(no_topic(&pattern)),
    }
}

fn no_topic(pattern: &Pattern) -> Problem {
    Problem::not_found(format!("no topic {pattern}")).hint("GET /v1/topics lists them")
}

/// Makes a topic, or changes the given parameters of one that exists.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    PathText(pattern): PathText,
    request: Request,
) -> Result<Response, Problem> {
    let pattern = parse(&pattern)?;
    let (parts, body) = request.into_parts();
    let waits = parts.headers.contains_key(header::EXPECT);
    let bytes = body::read(&shared, body, waits).await?;
    let hint = "write an object of parameters, such as {\"style\": \"push\", \"fanout\": 4}";
    let given: BTreeMap<String, Value> = if bytes.is_empty() {
        BTreeMap::new()
    } else {
        serde_json::from_slice(&bytes)
            .map_err(|error| Problem::bad_request(format!("the body: {error}")).hint(hint))?
    };
    let existing = find(&shared, &pattern).await?;
    let status = if existing.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let mut topic = existing.unwrap_or_else(|| TopicParams::new(pattern.clone()));
    for (name, value) in &given {
        set(&mut topic, name, value)?;
    }
    let value = Some(topic.to_record());
    shared.node.command(Command::PutRecord { key: record_key(&pattern), value }).await??;
    Ok(json(status, &TopicView::new(&topic)))
}

/// Removes a topic; its paths then belong to the next that selects them.
pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    PathText(pattern): PathText,
) -> Result<Response, Problem> {
    let pattern = parse(&pattern)?;
    let key = record_key(&pattern);
    let wanted = key.clone();
    let exists =
        shared.node.with(move |node, _| node.records().iter().any(|record| *record.key == *wanted));
    if !exists.await? {
        return Err(no_topic(&pattern));
    }
    shared.node.command(Command::PutRecord { key, value: None }).await??;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn record_key(pattern: &Pattern) -> String {
    format!("{}{pattern}", TopicParams::RECORD_PREFIX)
}

fn set(topic: &mut TopicParams, name: &str, value: &Value) -> Result<(), Problem> {
    if !TopicView::PARAMETERS.contains(&name) {
        let near = nearest(name, &TopicView::PARAMETERS).unwrap_or_default();
        let name = name.escape_debug();
        return Err(Problem::bad_request(format!("a topic has no parameter {name}"))
            .hint(format!("did you mean {near}?")));
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null if name == "expiry_ms" => {
            topic.expiry = None;
            return Ok(());
        }
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(Problem::bad_request(format!("{name} is not a single value")));
        }
    };
    topic.set_parameter(name, &text).map_err(|error| Problem::bad_request(error.to_string()))
}
