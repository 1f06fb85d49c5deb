//! Talks to an agent's HTTP API.

mod curl;
mod data;
mod events;
mod feed;
mod problem;
mod sse;
mod views;

pub(crate) use curl::quote;
pub(crate) use feed::{Feed, Told};
pub(crate) use views::{
    Change, Delivery, Item, Member, Named, Receipt, Snapshot, Subscription, Summary,
};

use crate::args::{Address, Connection, Data};
use crate::exit::{Exit, Failure};
use crate::out;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{self, Write as _};
use std::time::Duration;
use tokio::net::TcpStream;

/// The largest answer that is read, in bytes: a list of many thousand members. Guess.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One connection to an agent's API, opened when needed.
#[derive(Debug)]
pub(crate) struct Client {
    authority: Authority,
    token: Option<HeaderValue>,
    timeout: Duration,
    /// Requests are printed instead of sent.
    is_curl: bool,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// What is asked of an agent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    /// Where the body is to be read from.
    data: Option<Data>,
    is_stream: bool,
}

impl Ask {
    /// A request without headers and body.
    pub(crate) fn new(method: Method, target: impl Into<String>) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method, target: target.into(), headers, body, data: None, is_stream: false }
    }

    /// Reads something.
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    /// Sets the body to a JSON value.
    pub(crate) fn json(self, value: &Value) -> Self {
        let kind = HeaderValue::from_static("application/json");
        self.header(header::CONTENT_TYPE, kind).body(out::json_text(value))
    }

    /// Sets where the body is to be read from.
    pub(crate) fn data(mut self, data: Option<Data>) -> Self {
        self.data = data;
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The headers so far.
    #[cfg(test)]
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
}

/// What an agent answered, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Whether not all of it happened in time: 504.
    pub(crate) is_late: bool,
    /// The body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::not_understood(&error))
    }
}

impl Client {
    /// A client of the agent at `address`; nothing is connected yet.
    pub(crate) fn new(address: &Address, timeout: Duration) -> Result<Self, Failure> {
        let token = address.token.as_ref().map(|token| {
            HeaderValue::from_str(token)
                .map_err(|_| Failure::usage("the token has letters that no header may have"))
        });
        let mut token = token.transpose()?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        let (authority, is_curl) = (authority(&address.addr)?, address.curl);
        Ok(Self { authority, token, timeout, is_curl, sender: None })
    }

    /// As [`Client::new`].
    pub(crate) fn of(connection: &Connection) -> Result<Self, Failure> {
        Self::new(&connection.address, connection.timeout)
    }

    /// Where the agent is, for messages.
    pub(crate) fn addr(&self) -> &str {
        self.authority.as_str()
    }

    /// Whether requests are printed instead of sent.
    pub(crate) const fn is_curl(&self) -> bool {
        self.is_curl
    }

    /// Reads the body of a request that is said to be elsewhere, so that it can be sent more than
    /// once.
    pub(crate) async fn load(&self, mut ask: Ask) -> Result<Ask, Failure> {
        if !self.is_curl
            && let Some(data) = ask.data.take()
        {
            ask.body = data::read(data).await?;
        }
        Ok(ask)
    }

    /// Reads what the command line names.
    pub(crate) async fn read(&self, data: Data) -> Result<Bytes, Failure> {
        data::read(data).await
    }

