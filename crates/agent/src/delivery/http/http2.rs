//! A connection that speaks HTTP/2 with prior knowledge, shared by all requests to a consumer.

use super::connection::connect;
use super::{Answer, AttemptError, drain, retry_after};
use crate::delivery::Endpoint;
use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use hyper::body::Body;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// A task that ends with its owner.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection; it is closed when the last clone is dropped.
#[derive(Clone)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    endpoint: Endpoint,
    driver: Arc<Driver>,
}

/// The shared connection, once there is one.
#[derive(Default)]
pub(in crate::delivery) struct Http2Cell(Mutex<Option<Box<Connection>>>);

impl Http2Cell {
    /// Sends a request and reads the answer. Where the consumer says that it did not take the
    /// request up, since it is closing the connection, it goes to a new one.
    pub(in crate::delivery) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        endpoint: &Endpoint,
    ) -> Result<Answer, AttemptError> {
        let mut request = with_authority(request, endpoint);
        let mut is_second = false;
        loop {
            let mut connection = self.connection(endpoint).await?;
            let sent = connection.sender.try_send_request(request).await;
            let response = match sent {
                Ok(response) => response,
                Err(mut error) => {
                    self.forget(&connection).await;
                    match error.take_message() {
                        Some(unsent) if !is_second => request = unsent,
                        Some(_) | None => return Err(AttemptError::Broken(error.into_error())),
                    }
                    is_second = true;
                    continue;
                }
            };
            let (head, body) = response.into_parts();
            if !body.is_end_stream() {
                drain(body).await.map_err(AttemptError::Broken)?;
            }
            let retry_after = retry_after(&head.headers);
            return Ok(Answer { status: head.status, retry_after });
        }
    }

    /// The connection that is shared, or a new one to be. Others wait while it is made.
    async fn connection(&self, endpoint: &Endpoint) -> Result<Connection, AttemptError> {
        let mut shared = self.0.lock().await;
        if let Some(connection) = &*shared
            && connection.endpoint == *endpoint
            && !connection.sender.is_closed()
        {
            return Ok(Connection::clone(connection));
        }
        *shared = None;
        let stream = connect(endpoint).await?;
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .handshake(TokioIo::new(stream))
            .await
            .map_err(AttemptError::Broken)?;
        let driver = Driver(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection to a consumer ended");
            }
        }));
        let connection = Connection { sender, endpoint: endpoint.clone(), driver: driver.into() };
        *shared = Some(Box::new(connection.clone()));
        Ok(connection)
    }

    /// Lets the next request go to a new connection; those under way stay with the old one.
    async fn forget(&self, old: &Connection) {
        let mut shared = self.0.lock().await;
        if shared.as_ref().is_some_and(|shared| Arc::ptr_eq(&shared.driver, &old.driver)) {
            *shared = None;
        }
    }

    /// Closes the connection unless a request is under way.
    pub(in crate::delivery) fn close(&self) {
        if let Ok(mut shared) = self.0.try_lock() {
            *shared = None;
        }
    }
}

/// Says in `:authority` what HTTP/1.1 says in `Host` (RFC 9113 8.3.1). A host that cannot stand
/// there stays in `Host`, beside the endpoint's own.
fn with_authority(mut request: Request<Full<Bytes>>, endpoint: &Endpoint) -> Request<Full<Bytes>> {
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    let named = host.and_then(|host| Authority::try_from(host).ok());
    let own = || endpoint.authority().parse().ok();
    if named.is_some() {
        // Removing it would change the order of the others.
        let all = std::mem::take(request.headers_mut());
        let others = all.iter().filter(|(name, _)| **name != HOST);
        let others = others.map(|(name, value)| (name.clone(), value.clone()));
        request.headers_mut().extend(others);
    }
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = named.or_else(own);
    *request.uri_mut() =
        Uri::from_parts(parts).expect("there are a scheme, an authority and a path");
    request
}
