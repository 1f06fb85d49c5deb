//! The API as an OpenAPI 3.1 document. It is written by hand; the tests hold every answer that
//! they get against it.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};

/// The document.
pub(crate) const DOCUMENT: &str = include_str!("../../openapi.json");

/// `GET /openapi.json`.
pub(super) async fn document() -> Response {
    let mut response = DOCUMENT.into_response();
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
