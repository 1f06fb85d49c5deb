//! What handlers take from a request, with our own errors.

use super::problem::Problem;
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

/// The one variable part of the route's path, percent-decoded.
pub(super) struct PathText(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(error) => Err(Problem::bad_request(error.body_text())),
        }
    }
}

/// The value of a query's parameter: `Some("")` if it has none. Values are taken as they are,
/// since none that we know needs percent-encoding; `%2C` is a comma.
pub(super) struct Query(String);

impl Query {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| value.replace("%2C", ",").replace("%2c", ","))
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}
