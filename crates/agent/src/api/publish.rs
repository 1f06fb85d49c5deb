//! `/all/…` and `/topics/…`: an item is published, and the caller told who got it if it asks.

use super::problem::Problem;
use super::views::{AcceptedBatchView, AcceptedView, SummaryView};
use super::{body, json};
use crate::delivery::{LOOP_GUARD, Published, recognise};
use crate::receipts::{self, TIMEOUT_DEFAULT, TIMEOUT_MAX, Wait, Want, parse_duration};
use crate::shared::{Shared, count};
use crate::store::{Expected, Store};
use axum::extract::{Request, State};
use axum::response::Response;
use bruit_model::{
    Command, CommandError, Header, ItemId, Node, Now, Path, PathError, Pattern, Publish, Reply,
    meta,
};
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer waits for the disk. A disk that takes longer stores the item all the same,
/// unless it fails. Guess.
const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// How many events of a batch are published before others get a turn. Guess.
const BATCH_AT_ONCE: usize = 64;

/// `ANY /all/{path}`: the request itself is the item.
pub(super) async fn all(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    refuse_loop(&shared, &parts.headers)?;
    let options = Options::parse(&parts.headers)?;
    let whole = parts.uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let target = whole.strip_prefix("/all").unwrap_or_default();
    let path = item_path(target.split('?').next().unwrap_or_default())?;
    if parts.method == Method::CONNECT {
        return Err(Problem::bad_request("CONNECT cannot be replayed"));
    }
    let mut headers = vec![ours(meta::METHOD, parts.method.as_str()), ours(meta::TARGET, target)];
    headers.extend(options.host.as_deref().map(|host| ours(meta::HOST, host)));
    headers.extend(carried(&parts.headers));
    let waits = parts.headers.contains_key(header::EXPECT);
    let payload = body::read(&shared, body, waits).await?;
    publish(&shared, path, headers, payload, options).await
}

/// `POST /topics/{path}`: the body is an event, or a batch of `CloudEvents`.
pub(super) async fn topic(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    refuse_loop(&shared, &parts.headers)?;
    let options = Options::parse(&parts.headers)?;
    let path = item_path(parts.uri.path().strip_prefix("/topics").unwrap_or_default())?;
    let mut headers: Vec<Header> = Vec::new();
    headers.extend(options.host.as_deref().map(|host| ours(meta::HOST, host)));
    headers.extend(carried(&parts.headers));
    let waits = parts.headers.contains_key(header::EXPECT);
    let payload = body::read(&shared, body, waits).await?;
    let recognised = recognise(&headers, &payload).map_err(|error| {
        Problem::bad_request(error.to_string())
            .hint("without ce-specversion, or with another Content-Type, it is no CloudEvent")
    })?;
    match recognised {
        Published::Plain | Published::Event => {
            publish(&shared, path, headers, payload, options).await
        }
        Published::Batch(events) => publish_batch(&shared, path, events, options).await,
    }
}

/// What the caller asks of us, by `Bruit-*` headers.
struct Options {
    host: Option<String>,
    want: Option<Want>,
    timeout: Duration,
    topic: Option<Pattern>,
}

impl Options {
    fn parse(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: &'static str| -> Result<Option<&str>, Problem> {
            let bad = |_| Problem::bad_request(format!("the {name} header is not text"));
            headers.get(name).map(HeaderValue::to_str).transpose().map_err(bad)
        };
        let bad = |name: &str, value: &str, hint: &str| {
            let value = value.escape_debug();
            Problem::bad_request(format!("{name}: {value} is not understood")).hint(hint)
        };
        let wait = text("bruit-wait")?.map(|value| {
            Want::parse(value).ok_or_else(|| bad("Bruit-Wait", value, "write all, 3 or 75%"))
        });
        let timeout = text("bruit-timeout")?.map(|value| {
            parse_duration(value)
                .filter(|timeout| *timeout <= TIMEOUT_MAX)
                .ok_or_else(|| bad("Bruit-Timeout", value, "write 500ms, 2s or at most 5m"))
        });
        let topic = text("bruit-topic")?.map(|value| {
            Pattern::parse(value).map_err(|error| bad("Bruit-Topic", value, &error.to_string()))
        });
        let host = text("bruit-host")?.map(|value| {
            let is_host = value.parse::<Authority>().is_ok_and(|_| !value.contains('@'));
            let hint = "write a host such as www.example.org";
            if is_host { Ok(value.to_owned()) } else { Err(bad("Bruit-Host", value, hint)) }
        });
        Ok(Self {
            host: host.transpose()?,
            want: wait.transpose()?,
            timeout: timeout.transpose()?.unwrap_or(TIMEOUT_DEFAULT),
            topic: topic.transpose()?,
        })
    }
}

