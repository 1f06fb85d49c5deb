//! `/livez` and `/readyz`. Ready means listening and able to work, not having peers: an agent
//! that waits to be ready until it has peers never gets any.

use super::extract::Query;
use crate::shared::Shared;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the node may take to answer. Guess.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) async fn livez() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(shared): State<Arc<Shared>>, query: Query) -> Response {
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, shared.node.with(|node, _| node.id()));
    let checks = [
        ("api", true),
        ("gossip", matches!(answer.await, Ok(Ok(_)))),
        ("staying", !shared.is_leaving.load(Ordering::Relaxed)),
    ];
    let is_ready = checks.iter().all(|(_, is_ok)| *is_ok);
    // An agent whose disk fails goes on in memory: it is ready all the same.
    let store = shared.store.as_ref().map(|store| ("store", store.counters().is_healthy()));
    let mut text = String::new();
    if query.get("verbose").is_some() || !is_ready {
        for (name, is_ok) in checks.into_iter().chain(store) {
            let (sign, word) = if is_ok { ('+', "ok") } else { ('-', "failed") };
            writeln!(text, "[{sign}]{name} {word}").expect("writing to a String cannot fail");
        }
    }
    text += match (is_ready, shared.is_leaving.load(Ordering::Relaxed)) {
        (true, _) => "ok\n",
        (false, true) => "draining\n",
        (false, false) => "not ready\n",
    };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text).into_response()
}
