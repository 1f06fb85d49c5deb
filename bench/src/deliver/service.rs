//! A consumer inside this program that tells when each request came.

use crate::failure::{Doing as _, Failure};
use crate::peer::Task;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// The most bytes of a request's body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Requests that wait to be looked at; each caller waits for its own, so there is one.
const WAITING_MAX: usize = 16;

/// When a request came, and its path.
pub(super) type Arrival = (Instant, String);

/// A listening service, until it is dropped.
#[derive(Debug)]
pub(super) struct Service {
    /// Where it listens.
    pub(super) addr: SocketAddr,
    arrivals: mpsc::Receiver<Arrival>,
    _accepting: Task,
}

impl Service {
    /// Listens on a free port of 127.0.0.1.
    pub(super) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.doing("listening")?;
        let addr = listener.local_addr().doing("asking for a port")?;
        let (told, arrivals) = mpsc::channel(WAITING_MAX);
        let accepting = Task::run(async move {
            let mut serving = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.retain(|task: &Task| !task.has_ended());
                serving.push(Task::run(serve(stream, told.clone())));
            }
        });
        Ok(Self { addr, arrivals, _accepting: accepting })
    }

    /// The next request.
    pub(super) async fn arrival(&mut self) -> Result<Arrival, Failure> {
        self.arrivals.recv().await.ok_or_else(|| Failure::new("the consumer has ended"))
    }
}

async fn serve(stream: TcpStream, told: mpsc::Sender<Arrival>) {
    drop(stream.set_nodelay(true));
    let answer = service_fn(move |request| answer(request, told.clone()));
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
}

async fn answer(
    request: Request<Incoming>,
    told: mpsc::Sender<Arrival>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let arrival = (Instant::now(), request.uri().path().to_owned());
    let whole = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await.is_ok();
    let taken = whole && told.try_send(arrival).is_ok();
    let mut response = Response::new(Empty::new());
    *response.status_mut() =
        if taken { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR };
    Ok(response)
}
