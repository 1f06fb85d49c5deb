//! The HTTP API.
//!
//! `/all/…` and `/topics/…` publish, `/v1/…` tells and changes, `/livez`, `/readyz` and
//! `/metrics` are for machines. Errors are RFC 9457 problem details everywhere.

mod body;
mod extract;
mod guard;
mod health;
mod items;
mod members;
mod problem;
mod publish;
mod server;
mod status;
mod stream;
mod topics;
pub(crate) mod views;

pub(crate) use server::{CONNECTIONS_MAX, Server};

use crate::shared::Shared;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, get, patch, post};
use http::{HeaderValue, StatusCode, header};
use problem::Problem;
use serde::Serialize;
use std::sync::Arc;

/// Every route: methods, path, what it is for. The index shows it.
const ROUTES: [(&str, &str, &str); 24] = [
    ("ANY", "/all/{path}", "replay this request to every service subscribed to the path"),
    ("POST", "/topics/{path}", "publish an event"),
    ("GET", "/v1/members", "the member list"),
    ("GET", "/v1/members/{name or id}", "one member"),
    ("GET", "/v1/subscriptions", "the subscriptions of the whole group"),
    ("POST", "/v1/subscriptions/{name}/pause", "let a local subscription's items wait"),
    ("POST", "/v1/subscriptions/{name}/resume", "serve a paused local subscription again"),
    ("GET", "/v1/topics", "the topics and their parameters"),
    ("PUT", "/v1/topics/{pattern}", "make or change a topic"),
    ("DELETE", "/v1/topics/{pattern}", "remove a topic"),
    ("GET", "/v1/items?limit=N", "the items held last"),
    ("GET", "/v1/items/{id}", "one item, with receipts where a caller waited"),
    ("GET", "/v1/items/{id}/body", "its payload"),
    ("GET", "/v1/deliveries?state=failed", "the dead letters of this agent"),
    ("GET", "/v1/status", "counters, queues, warnings"),
    ("PATCH", "/v1/self/tags", "set metadata of this agent; null removes"),
    ("POST", "/v1/join", "contact other agents"),
    ("POST", "/v1/leave", "say goodbye and end this agent"),
    ("GET", "/v1/stream?types=member,item,delivery,subscription", "changes as they happen (SSE)"),
    ("GET", "/livez", "200 while the agent runs"),
    ("GET", "/readyz?verbose", "200 when the agent can do its work"),
    ("GET", "/metrics", "counters as OpenMetrics"),
    ("GET", "/", "this list"),
    ("GET", "/v1", "this list"),
];

/// The routes, behind the guards.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let guarded = Arc::clone(&shared);
    Router::new()
        .route("/", get(index))
        .route("/v1", get(index))
        .route("/all", any(publish::all))
        .route("/all/", any(publish::all))
        .route("/all/{*path}", any(publish::all))
        .route("/topics/{*path}", post(publish::topic))
        .route("/v1/members", get(members::list))
        .route("/v1/members/{member}", get(members::one))
        .route("/v1/subscriptions", get(members::subscriptions))
        .route("/v1/subscriptions/{name}/pause", post(members::pause))
        .route("/v1/subscriptions/{name}/resume", post(members::resume))
        .route("/v1/self/tags", patch(members::tags))
        .route("/v1/join", post(members::join))
        .route("/v1/leave", post(members::leave))
        .route("/v1/topics", get(topics::list))
        .route("/v1/topics/{*pattern}", get(topics::one).put(topics::put).delete(topics::remove))
        .route("/v1/items", get(items::list))
        .route("/v1/items/{id}", get(items::one))
        .route("/v1/items/{id}/body", get(items::body))
        .route("/v1/deliveries", get(items::deliveries))
        .route("/v1/status", get(status::status))
        .route("/v1/stream", get(stream::stream))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(status::metrics))
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

async fn index() -> Response {
    #[derive(Serialize)]
    struct Route {
        method: &'static str,
        path: &'static str,
        about: &'static str,
    }
    #[derive(Serialize)]
    struct Index {
        name: &'static str,
        version: &'static str,
        routes: Vec<Route>,
    }
    let route = |&(method, path, about)| Route { method, path, about };
    let index = Index {
        name: "bruit",
        version: crate::VERSION,
        routes: ROUTES.iter().map(route).collect(),
    };
    json(StatusCode::OK, &index)
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
