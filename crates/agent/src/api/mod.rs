//! The HTTP API.
//!
//! `/all/…` and `/topics/…` publish, `/v1/…` tells and changes, `/livez`, `/readyz` and
//! `/metrics` are for machines. Errors are RFC 9457 problem details everywhere.

mod body;
mod config;
mod consume;
mod deliveries;
mod evict;
mod extract;
mod guard;
mod health;
mod items;
mod key_views;
mod keys;
mod members;
mod openapi;
mod payload;
mod problem;
mod publish;
mod server;
mod status;
mod stream;
mod subscriptions;
mod topics;
mod trace;
pub(crate) mod views;

#[cfg(test)]
pub(crate) use openapi::DOCUMENT;
pub(crate) use server::{CONNECTIONS_MAX, Server};
pub(crate) use status::status_view;

use crate::shared::Shared;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{MethodRouter, any, delete, get, patch, post, put};
use http::{HeaderValue, StatusCode, header};
use problem::Problem;
use serde::Serialize;
use std::future::Ready;
use std::sync::Arc;

/// A route: method (`ANY` is every one), path with the parameters of the query that matter, what
/// it is for, and who answers it. `{*name}` takes several segments.
pub(crate) type Route =
    (&'static str, &'static str, &'static str, fn() -> MethodRouter<Arc<Shared>>);

/// Every route, in the order of the index. The router is made of it.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    ("ANY", "/all/{*path}", "replay this request to every service subscribed to the path",
        || any(publish::all)),
    ("POST", "/topics/{*path}", "publish an event", || post(publish::topic)),
    ("GET", "/v1/members", "the member list", || get(members::list)),
    ("GET", "/v1/members/{member}", "one member, by name or id", || get(members::one)),
    ("GET", "/v1/subscriptions", "the subscriptions of the whole group",
        || get(subscriptions::list)),
    ("GET", "/v1/subscriptions/{name}", "one subscription of this agent",
        || get(subscriptions::one)),
    ("PUT", "/v1/subscriptions/{name}", "make or change a subscription",
        || put(subscriptions::put)),
    ("DELETE", "/v1/subscriptions/{name}", "remove a subscription",
        || delete(subscriptions::remove)),
    ("POST", "/v1/subscriptions/{name}/pause", "let a local subscription's items wait",
        || post(subscriptions::pause)),
    ("POST", "/v1/subscriptions/{name}/resume", "serve a paused local subscription again",
        || post(subscriptions::resume)),
    ("POST", "/v1/subscriptions/{name}/test", "try a local subscription with a made-up item",
        || post(subscriptions::test)),
    ("GET", "/v1/subscriptions/{name}/stream",
        "take the items of a subscription with mode stream (SSE or WebSocket)",
        || get(consume::stream)),
    ("GET", "/v1/topics", "the topics and their parameters", || get(topics::list)),
    ("GET", "/v1/topics/{*pattern}", "one topic", || get(topics::one)),
    ("PUT", "/v1/topics/{*pattern}", "make or change a topic", || put(topics::put)),
    ("DELETE", "/v1/topics/{*pattern}", "remove a topic", || delete(topics::remove)),
    ("GET", "/v1/items?limit=N", "the items held last", || get(items::list)),
    ("GET", "/v1/items/{id}", "one item, with receipts where a caller waited",
        || get(items::one)),
    ("GET", "/v1/items/{id}/body", "its payload", || get(items::body)),
    ("GET", "/v1/items/{id}/trace?timeout=2s", "who got it, how, and what became of it there",
        || get(trace::trace)),
    ("GET", "/v1/deliveries?state=failed&subscription=NAME&limit=N",
        "what waits, is under way, or was given up", || get(deliveries::list)),
    ("DELETE", "/v1/deliveries?subscription=NAME", "drop all dead letters",
        || delete(deliveries::drop_all)),
    ("POST", "/v1/deliveries/retry?subscription=NAME", "queue all dead letters again",
        || post(deliveries::retry_all)),
    ("GET", "/v1/deliveries/{id}", "one dead letter, with headers and body",
        || get(deliveries::one)),
    ("DELETE", "/v1/deliveries/{id}", "drop a dead letter", || delete(deliveries::drop_one)),
    ("POST", "/v1/deliveries/{id}/retry", "queue a dead letter again",
        || post(deliveries::retry)),
    ("GET", "/v1/status", "counters, queues, warnings", || get(status::status)),
    ("PATCH", "/v1/self/tags", "set metadata of this agent; null removes",
        || patch(members::tags)),
    ("POST", "/v1/join", "contact other agents", || post(members::join)),
    ("POST", "/v1/evict", "declare a failed member gone", || post(evict::evict)),
    ("GET", "/v1/keys", "the group's keys, and who lacks which", || get(keys::list)),
    ("POST", "/v1/keys/rotate", "have the whole group use another key", || post(keys::rotate)),
    ("DELETE", "/v1/keys/{fingerprint}", "have the whole group accept a key no more",
        || delete(keys::remove)),
    ("POST", "/v1/leave", "say goodbye and end this agent", || post(members::leave)),
    ("GET", "/v1/config", "the settings, and where each comes from", || get(config::show)),
    ("GET", "/v1/config/diff", "what a reload of the settings would change",
        || get(config::diff)),
    ("POST", "/v1/reload", "read the settings again", || post(config::reload)),
    ("GET", "/v1/stream?types=member,item,delivery,subscription",
        "changes as they happen (SSE)", || get(stream::stream)),
    ("GET", "/livez", "200 while the agent runs", || get(health::livez)),
    ("GET", "/readyz?verbose", "200 when the agent can do its work", || get(health::readyz)),
    ("GET", "/metrics", "counters as OpenMetrics", || get(status::metrics)),
    ("GET", "/openapi.json", "this API as an OpenAPI document", || get(openapi::document)),
    ("GET", "/", "this list", || get(index)),
    ("GET", "/v1", "this list", || get(index)),
];

/// The routes, behind the guards.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let guarded = Arc::clone(&shared);
    let mut router = Router::new();
    for (_, path, _, handler) in ROUTES {
        router = router.route(path.split('?').next().unwrap_or(path), handler());
    }
    router
        // An empty path has a better answer than "no route".
        .route("/all", any(publish::all))
        .route("/all/", any(publish::all))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(guarded, guard::guard))
        .with_state(shared)
}

/// A JSON answer.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("a view has string keys and finite numbers");
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The index. Its future has a name, since the table that it reads names this function.
fn index() -> Ready<Response> {
    #[derive(Serialize)]
    struct Line {
        method: &'static str,
        path: String,
        about: &'static str,
    }
    #[derive(Serialize)]
    struct Index {
        name: &'static str,
        version: &'static str,
        routes: Vec<Line>,
    }
    let route =
        |&(method, path, about, _): &Route| Line { method, path: path.replace("{*", "{"), about };
    let index = Index {
        name: "bruit",
        version: crate::VERSION,
        routes: ROUTES.iter().map(route).collect(),
    };
    std::future::ready(json(StatusCode::OK, &index))
}

async fn not_found(request: Request) -> Problem {
    let path = request.uri().path().escape_debug();
    Problem::not_found(format!("no route {path}")).hint("GET / lists all routes")
}

async fn method_not_allowed(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path().escape_debug());
    Problem::method_not_allowed(format!("{path} does not take {method}"))
        .hint("GET / lists all routes")
}
