//! The subscriptions of the group, and those of this agent: shown, made, changed, tried.

use super::extract::PathText;
use super::json;
use super::members::read_json;
use super::problem::Problem;
use super::views::SubscriptionView;
use crate::delivery::{Source, SubscriptionSpec, SubscriptionStatus, TestResult};
use crate::receipts;
use crate::shared::Shared;
use crate::subscriptions::{Entry, Put, Refused, Subscriptions};
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::response::Response;
use bruit_model::{Header, HybridTime, Item, ItemId, Member, Path, Style, meta};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A subscription of this agent, and how it is doing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LocalView {
    #[serde(flatten)]
    status: SubscriptionStatus,
    /// `settings` or `api`.
    source: &'static str,
    /// `none` or `fifo`.
    order: String,
    /// `now` or `retained`.
    from: String,
    filter: Vec<String>,
    /// The path that is asked whether the consumer is well.
    health: Option<String>,
}

/// The same, with what was asked for.
#[derive(Debug, Clone, Serialize)]
struct LocalDetailView {
    #[serde(flatten)]
    local: LocalView,
    spec: SubscriptionSpec,
}

impl LocalView {
    fn new(status: SubscriptionStatus, entry: &Entry) -> Self {
        let spec = &entry.spec;
        Self {
            status,
            source: entry.source.word(),
            order: spec.order.clone().unwrap_or_else(|| "none".to_owned()),
            from: spec.from.clone().unwrap_or_else(|| "now".to_owned()),
            filter: spec.filter.clone().unwrap_or_default(),
            health: spec.health.clone(),
        }
    }
}

/// The subscriptions of the whole group.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let members = shared.node.with(|node, now| node.members(now).iter().collect::<Vec<_>>());
    let members = members.await?;
    let mut local: BTreeMap<String, LocalView> = BTreeMap::new();
    for status in shared.delivery.snapshot() {
        if let Some(entry) = shared.subscriptions.get(&status.name) {
            local.insert(status.name.clone(), LocalView::new(status, &entry));
        }
    }
    let view = |member: &Member, name: &str, pattern: &str| SubscriptionView {
        node: member.id.to_string(),
        node_name: member.name.to_string(),
        node_state: member.state.word(),
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        local: member.is_self.then(|| local.get(name).cloned()).flatten(),
    };
    let views: Vec<SubscriptionView> = members
        .iter()
        .flat_map(|member| {
            receipts::announced(member)
                .map(|(name, pattern)| view(member, name, pattern.as_str()))
                .collect::<Vec<_>>()
        })
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// One of this agent.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    PathText(name): PathText,
) -> Result<Response, Problem> {
    detail(&shared, &name, StatusCode::OK)
}

/// Makes a subscription, or gives new settings to one that the API made.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    PathText(name): PathText,
    request: Request,
) -> Result<Response, Problem> {
    let hint = "write {\"pattern\": \"cache/**\", \"endpoint\": \"http://127.0.0.1:8080\"}";
    let map: Map<String, Value> = read_json(&shared, request, hint).await?;
    let spec = SubscriptionSpec::from_map(map).map_err(Refused::from)?;
    let entry = Entry { spec, source: Source::Api };
    let status = match Subscriptions::put(&shared, &name, entry).await? {
        Put::Added => StatusCode::CREATED,
        Put::Changed | Put::Unchanged => StatusCode::OK,
    };
    detail(&shared, &name, status)
}

/// Removes a subscription that the API made, and what waits in it.
pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    PathText(name): PathText,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Removed {
        name: String,
        dropped_items: usize,
    }
    let dropped_items = Subscriptions::remove(&shared, &name, Source::Api).await?;
    Ok(json(StatusCode::OK, &Removed { name, dropped_items }))
}

/// Lets a local subscription's items wait.
pub(super) async fn pause(
    State(shared): State<Arc<Shared>>,
    PathText(name): PathText,
) -> Result<Response, Problem> {
    if !shared.delivery.pause(&name) {
        return Err(no_local(&name));
    }
    detail(&shared, &name, StatusCode::OK)
}

