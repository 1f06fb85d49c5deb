//! `GET /v1/subscriptions/{name}/stream`: the items of a subscription with mode `stream`, to
//! whoever is connected.
//!
//! Over server-sent events an item is done when all its bytes were handed to the connection: at
//! least once as far as the socket, and what a reader does with them is not known. Over WebSocket
//! it is done when the reader says so. What was given out and is not done when a connection ends
//! goes back to the queue. Several readers of one subscription share its items: each item goes
//! to one of them.
//!
//! As many items are out at a time as the subscription's concurrency allows, to all readers
//! together. A reader has the subscription's timeout for each, one after the other in the order in
//! which they were given; one that takes longer is cut off.

mod frames;
mod out;
mod socket;
mod sse;

use super::extract::PathText;
use super::payload::Payload;
use super::problem::Problem;
use super::server::Slot;
use super::subscriptions::no_local;
use super::views::{ItemView, all_headers};
use crate::delivery::{Mode, Reader};
use crate::shared::Shared;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::Response;
use bruit_model::Item;
use http::header;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// After how long without an item something else is sent, so that both ends notice a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One who reads.
struct Session {
    reader: Reader,
    /// How long a reader may take for an item.
    patience: Duration,
    slot: Arc<Slot>,
}

/// An item as its consumer gets it: whole, and nothing hidden.
#[derive(Serialize)]
struct StreamItemView<'a> {
    #[serde(flatten)]
    item: ItemView,
    headers: Vec<(String, String)>,
    #[serde(flatten)]
    payload: Payload<'a>,
}

/// The JSON of an item.
fn text_of(item: &Item) -> String {
    let view = StreamItemView {
        item: ItemView::new(item),
        headers: all_headers(item).collect(),
        payload: Payload::of(&item.payload),
    };
    serde_json::to_string(&view).expect("a view has string keys and finite numbers")
}

pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    PathText(name): PathText,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let upgrade = if parts.headers.contains_key(header::UPGRADE) {
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
        Some(upgrade.map_err(|error| Problem::bad_request(error.body_text()))?)
    } else {
        None
    };
    let slot = parts.extensions.get::<Arc<Slot>>().map(Arc::clone);
    let slot = slot.ok_or_else(|| Problem::unavailable("the connection is closing"))?;
    let subscription = shared.delivery.get(&name).ok_or_else(|| no_local(&name))?;
    let Some(reader) = shared.delivery.open_stream(&name) else {
        return Err(no_stream(&name, &subscription.mode));
    };
    let session = Session { reader, patience: subscription.policy.timeout, slot };
    Ok(match upgrade {
        None => sse::answer(session),
        Some(upgrade) => socket::answer(upgrade, session),
    })
}

fn no_stream(name: &str, mode: &Mode) -> Problem {
    let name = name.escape_debug();
    Problem::conflict(format!("the items of {name} go elsewhere: its mode is {}", mode.word()))
        .hint("make a subscription with \"mode\": \"stream\"")
}
