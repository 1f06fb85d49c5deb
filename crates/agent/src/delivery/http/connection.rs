//! A connection that speaks HTTP/1.1.

use super::AttemptError;
use crate::delivery::Endpoint;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio::time::timeout;

/// How long a connection may take to end an exchange whose answer is whole, before it is closed
/// instead of kept: a consumer may answer and leave the rest of the request unread. A guess.
const SETTLE: Duration = Duration::from_millis(50);

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// One connection; dropping it closes it, also in the middle of an answer. It makes progress only
/// while one of its futures is polled: so whoever waits for an answer reads it himself, and no
/// task has to wake another.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// `None` when it has ended.
    driver: Option<Pin<Box<Driver>>>,
    endpoint: Endpoint,
}

impl Connection {
    /// The most that is read ahead of an answer, and so the largest head of one, in bytes.
    const BUFFER_BYTES_MAX: usize = 64 * 1024;

    /// Connects. A name is looked up each time, so that a consumer that moves is found.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, AttemptError> {
        let stream = connect(endpoint).await?;
        let (sender, driver) = Builder::new()
            .max_buf_size(Self::BUFFER_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(AttemptError::Broken)?;
        Ok(Self { sender, driver: Some(Box::pin(driver)), endpoint: endpoint.clone() })
    }

    /// Whether it is to `endpoint`, and open as far as is known.
    pub(super) fn is_to(&self, endpoint: &Endpoint) -> bool {
        self.driver.is_some() && self.endpoint == *endpoint && !self.sender.is_closed()
    }

    /// Lets the connection work while `future` is waited for, which must wait for nothing but
    /// the connection.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        Self::both(&mut self.driver, future).await
    }

    /// The driver goes first, so that what it reads is there when the future looks. As it is what
    /// the future waits for, the future need not wake this task, which is awake then: each
    /// request would be looked at twice. Nor may it be told to wait for its turn, which is told
    /// by waking it.
    async fn both<F: Future>(driver: &mut Option<Pin<Box<Driver>>>, future: F) -> F::Output {
        let mut future = pin!(unconstrained(future));
        poll_fn(|context| {
            if let Some(open) = driver
                && let Poll::Ready(ended) = open.as_mut().poll(context)
            {
                if let Err(error) = ended {
                    tracing::trace!(%error, "a connection to a consumer ended");
                }
                *driver = None;
            }
            future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
    }

    /// Waits until the last exchange has ended, not for long; whether another request may follow.
    pub(super) async fn settle(&mut self) -> bool {
        let Self { sender, driver, .. } = self;
        let mut ready = pin!(Self::both(driver, sender.ready()));
        // A timer only where it is needed, which is seldom. Nor does the connection wake this task
        // before it is polled again: to give it the next request would do so.
        let at_once = ready.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match at_once {
            Poll::Ready(ready) => ready.is_ok(),
            Poll::Pending => matches!(timeout(SETTLE, ready).await, Ok(Ok(()))),
        }
    }

    /// Ends when the consumer closes the connection, or sends what it was not asked for.
    pub(super) async fn closed(&mut self) {
        let Some(driver) = &mut self.driver else { return };
        if let Err(error) = driver.as_mut().await {
            tracing::trace!(%error, "an idle connection to a consumer ended");
        }
        self.driver = None;
    }

    /// Sends a request and waits for the head of the answer. The request comes back if nothing
    /// of it was written, because the connection was closed before.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, (AttemptError, Option<Box<Request<Full<Bytes>>>>)> {
        let response = self.sender.try_send_request(request);
        Self::both(&mut self.driver, response).await.map_err(|mut error| {
            let unsent = error.take_message().map(Box::new);
            (AttemptError::Broken(error.into_error()), unsent)
        })
    }
}

/// Connects; small writes go at once.
pub(super) async fn connect(endpoint: &Endpoint) -> Result<TcpStream, AttemptError> {
    let stream = TcpStream::connect((endpoint.host(), endpoint.port()))
        .await
        .map_err(AttemptError::Connect)?;
    stream.set_nodelay(true).map_err(AttemptError::Connect)?;
    Ok(stream)
}
