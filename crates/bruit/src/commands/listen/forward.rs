//! Replays items to an address, as the agent replays them to its service.

use super::Done;
use crate::client::{Item, encode_path};
use crate::out;
use bruit_agent::delivery::{Endpoint, LOOP_GUARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long the service may take to answer: the default of subscriptions.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes. Guess.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What the agent shows in place of a secret.
const HIDDEN: &str = "(hidden)";

/// Where items are replayed to.
#[derive(Debug)]
pub(super) struct Forward {
    to: Endpoint,
    is_hiding_told: bool,
}

impl Forward {
    pub(super) const fn new(to: Endpoint) -> Self {
        Self { to, is_hiding_told: false }
    }

    /// Replays an item, once.
    pub(super) async fn send(
        &mut self,
        item: &Item,
        headers: &[(String, String)],
        body: &Bytes,
    ) -> Done {
        if headers.iter().any(|(_, value)| value == HIDDEN)
            && !std::mem::replace(&mut self.is_hiding_told, true)
        {
            out::tell("note: headers with secrets are hidden by the agent, and not forwarded");
        }
        let begin = Instant::now();
        let end = match self.request(item, headers, body) {
            Ok(request) => {
                let answer = tokio::time::timeout(ANSWER_TIMEOUT, self.exchange(request)).await;
                answer.unwrap_or_else(|_| Err(format!("no answer within {ANSWER_TIMEOUT:?}")))
            }
            Err(error) => Err(error),
        };
        let after_ms = begin.elapsed().as_secs_f64() * 1000.0;
        let after = out::millis(after_ms);
        match end {
            Ok(status) => Done {
                text: format!("{status} after {after}"),
                value: (
                    "forwarded",
                    json!({ "status": status, "error": null, "after_ms": after_ms }),
                ),
                is_good: (200..300).contains(&status),
            },
            Err(error) => Done {
                text: error.clone(),
                value: (
                    "forwarded",
                    json!({ "status": null, "error": error, "after_ms": after_ms }),
                ),
                is_good: false,
            },
        }
    }

    /// The request that the item was, or the `POST` that an event becomes.
    fn request(
        &self,
        item: &Item,
        headers: &[(String, String)],
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, String> {
        let method = item.method.as_deref().unwrap_or("POST");
        let method: Method = method.parse().map_err(|_| format!("no method {method}"))?;
        let target = match &item.target {
            Some(target) => target.clone(),
            None => format!("/{}", encode_path(&item.path)),
        };
        let target = format!("{}{target}", self.to.prefix());
        let host = item.rest.get("host").and_then(|host| host.as_str());
        let host = host.unwrap_or(self.to.authority());
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| "a header is malformed".to_owned())
        };
        let mut map = HeaderMap::with_capacity(headers.len() + 2);
        map.insert(header::HOST, value(host)?);
        for (name, text) in headers.iter().filter(|(_, text)| text != HIDDEN) {
            let name: HeaderName = name.parse().map_err(|_| "a header is malformed".to_owned())?;
            if name != header::HOST && name != header::CONTENT_LENGTH {
                map.append(name, value(text)?);
            }
        }
        map.insert(HeaderName::from_static(LOOP_GUARD), value(&item.id)?);
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().map_err(|_| format!("{target} is no target"))?;
        *request.headers_mut() = map;
        Ok(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<u16, String> {
        let to = &self.to;
        let unreachable =
            |error: &dyn std::error::Error| format!("no answer from {}: {error}", to.authority());
        let bare = to.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare, to.port())).await.map_err(|e| unreachable(&e))?;
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
        // How it ends is told to whoever waits for the answer.
        tokio::spawn(async { drop(connection.await) });
        let response: Response<Incoming> =
            sender.send_request(request).await.map_err(|error| unreachable(&error))?;
        let status = response.status().as_u16();
        // Read to its end, so that the service is not cut off in its answer.
        drop(Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await);
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(event: bool) -> Item {
        let mut value = json!({
            "id": "ID", "origin": "00", "path": "cache/of ours", "method": "PURGE",
            "target": "/cache/of%20ours?b=1", "payload_bytes": 3, "host": "www.example.test",
            "accepted_unix_ms": 1_700_000_000_204_u64,
        });
        if event {
            for name in ["method", "target", "host"] {
                value.as_object_mut().unwrap().remove(name);
            }
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_item_becomes_the_request_that_it_was() {
        let forward = Forward::new("http://127.0.0.1:8080/prefix".parse().unwrap());
        let headers = [("x-a", "1"), ("x-a", "2"), ("authorization", HIDDEN), ("host", "old")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = forward.request(&item(false), &headers, &Bytes::from_static(b"abc")).unwrap();
        assert_eq!(request.method(), "PURGE");
        assert_eq!(request.uri(), "/prefix/cache/of%20ours?b=1");
        let fields: Vec<(&str, &[u8])> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let expected: [(&str, &[u8]); 4] =
            [("host", b"www.example.test"), ("x-a", b"1"), ("x-a", b"2"), ("bruit-item", b"ID")];
        assert_eq!(fields, expected);
    }

    #[test]
    fn an_event_becomes_a_post_to_its_path() {
        let forward = Forward::new("http://127.0.0.1:8080".parse().unwrap());
        let request = forward.request(&item(true), &[], &Bytes::new()).unwrap();
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/cache/of%20ours"));
        assert_eq!(request.headers()[header::HOST], "127.0.0.1:8080");
    }
}