fn refuse_loop(shared: &Shared, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(item) = headers.get(LOOP_GUARD) else { return Ok(()) };
    count(&shared.counters.loops);
    let item = String::from_utf8_lossy(item.as_bytes()).escape_debug().to_string();
    Err(Problem::loop_detected(format!("this is a replay of item {item}, spread already"))
        .hint("the service sends the requests that it gets from the agent back to the agent"))
}

fn item_path(text: &str) -> Result<Path, Problem> {
    let path =
        Path::parse(text.strip_prefix('/').unwrap_or(text)).map_err(|error| match error {
            PathError::TooLong => Problem::too_large(error.to_string()),
            PathError::Empty | PathError::Control => Problem::bad_request(error.to_string()),
        })?;
    if path.as_str().starts_with('$') {
        return Err(Problem::bad_request("paths that start with $ are reserved"));
    }
    if let Some(segment) = path.as_str().split('/').find(|segment| is_dots(segment)) {
        let segment = segment.escape_debug();
        return Err(Problem::bad_request(format!("the path has a segment {segment}"))
            .hint("name the path that is meant; curl needs --path-as-is to send such a one"));
    }
    Ok(path)
}

/// Whether a segment means "this one" or "the one above" (RFC 3986, 5.2.4), also as some servers
/// read it: percent-encoded, or before a `;`. A subscription's pattern selects the path as it is
/// written, and the consumer would be asked for another one.
fn is_dots(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or_default();
    let dots = name.replace("%2e", ".").replace("%2E", ".");
    matches!(&*dots, "." | "..")
}

fn ours(name: &'static str, value: &str) -> Header {
    Header { name: name.into(), value: Bytes::copy_from_slice(value.as_bytes()) }
}

/// The headers that go with the item: all but those for this agent and this connection.
fn carried(headers: &HeaderMap) -> impl Iterator<Item = Header> {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let stays =
        move |name: &HeaderName| is_for_the_agent(name) || named.contains(&name.as_str().into());
    headers.iter().filter(move |(name, _)| !stays(name)).map(|(name, value)| Header {
        name: name.as_str().into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    })
}

/// Hop-by-hop fields (RFC 9110, 7.6.1), the exchange's own, and ours.
fn is_for_the_agent(name: &HeaderName) -> bool {
    const NAMES: [&str; 11] = [
        "connection",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name.as_str()) || name.as_str().starts_with("bruit-")
}

/// The item was accepted.
struct Accepted {
    id: ItemId,
    wait: Option<Wait>,
    /// What to tell if nobody is expected to get it.
    hint: Option<String>,
    /// Tells when it is on disk.
    stored: Option<Expected>,
}

enum Refused {
    Full,
    Command(CommandError),
    NotAccepted,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::unavailable("too many callers wait for receipts; try again"),
            Refused::Command(error) => error.into(),
            Refused::NotAccepted => Self::unsupported("this network accepts no items"),
        }
    }
}

async fn publish(
    shared: &Shared,
    path: Path,
    headers: Vec<Header>,
    payload: Bytes,
    options: Options,
) -> Result<Response, Problem> {
    let item = item(&path, options.topic, headers, payload);
    let accepted = accept(shared, item, options.want, options.timeout).await?;
    let id = accepted.id.to_string();
    let id_header = HeaderValue::try_from(&id).expect("a printable id is ASCII");
    let location = format!("/v1/items/{id}");
    let mut response = if let Some(wait) = accepted.wait {
        let summary = wait.until(options.timeout).await;
        let mut view = SummaryView::new(id, path.as_str().to_owned(), &summary);
        view.hint = accepted.hint;
        let status = if view.met { StatusCode::OK } else { StatusCode::GATEWAY_TIMEOUT };
        json(status, &view)
    } else {
        let stored = is_stored(vec![accepted.stored]).await;
        json(StatusCode::ACCEPTED, &accepted_view(shared, id, &path, stored))
    };
    let headers = response.headers_mut();
    headers.insert("bruit-item-id", id_header);
    let location = HeaderValue::try_from(location).expect("a printable id is ASCII");
    headers.insert(header::LOCATION, location);
    Ok(response)
}

