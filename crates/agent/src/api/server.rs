//! Accepts connections and serves the routes on them: HTTP/1.1 with limits.

use super::router;
use crate::shared::{Shared, count};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
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
        let (routes, shared, stopped) = (routes.clone(), Arc::clone(&shared), stopped.clone());
        tokio::spawn(async move {
            shared.counters.connections_open.fetch_add(1, Ordering::Relaxed);
            serve(stream, routes, stopped).await;
            shared.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
            drop(slot);
        });
    }
}

async fn serve(stream: TcpStream, routes: Router, mut stopped: watch::Receiver<bool>) {
    // Answers are small and awaited: nothing is gained by holding them back.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API ended badly");
    }
}
