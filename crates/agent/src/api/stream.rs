//! One stream of server-sent events with everything that changes.
//!
//! It starts with a `snapshot`, then `change`s follow, each with its `id`. A client that comes
//! back with `Last-Event-ID` gets what it missed; if that is not kept, or if it reads too
//! slowly, it gets a `gap` and a new `snapshot`. A change may repeat what the snapshot before it
//! has: each carries its object whole.

use super::extract::Query;
use super::problem::Problem;
use super::views::{GapView, SnapshotView};
use super::{items, members};
use crate::changes::{Kind, Read};
use crate::delivery::{DeliveryState, Wanted};
use crate::shared::Shared;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// After how long without a change a comment is sent, so that both ends notice a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many changes are written at a time. Guess.
const BATCH: usize = 64;
/// How many items a snapshot has.
const ITEMS: usize = 50;

/// All dead letters.
const fn dead_letters() -> Wanted {
    Wanted { state: Some(DeliveryState::Failed), subscription: None, limit: usize::MAX }
}

pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kinds = kinds(query.get("types").as_deref())?;
    let resumed = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse::<u64>().ok())
        .map(|id| id.saturating_add(1));
    let watcher = Watcher {
        watch: shared.changes.watch(),
        next: resumed.unwrap_or_default(),
        wants_snapshot: resumed.is_none(),
        shared,
        kinds,
    };
    let frames = futures_util::stream::unfold(watcher, |mut watcher| async move {
        let frame = watcher.frame().await?;
        Some((Ok::<_, Infallible>(Bytes::from(frame)), watcher))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn kinds(types: Option<&str>) -> Result<Vec<Kind>, Problem> {
    let Some(types) = types.filter(|types| !types.is_empty()) else {
        return Ok(Kind::ALL.to_vec());
    };
    let parse = |word: &str| {
        Kind::parse(word).ok_or_else(|| {
            let word = word.escape_debug();
            Problem::bad_request(format!("no type {word}"))
                .hint("types are member, item, delivery and subscription")
        })
    };
    types.split(',').map(parse).collect()
}

struct Watcher {
    shared: Arc<Shared>,
    kinds: Vec<Kind>,
    watch: watch::Receiver<u64>,
    next: u64,
    wants_snapshot: bool,
}

impl Watcher {
    /// The next piece of the stream; `None` at its end.
    async fn frame(&mut self) -> Option<String> {
        if self.wants_snapshot {
            return self.snapshot().await;
        }
        loop {
            match self.shared.changes.read(self.next, BATCH) {
                Read::Gap(next) => {
                    self.wants_snapshot = true;
                    let gap = serde_json::to_string(&GapView { wanted: self.next, next });
                    return Some(format!("event: gap\ndata: {}\n\n", gap.ok()?));
                }
                Read::Changes(changes) => {
                    let mut text = String::new();
                    for change in changes {
                        self.next = change.id + 1;
                        if self.kinds.contains(&change.kind) {
                            let (id, json) = (change.id, &change.json);
                            write!(text, "event: change\nid: {id}\ndata: {json}\n\n")
                                .expect("writing to a String cannot fail");
                        }
                    }
                    if !text.is_empty() {
                        return Some(text);
                    }
                }
            }
            if self.next < self.shared.changes.next_id() {
                continue;
            }
            match tokio::time::timeout(HEARTBEAT, self.watch.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(": still here\n\n".to_owned()),
            }
        }
    }

    async fn snapshot(&mut self) -> Option<String> {
        // The place first: what changes while the snapshot is taken then follows it.
        let next = self.shared.changes.next_id();
        let shared = &self.shared;
        let mut view = SnapshotView::default();
        for kind in &self.kinds {
            match kind {
                Kind::Member => view.members = Some(members::all(shared).await.ok()?),
                Kind::Item => view.items = Some(items::newest(shared, ITEMS).await.ok()?),
                Kind::Delivery => {
                    view.dead_letters = Some(shared.delivery.deliveries(&dead_letters()))
                }
                Kind::Subscription => view.subscriptions = Some(shared.delivery.snapshot()),
            }
        }
        self.next = next;
        self.wants_snapshot = false;
        let id = next.saturating_sub(1);
        let json = serde_json::to_string(&view).ok()?;
        Some(format!("event: snapshot\nid: {id}\ndata: {json}\n\n"))
    }
}