/// Waits until items are on disk; whether all are.
async fn is_stored(items: Vec<Option<Expected>>) -> bool {
    let all = async {
        let mut all = true;
        for item in items {
            all &= match item {
                Some(item) => item.kept().await,
                None => false,
            };
        }
        all
    };
    tokio::time::timeout(STORE_PATIENCE, all).await.unwrap_or(false)
}

fn item(path: &Path, topic: Option<Pattern>, headers: Vec<Header>, payload: Bytes) -> Publish {
    let path = path.clone();
    Publish { path, topic, headers, payload, style: None, expiry: None, ask: None }
}

/// Publishes each event of a batch, in their order. The first that is refused ends it.
async fn publish_batch(
    shared: &Shared,
    path: Path,
    events: Vec<(Vec<Header>, Bytes)>,
    options: Options,
) -> Result<Response, Problem> {
    if options.want.is_some() {
        return Err(Problem::bad_request("a batch cannot be waited for")
            .hint("send each event by itself, or leave Bruit-Wait out"));
    }
    let count = events.len();
    let mut ids: Vec<String> = Vec::with_capacity(count);
    let mut on_disk = Vec::with_capacity(count);
    let mut events = events.into_iter();
    while ids.len() < count {
        let items: Vec<Publish> = events
            .by_ref()
            .take(BATCH_AT_ONCE)
            .map(|(headers, payload)| item(&path, options.topic.clone(), headers, payload))
            .collect();
        let store = shared.store.clone();
        let (accepted, refused) =
            shared.node.with(move |node, now| accept_all(node, now, items, store.as_ref())).await?;
        for (id, stored) in accepted {
            ids.push(id.to_string());
            on_disk.push(stored);
        }
        if let Some(refused) = refused {
            let accepted = ids.len();
            let done = format!("; the first {accepted} of {count} events were accepted");
            return Err(Problem::from(refused).more(if accepted > 0 { &done } else { "" }));
        }
    }
    let stored = is_stored(on_disk).await;
    let AcceptedView { path, subscribers, hint, .. } =
        accepted_view(shared, String::new(), &path, stored);
    Ok(json(StatusCode::ACCEPTED, &AcceptedBatchView { ids, path, stored, subscribers, hint }))
}

fn accept_all(
    node: &mut dyn Node,
    now: Now,
    items: Vec<Publish>,
    store: Option<&Arc<Store>>,
) -> (Vec<(ItemId, Option<Expected>)>, Option<Refused>) {
    let mut accepted = Vec::with_capacity(items.len());
    for item in items {
        match node.handle_command(now, Command::Publish(item)) {
            Ok(Reply::Accepted(id)) => {
                accepted.push((id, store.and_then(|store| store.expect(id))));
            }
            Ok(_) => return (accepted, Some(Refused::NotAccepted)),
            Err(error) => return (accepted, Some(Refused::Command(error))),
        }
    }
    (accepted, None)
}

fn accepted_view(shared: &Shared, id: String, path: &Path, stored: bool) -> AcceptedView {
    let subscribers = shared.announced.count(path);
    let hint = (subscribers == 0).then(|| shared.announced.close_to(path));
    let path = path.as_str().to_owned();
    AcceptedView { id, path, stored, subscribers, hint }
}

/// Publishes, and counts receipts from before the first can come.
async fn accept(
    shared: &Shared,
    mut item: Publish,
    want: Option<Want>,
    timeout: Duration,
) -> Result<Accepted, Problem> {
    let (receipts, store) = (Arc::clone(&shared.receipts), shared.store.clone());
    let accepted = shared.node.with(move |node, now| {
        let mut hint = None;
        let expected = want.map(|want| {
            let members = node.members(now);
            let pairs = receipts::expected(&*members, &item.path);
            if pairs.is_empty() {
                hint = Some(receipts::close_patterns(&*members, &item.path));
            }
            (want, pairs)
        });
        if let Some((_, pairs)) = &expected {
            receipts.check_room(pairs.len()).map_err(|receipts::Full| Refused::Full)?;
            item.ask = (!pairs.is_empty()).then(|| receipts::ask(timeout));
        }
        let reply = node.handle_command(now, Command::Publish(item));
        let Reply::Accepted(id) = reply.map_err(Refused::Command)? else {
            return Err(Refused::NotAccepted);
        };
        let wait = expected.map(|(want, pairs)| receipts.track(id, pairs, want));
        // Before the item is told of, and so offered and stored.
        let stored = store.and_then(|store| store.expect(id));
        Ok(Accepted { id, wait, hint, stored })
    });
    Ok(accepted.await??)
}
