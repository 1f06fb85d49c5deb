//! A service that knows nothing of gossip, as small as can be: it answers 204 to everything and
//! remembers when a request came.

use crate::failure::{Doing as _, Failure};
use crate::peer::{Sight, Sink, Task};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};

/// The most bytes of a request's body.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Who wants to know of requests.
pub(super) type Told = Rc<RefCell<Option<Sink>>>;

/// A listening service, until it is dropped.
#[derive(Debug)]
pub(super) struct Consumer {
    /// Where it listens.
    pub(super) addr: SocketAddr,
    /// Who wants to know.
    pub(super) told: Told,
    _accepting: Task,
}

impl Consumer {
    /// Listens on a free port of 127.0.0.1.
    pub(super) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.doing("listening")?;
        let addr = listener.local_addr().doing("asking for a port")?;
        let told = Told::default();
        let accepting = Task::run(accept(listener, Rc::clone(&told)));
        Ok(Self { addr, told, _accepting: accepting })
    }
}

async fn accept(listener: TcpListener, told: Told) {
    let mut serving: Vec<Task> = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        serving.retain(|task| !task.has_ended());
        serving.push(Task::run(serve(stream, Rc::clone(&told))));
    }
}

async fn serve(stream: TcpStream, told: Told) {
    // A delayed acknowledgement would only slow the agent's next request.
    drop(stream.set_nodelay(true));
    let answer = service_fn(move |request| answer(request, Rc::clone(&told)));
    // The agent may close the connection at any time.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
}

async fn answer(
    request: Request<Incoming>,
    told: Told,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let at = Instant::now();
    let path = request.uri().path();
    let token = path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let sight = match body {
        Ok(_) => Sight::Item(token),
        Err(error) => Sight::Lost(format!("a consumer got a broken request: {error}")),
    };
    if let Some(sink) = told.borrow().as_ref() {
        sink.tell(at, sight);
    }
    Ok(response)
}
