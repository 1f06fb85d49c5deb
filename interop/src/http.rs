//! A tiny HTTP client: one request, one connection, the target exactly as it is written.

use crate::trouble::{During as _, Trouble};
use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a whole exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header as text; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A request, as it is to stand on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// Path and query, byte for byte.
    pub(crate) target: &'a str,
    /// Headers; `Host` and `Connection` are added.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Sends a request to `to`, its address being the Host.
///
/// # Errors
/// No answer came, or not the whole of it.
pub(crate) async fn call(to: SocketAddr, call: &Call<'_>) -> Result<Answer, Trouble> {
    exchange(to, &to.to_string(), call).await
}

/// Sends `GET target` with `Host: host` to `to`.
///
/// # Errors
/// No answer came, or not the whole of it.
pub(crate) async fn get(to: SocketAddr, host: &str, target: &str) -> Result<Answer, Trouble> {
    exchange(to, host, &Call { method: "GET", target, headers: Vec::new(), body: Vec::new() }).await
}

async fn exchange(to: SocketAddr, host: &str, call: &Call<'_>) -> Result<Answer, Trouble> {
    let what = format!("{} {} of {host} at {to}", call.method, call.target);
    let exchange = async {
        let stream = TcpStream::connect(to).await.during(&what)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.during(&what)?;
        // Its error, if any, is that of the exchange.
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(call.method).uri(call.target);
        for (name, value) in [(HOST.as_str(), host), (CONNECTION.as_str(), "close")] {
            request = request.header(name, value);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<Bytes>::from(call.body.clone())).during(&what)?;
        let (head, body) = sender.send_request(request).await.during(&what)?.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.during(&what)?.to_bytes();
        connection.abort();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    };
    timeout(PATIENCE, exchange).await.during(&what)?
}

/// Gets JSON from the API of an agent.
///
/// # Errors
/// No answer came, or another than 200 with JSON.
pub(crate) async fn get_json(api: SocketAddr, target: &str) -> Result<Value, Trouble> {
    let answer = get(api, &api.to_string(), target).await?;
    if answer.status != 200 {
        let body = String::from_utf8_lossy(&answer.body);
        return Err(Trouble::new(format!("{target} answered {}: {body}", answer.status)));
    }
    serde_json::from_slice(&answer.body).during(target)
}