/// Serves a paused local subscription again.
pub(super) async fn resume(
    State(shared): State<Arc<Shared>>,
    PathText(name): PathText,
) -> Result<Response, Problem> {
    if !shared.delivery.resume(&name) {
        return Err(no_local(&name));
    }
    detail(&shared, &name, StatusCode::OK)
}

fn detail(shared: &Shared, name: &str, status: StatusCode) -> Result<Response, Problem> {
    let known = shared.delivery.status(name).zip(shared.subscriptions.get(name));
    let Some((local, entry)) = known else { return Err(no_local(name)) };
    let local = LocalView::new(local, &entry);
    Ok(json(status, &LocalDetailView { local, spec: entry.spec }))
}

/// This agent has no subscription of that name.
pub(super) fn no_local(name: &str) -> Problem {
    let name = name.escape_debug();
    Problem::not_found(format!("this agent has no subscription {name}"))
        .hint("ask the agent beside the service; GET /v1/subscriptions lists those of all")
}

/// What a subscription is tried with. What is left out is made up.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Trial {
    method: Option<String>,
    path: Option<String>,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Makes one attempt outside the queue, with an item that exists nowhere else.
pub(super) async fn test(
    State(shared): State<Arc<Shared>>,
    PathText(name): PathText,
    request: Request,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Tested {
        status: Option<u16>,
        error: Option<String>,
        after_ms: f64,
    }
    let hint = "write {\"method\": \"PURGE\", \"path\": \"cache/x\", \"headers\": {}, \
                \"body\": \"\"}, or nothing";
    let is_empty = request.body().is_end_stream();
    let trial = if is_empty { Trial::default() } else { read_json(&shared, request, hint).await? };
    let Some(subscription) = shared.delivery.get(&name) else { return Err(no_local(&name)) };
    let item = trial.item(&shared, subscription.pattern.as_str())?;
    let tested = shared.delivery.test(&name, item).await;
    let Some(TestResult { status, error, after }) = tested else { return Err(no_local(&name)) };
    let after_ms = after.as_secs_f64() * 1000.0;
    Ok(json(StatusCode::OK, &Tested { status, error, after_ms }))
}

impl Trial {
    fn item(self, shared: &Shared, pattern: &str) -> Result<Item, Problem> {
        // Runs of nodes are numbered from 1, so that no other item has such an id.
        static SEQ: AtomicU64 = AtomicU64::new(1);
        let bad = |what: &str| Problem::bad_request(format!("{what} is malformed"));
        let path = self.path.unwrap_or_else(|| pattern.replace("**", "test").replace('*', "test"));
        let path = Path::parse(path.trim_start_matches('/'))
            .map_err(|error| Problem::bad_request(format!("path: {error}")))?;
        let ours = |name: &str, value: &str| Header {
            name: name.into(),
            value: Bytes::copy_from_slice(value.as_bytes()),
        };
        let mut headers = Vec::new();
        if let Some(method) = &self.method {
            let method = method.parse::<Method>().map_err(|_| bad("method"))?;
            headers.push(ours(meta::METHOD, method.as_str()));
            headers.push(ours(meta::TARGET, &format!("/{path}")));
        }
        for (name, value) in &self.headers {
            let name = name.parse::<HeaderName>().map_err(|_| bad("the name of a header"))?;
            let value = HeaderValue::from_str(value).map_err(|_| bad(name.as_str()))?;
            let value = Bytes::copy_from_slice(value.as_bytes());
            headers.push(Header { name: name.as_str().into(), value });
        }
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(unix.as_millis()).unwrap_or(0);
        Ok(Item {
            id: ItemId {
                origin: shared.facts.me,
                start: 0,
                seq: SEQ.fetch_add(1, Ordering::Relaxed),
            },
            path,
            previous_in_topic: None,
            time: HybridTime(millis << 16),
            expires_unix_millis: None,
            style: Style::Auto,
            repair: false,
            fanout_count: 1,
            rounds_left: 0,
            hops: 0,
            headers,
            payload: self.body.into(),
            signature: None,
        })
    }
}
