//! A consumer as fast as this project's HTTP library makes one, in a process of its own: it reads
//! each request whole and answers 204.

use crate::failure::{Doing as _, Failure};
use crate::process::{Output, Process};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::convert::Infallible;
use std::io::BufRead as _;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// The most bytes of a request's body.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Serves until it is killed; prints where first.
pub(crate) async fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.doing("listening")?;
    let addr = listener.local_addr().doing("asking for a port")?;
    crate::say(&serde_json::json!({ "addr": addr }).to_string())?;
    loop {
        let (stream, _) = listener.accept().await.doing("accepting")?;
        drop(stream.set_nodelay(true));
        tokio::spawn(async move {
            let service = service_fn(answer);
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let whole = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await.is_ok();
    let mut response = Response::new(Empty::new());
    *response.status_mut() =
        if whole { StatusCode::NO_CONTENT } else { StatusCode::PAYLOAD_TOO_LARGE };
    Ok(response)
}

/// A running consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    _process: Process,
    /// Where it listens.
    pub(super) addr: SocketAddr,
}

impl Consumer {
    /// Starts one, its log in `folder`.
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Said {
            addr: SocketAddr,
        }
        let me = std::env::current_exe().doing("this program's own file")?;
        let log = folder.join("consumer.log");
        let mut process = Process::start(&me, &["consume".to_owned()], log, Output::Piped)?;
        let pipe = process.stdout().ok_or_else(|| Failure::new("no standard output"))?;
        let mut line = String::new();
        std::io::BufReader::new(pipe).read_line(&mut line).doing("the consumer's address")?;
        let Said { addr } = serde_json::from_str(&line).doing("the consumer's address")?;
        Ok(Self { _process: process, addr })
    }
}
