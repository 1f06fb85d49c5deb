//! RFC 9457 problem details, as failures.

use crate::exit::{Exit, Failure};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
    hint: Option<String>,
}

/// Whether an answer says of itself that it reports a problem.
pub(super) fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
    kind.is_some_and(|kind| kind.starts_with(b"application/problem+json"))
}

/// An answer that is not a success.
pub(super) fn failure(status: StatusCode, body: &[u8]) -> Failure {
    let exit = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => {
            Exit::Denied
        }
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Exit::Incomplete,
        _ => Exit::Failed,
    };
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let text = match (problem.title.as_str(), problem.detail.as_str()) {
        ("", "") => format!("the agent answered {status}"),
        (title, "") => title.to_owned(),
        (_, detail) => detail.to_owned(),
    };
    let hint = match (problem.hint, status) {
        (Some(hint), _) => Some(hint),
        (None, StatusCode::UNAUTHORIZED) => Some("give it by --token or BRUIT_TOKEN".to_owned()),
        (None, _) => None,
    };
    let failure = Failure::new(exit, text);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_and_hint_are_said_and_the_status_is_the_exit_code() {
        let body = br#"{"title":"T","status":404,"detail":"no topic a","hint":"list them"}"#;
        let failure = failure(StatusCode::NOT_FOUND, body);
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.text().as_deref(), Some("error: no topic a\n  hint: list them"));
    }

    #[test]
    fn an_answer_of_another_program_is_a_failure_too() {
        let strange = failure(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(strange.text().as_deref(), Some("error: the agent answered 502 Bad Gateway"));
        assert_eq!(failure(StatusCode::FORBIDDEN, b"").exit, Exit::Denied);
        assert_eq!(failure(StatusCode::PAYLOAD_TOO_LARGE, b"").exit, Exit::Failed);
        let locked = failure(StatusCode::UNAUTHORIZED, b"{\"detail\":\"no token\"}");
        assert!(locked.text().unwrap().contains("--token"));
    }
}
