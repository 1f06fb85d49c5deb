//! What every request must pass: token, Host, Origin.
//!
//! A page in a browser on this machine can send requests to a loopback address. So the Host must
//! be one of this machine's own (a foreign name that resolves to loopback, "DNS rebinding", is
//! not), and what publishes or changes something must not come from another site.

use super::problem::Problem;
use crate::shared::{Shared, count};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderMap, Method, header};
use ring::digest::{SHA256, digest};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The header with the API's token.
const TOKEN: &str = "bruit-token";

pub(super) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let response = match check(&shared, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            count(&shared.counters.guarded);
            problem.into_response()
        }
    };
    count(answers_like(&shared.counters.answers, &response));
    response
}

fn answers_like<'a>(answers: &'a [AtomicU64; 5], response: &Response) -> &'a AtomicU64 {
    let place = usize::from(response.status().as_u16() / 100).clamp(1, 5) - 1;
    &answers[place]
}

fn check(shared: &Shared, request: &Request) -> Result<(), Problem> {
    let path = request.uri().path();
    if let Some(token) = &shared.reload.token()
        && !matches!(path, "/livez" | "/readyz")
        && !is_token(request.headers(), token)
    {
        return Err(Problem::unauthorized("the Bruit-Token header is missing or wrong"));
    }
    let host = host(request)?;
    if shared.facts.is_api_loopback
        && let Some(host) = &host
        && !is_this_machine(host.host())
    {
        let host = host.as_str().escape_debug();
        return Err(Problem::misdirected(format!("the Host is {host}, not this machine"))
            .hint("call 127.0.0.1, [::1] or localhost; a replayed Host is given by Bruit-Host"));
    }
    let is_replay = path == "/all" || path.starts_with("/all/");
    // What is read there is gone, and a page may open a WebSocket to any site.
    let is_taking = path.starts_with("/v1/subscriptions/") && path.ends_with("/stream");
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_replay || is_taking || !reads {
        check_site(request.headers(), host.as_ref())
    } else {
        Ok(())
    }
}

/// Compares hashes, so that the time taken says nothing of the token.
fn is_token(headers: &HeaderMap, token: &str) -> bool {
    let Some(given) = headers.get(TOKEN) else { return false };
    let given = digest(&SHA256, given.as_bytes());
    let wanted = digest(&SHA256, token.as_bytes());
    let pairs = given.as_ref().iter().zip(wanted.as_ref());
    pairs.fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

/// Whom the request is for; `None` only of callers that know no Host (HTTP/1.0).
fn host(request: &Request) -> Result<Option<Authority>, Problem> {
    if let Some(authority) = request.uri().authority() {
        return Ok(Some(authority.clone()));
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => Ok(None),
        (Some(host), None) => Authority::try_from(host.as_bytes())
            .map(Some)
            .map_err(|_| Problem::bad_request("the Host header is malformed")),
        (Some(_), Some(_)) => Err(Problem::bad_request("more than one Host header")),
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Refuses what a page of another site sends.
fn check_site(headers: &HeaderMap, host: Option<&Authority>) -> Result<(), Problem> {
    const HINT: &str = "pages of other sites may not publish or change anything here";
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if site == Some(b"cross-site") {
        return Err(Problem::forbidden("Sec-Fetch-Site is cross-site").hint(HINT));
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let authority = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, authority)| authority);
    match (authority, host) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host.as_str()) => Ok(()),
        (Some(_) | None, _) => Err(Problem::forbidden("the Origin is not this agent").hint(HINT)),
    }
}