    /// Asks, and reads the answer whole. A problem that the agent reports is a failure; 504 with
    /// a summary is not.
    pub(crate) async fn ask(&mut self, ask: Ask) -> Result<Answer, Failure> {
        let timeout = self.timeout;
        let whole = async {
            let response = self.start(ask).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| broken(self.addr(), &*error))?.to_bytes();
            // 504 is also the status of a summary that says less than was waited for.
            let is_told =
                parts.status == StatusCode::GATEWAY_TIMEOUT && !problem::is_problem(&parts.headers);
            if is_told || parts.status.is_success() {
                return Ok(Answer { is_late: is_told, body });
            }
            Err(problem::failure(parts.status, &body))
        };
        match tokio::time::timeout(timeout, whole).await {
            Ok(end) => end,
            Err(_) => {
                self.sender = None;
                let addr = self.addr();
                let text = format!("the agent at {addr} did not answer within {timeout:?}");
                Err(Failure::new(Exit::Incomplete, text))
            }
        }
    }

    /// Asks for JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, target: &str) -> Result<T, Failure> {
        self.ask(Ask::get(target)).await?.json()
    }

    /// Asks, and gives the answer while it comes.
    async fn start(&mut self, ask: Ask) -> Result<Response<Incoming>, Failure> {
        if self.is_curl {
            let line = curl::line(self.authority.as_str(), self.token.is_some(), &ask);
            writeln!(io::stdout(), "{line}")?;
            return Err(Failure::done());
        }
        let ask = self.load(ask).await?;
        let target: PathAndQuery = ask
            .target
            .parse()
            .map_err(|_| Failure::usage(format!("{:?} cannot stand in a request", ask.target)))?;
        let mut request = Request::new(Full::new(ask.body));
        *request.method_mut() = ask.method;
        *request.uri_mut() = target.into();
        *request.headers_mut() = ask.headers;
        let host = HeaderValue::from_str(self.authority.as_str())
            .map_err(|_| Failure::usage("--addr cannot stand in a header"))?;
        request.headers_mut().insert(header::HOST, host);
        if let Some(token) = &self.token {
            request.headers_mut().insert("bruit-token", token.clone());
        }
        self.connect().await?;
        let sender = self.sender.as_mut().expect("connected above");
        let sent = sender.send_request(request).await;
        sent.map_err(|error| {
            self.sender = None;
            broken(self.addr(), &error)
        })
    }

    /// Makes sure that there is a connection that takes a request.
    async fn connect(&mut self) -> Result<(), Failure> {
        if let Some(sender) = &mut self.sender
            && sender.ready().await.is_ok()
        {
            return Ok(());
        }
        let unreachable = |error: &dyn std::error::Error| {
            Failure::new(Exit::Unreachable, format!("no agent answers at {}", self.addr()))
                .detail(error.to_string())
                .hint("start one with `bruit agent`, or name another with --addr or BRUIT_ADDR")
        };
        let stream =
            TcpStream::connect(self.authority.as_str()).await.map_err(|e| unreachable(&e))?;
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
        // How it ends is told to whoever waits for an answer on it.
        tokio::spawn(async { drop(connection.await) });
        self.sender = Some(sender);
        Ok(())
    }
}

fn broken(addr: &str, error: &dyn std::error::Error) -> Failure {
    let text = format!("the agent at {addr} ended the connection before it had answered");
    Failure::new(Exit::Unreachable, text).detail(error.to_string())
}

/// `host`, `host:port` or `http://host:port`.
fn authority(text: &str) -> Result<Authority, Failure> {
    let bare = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let bad = |_| {
        Failure::usage(format!("--addr {text}: not an address"))
            .hint("write the one in the agent's ready line, such as 127.0.0.1:7070")
    };
    let authority: Authority = bare.parse().map_err(bad)?;
    if authority.port().is_some() {
        return Ok(authority);
    }
    format!("{bare}:{}", bruit_agent::API_PORT).parse().map_err(bad)
}

/// `text` as a part of a request's path: what cannot stand there is percent-encoded. `%` stays,
/// so that what is encoded already is not encoded again.
pub(crate) fn encode_path(text: &str) -> String {
    encode(text, b"-._~!$&'()*+,;=:@/%")
}

/// `text` as one segment of a request's path, or as one value of its query.
pub(crate) fn encode_segment(text: &str) -> String {
    encode(text, b"-._~*")
}

fn encode(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_lack_scheme_and_port() {
        for (text, expected) in [
            ("127.0.0.1:1", Some("127.0.0.1:1")),
            ("http://localhost:2/", Some("localhost:2")),
            ("[::1]:3", Some("[::1]:3")),
            ("10.0.0.1", Some("10.0.0.1:7070")),
            ("[::1]", Some("[::1]:7070")),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(authority(text).ok().as_ref().map(Authority::as_str), expected, "{text}");
        }
    }

    #[test]
    fn a_path_is_encoded_once() {
        assert_eq!(encode_path("/a b/é?#%20"), "/a%20b/%C3%A9%3F%23%20");
        assert_eq!(encode_path("cache/users/42"), "cache/users/42");
        assert_eq!(encode_segment("a/b ?&%é"), "a%2Fb%20%3F%26%25%C3%A9");
    }
}
