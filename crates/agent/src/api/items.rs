//! The items that the node holds.

use super::extract::{PathText, Query};
use super::json;
use super::problem::Problem;
use super::views::{ItemDetailView, ItemView, SummaryView};
use crate::shared::Shared;
use axum::extract::State;
use axum::response::Response;
use bruit_model::Item;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

/// How many items are listed if the caller does not say, and at most.
const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 1000;

/// The items held last, newest first.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    query: Query,
) -> Result<Response, Problem> {
    let limit = match query.get("limit") {
        None => LIMIT_DEFAULT,
        Some(text) => text.parse().ok().filter(|limit| *limit <= LIMIT_MAX).ok_or_else(|| {
            Problem::bad_request(format!("limit is a number from 0 to {LIMIT_MAX}"))
        })?,
    };
    Ok(json(StatusCode::OK, &newest(&shared, limit).await?))
}

/// The items held last, newest first.
pub(super) async fn newest(shared: &Shared, limit: usize) -> Result<Vec<ItemView>, Problem> {
    let items = shared.node.with(move |node, _| {
        let (held, _) = node.items().held();
        let shown = |item: &Arc<Item>| !item.path.as_str().starts_with('$');
        // The group's own items are few; twice the limit from the end finds enough others.
        let skipped = held.saturating_sub(limit.saturating_mul(2).saturating_add(100));
        let mut last: Vec<Arc<Item>> = node.items().iter().skip(skipped).filter(shown).collect();
        last.reverse();
        last.truncate(limit);
        last
    });
    Ok(items.await?.iter().map(|item| ItemView::new(item)).collect())
}

async fn find(shared: &Shared, id: &str) -> Result<Arc<Item>, Problem> {
    let wanted = id.to_ascii_uppercase();
    let found = shared.node.with(move |node, _| node.items().find(&wanted)).await?;
    // What is under `$` is the group's own, and may be secret.
    let found = found.filter(|item| !item.path.as_str().starts_with('$'));
    found.ok_or_else(|| {
        Problem::not_found(format!("no item {} is held here", id.escape_debug()))
            .hint("items are kept as long as their topic's retention says")
    })
}

/// One item.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let item = find(&shared, &id).await?;
    let receipts = shared.receipts.summary(item.id).map(|summary| {
        SummaryView::new(item.id.to_string(), item.path.as_str().to_owned(), &summary)
    });
    Ok(json(StatusCode::OK, &ItemDetailView::new(&item, receipts)))
}

/// An item's payload, never as something that a browser would run.
pub(super) async fn body(
    State(shared): State<Arc<Shared>>,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let item = find(&shared, &id).await?;
    let mut response = Response::new(item.payload.clone().into());
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
