//! Accepts connections and serves the routes on them: HTTP/1.1 with limits.

use super::router;
use crate::shared::{Shared, count};
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

/// How many connections are open at a time. Guess.
pub(crate) const CONNECTIONS_MAX: u32 = 1024;
/// The most bytes of a request's head: an item's headers and room for ours. Guess.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most headers of a request: an item's and room for ours.
const HEADERS_MAX: usize = 300;
/// How long a head may take, also the first of an idle connection. Guess.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait after a failed accept, such as for lack of file handles. Guess.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The place of a connection among those that may be open. It is free when the connection is
/// closed and all that came of it has ended, such as a WebSocket.
pub(super) struct Slot {
    shared: Arc<Shared>,
    abort: Notify,
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    /// Closes the connection at once.
    pub(super) fn abort(&self) {
        self.abort.notify_one();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The running API.
#[derive(Debug)]
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    slots: Arc<Semaphore>,
    connections_max: u32,
}

impl Server {
    /// Serves what comes to `listener`, at most so many connections at a time.
    pub(crate) fn start(listener: TcpListener, shared: Arc<Shared>, connections_max: u32) -> Self {
        let slots = Arc::new(Semaphore::new(connections_max as usize));
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, shared, Arc::clone(&slots), stopped));
        Self { stop, accepting, slots, connections_max }
    }

    /// Takes no more connections, and waits at most `patience` for the open ones to end.
    pub(crate) async fn stop(self, patience: Duration) {
        self.stop.send_replace(true);
        // It ends by the signal; if it panicked there is nothing to wait for.
        drop(self.accepting.await);
        let all = self.slots.acquire_many(self.connections_max);
        drop(tokio::time::timeout(patience, all).await);
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    slots: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    let routes = router(Arc::clone(&shared));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the API cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            count(&shared.counters.connections_shed);
            continue;
        };
        shared.counters.connections_open.fetch_add(1, Ordering::Relaxed);
        let slot = Slot { shared: Arc::clone(&shared), abort: Notify::new(), _permit: slot };
        tokio::spawn(serve(stream, routes.clone(), Arc::new(slot), stopped.clone()));
    }
}

async fn serve(
    stream: TcpStream,
    routes: Router,
    slot: Arc<Slot>,
    mut stopped: watch::Receiver<bool>,
) {
    // Answers are small and awaited: nothing is gained by holding them back.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let routes = TowerToHyperService::new(routes);
    let with_slot = Arc::clone(&slot);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&with_slot));
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut is_stopping = false;
    let ended = loop {
        tokio::select! {
            ended = connection.as_mut() => break ended,
            () = slot.abort.notified() => return,
            _ = stopped.changed(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API ended badly");
    }
}
