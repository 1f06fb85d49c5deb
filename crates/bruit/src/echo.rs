//! A plain HTTP service that tells what it gets. It knows nothing of agents and items: the demo
//! runs one beside each agent, and `bruit echo` runs one for trying things out.

use crate::args::EchoArgs;
use crate::exit::{Exit, Failure};
use crate::out::clean;
use crate::signals::Signals;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The largest body taken, in bytes. Guess.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long to wait after a failed accept, such as for lack of file handles. Guess.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A request as the service saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The method.
    pub(crate) method: String,
    /// The path, with the query.
    pub(crate) target: String,
    /// The Host, if there was one.
    pub(crate) host: String,
    /// How many bytes the body had.
    pub(crate) body_bytes: usize,
}

/// Serves `listener` until it is dropped: hands each request to `see`, answers with `status`.
pub(crate) async fn serve(
    listener: TcpListener,
    status: StatusCode,
    see: impl Fn(Seen) + 'static,
) -> Infallible {
    let see: Rc<dyn Fn(Seen)> = Rc::new(see);
    let connections = tokio::task::LocalSet::new();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::task::spawn_local(connection(stream, status, Rc::clone(&see)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    connections.run_until(accepting).await
}

async fn connection(stream: TcpStream, status: StatusCode, see: Rc<dyn Fn(Seen)>) {
    let service = service_fn(|request| answer(request, status, &see));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // A caller that goes away in the middle is its own matter.
    drop(connection.await);
}

async fn answer(
    request: Request<Incoming>,
    status: StatusCode,
    see: &Rc<dyn Fn(Seen)>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    };
    let host = parts.headers.get(header::HOST).map(|host| host.as_bytes()).unwrap_or_default();
    see(Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        host: String::from_utf8_lossy(host).into_owned(),
        body_bytes: body.to_bytes().len(),
    });
    Ok(response)
}

/// `bruit echo`.
pub(crate) async fn run(args: EchoArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot listen on {}: {error}", args.listen))
            .hint("choose another address with --listen (port 0 lets the system choose)")
    })?;
    let addr = listener.local_addr().map_err(|error| {
        Failure::new(Exit::Failed, format!("the address is not known: {error}"))
    })?;
    writeln!(io::stdout(), "listening on http://{addr}")?;
    let status = StatusCode::from_u16(args.status)
        .map_err(|_| Failure::usage(format!("{} is not a status", args.status)))?;
    let (written, mut ended) = tokio::sync::mpsc::channel(1);
    let see = move |seen: Seen| {
        let (method, target, host) = (clean(&seen.method), clean(&seen.target), clean(&seen.host));
        let line = format!("{method} {target}  host {host}  body {} B", seen.body_bytes);
        if let Err(error) = writeln!(io::stdout(), "{line}") {
            // One error ends it; more have nothing to add.
            drop(written.try_send(error));
        }
    };
    tokio::select! {
        never = serve(listener, status, see) => match never {},
        Some(error) = ended.recv() => Err(error.into()),
        _ = signals.next() => Ok(Exit::Ok),
    }
}
