//! Errors as RFC 9457 problem details.

use crate::subscriptions::Refused;
use axum::response::{IntoResponse, Response};
use bruit_model::CommandError;
use bruit_runtime::Stopped;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// An error answer: `application/problem+json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    /// A name for the kind of problem, a URN.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened this time.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip)]
    retry_after: bool,
}

/// Kinds of problems: the last part of the URN, title, status.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $title:literal, $status:ident;)*) => {
        impl Problem {
            $($(#[$doc])*
            pub(crate) fn $name(detail: impl Into<String>) -> Self {
                Self::new($word, $title, StatusCode::$status, detail.into())
            })*
        }
    };
}

kinds! {
    /// The request breaks a rule.
    bad_request = "bad-request", "The request cannot be understood", BAD_REQUEST;
    /// No or a wrong token.
    unauthorized = "unauthorized", "A token is needed", UNAUTHORIZED;
    /// Refused on grounds of where it comes from.
    forbidden = "forbidden", "The request is not allowed", FORBIDDEN;
    /// There is no such thing.
    not_found = "not-found", "There is no such thing", NOT_FOUND;
    /// The route does not take the method.
    method_not_allowed =
        "method-not-allowed", "The route does not take this method", METHOD_NOT_ALLOWED;
    /// It is understood and cannot be used.
    unprocessable = "unprocessable", "It cannot be used", UNPROCESSABLE_ENTITY;
    /// It is not the caller's to change.
    conflict = "conflict", "Something else decides this", CONFLICT;
    /// The body took too long.
    timeout = "request-timeout", "The request did not arrive in time", REQUEST_TIMEOUT;
    /// Over a limit.
    too_large = "too-large", "The request is over a limit", PAYLOAD_TOO_LARGE;
    /// The Host is not this agent.
    misdirected = "misdirected", "The Host is not this agent", MISDIRECTED_REQUEST;
    /// A replayed request came back.
    loop_detected = "loop", "A replayed request is not spread again", LOOP_DETECTED;
    /// A queue is full, or the agent is on its way out.
    unavailable = "unavailable", "Not at the moment", SERVICE_UNAVAILABLE;
    /// The network has no such thing.
    unsupported = "unsupported", "The network cannot do that", NOT_IMPLEMENTED;
}

impl Problem {
    fn new(word: &str, title: &'static str, status: StatusCode, detail: String) -> Self {
        let kind = format!("urn:bruit:problem:{word}");
        let retry_after = status == StatusCode::SERVICE_UNAVAILABLE;
        Self { kind, title, status: status.as_u16(), detail, hint: None, retry_after }
    }

    /// Goes on with what happened.
    pub(crate) fn more(mut self, detail: &str) -> Self {
        self.detail += detail;
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Stopped> for Problem {
    fn from(_: Stopped) -> Self {
        Self::unavailable("the agent is stopping")
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        let (detail, hint) = match text.split_once("; ") {
            Some((detail, hint)) => (detail, Some(hint)),
            None => (&*text, None),
        };
        let problem = match refused {
            Refused::Spec(_) => Self::bad_request(detail),
            Refused::OfSettings(_) => Self::conflict(detail),
            Refused::NotAllowed(_) => Self::forbidden(detail),
            Refused::Unknown(_) => Self::not_found(detail),
            Refused::Announce(_) => Self::too_large(detail),
            Refused::Stopped => Self::unavailable(detail),
        };
        match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let text = error.to_string();
        match error {
            CommandError::TooLarge { .. } => Self::too_large(text),
            CommandError::UnknownMember(_) => Self::not_found(text),
            CommandError::Leaving | CommandError::Busy(_) => Self::unavailable(text),
            CommandError::Unsupported => Self::unsupported(text),
            CommandError::Invalid(_) | _ => Self::bad_request(text),
        }
    }
}
