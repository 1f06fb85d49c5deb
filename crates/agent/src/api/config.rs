//! The settings: what holds, what a reload would change, the reload.

use super::json;
use super::problem::Problem;
use crate::reload::{self, ReloadError};
use crate::shared::Shared;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// All settings with their origins. Secrets are not among them, only the paths of their files.
pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let settings = reload::shown(&shared).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({ "settings": settings })))
}

/// What a reload would change.
pub(super) async fn diff(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let differences = reload::differences(&shared).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({ "changes": differences })))
}

/// Reads the settings again.
pub(super) async fn reload(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &reload::reload(&shared).await?))
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        let text = error.to_string();
        match error {
            ReloadError::Stopped => Self::unavailable(text),
            ReloadError::Settings(_) | ReloadError::Token(_) | ReloadError::Refused(_) => {
                Self::unprocessable(text)
                    .hint("the settings hold that held before; correct this and reload again")
            }
        }
    }
}
