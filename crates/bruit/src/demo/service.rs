//! A plain HTTP service of the demo, and what it got.

use crate::echo::{self, Seen};
use crate::exit::{Exit, Failure};
use http::StatusCode;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running service. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Service {
    addr: SocketAddr,
    seen: Rc<RefCell<Vec<Seen>>>,
    serving: JoinHandle<()>,
}

impl Service {
    /// Starts a service on a free port.
    pub(super) async fn start() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("a service cannot listen: {error}"))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let seen = Rc::new(RefCell::new(Vec::new()));
        let see = {
            let seen = Rc::clone(&seen);
            move |request| seen.borrow_mut().push(request)
        };
        let serving = tokio::task::spawn_local(async move {
            match echo::serve(listener, StatusCode::NO_CONTENT, see).await {}
        });
        Ok(Self { addr, seen, serving })
    }

    /// Its URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// How often it got this request.
    pub(super) fn count(&self, method: &str, target: &str) -> usize {
        let is_it = |seen: &&Seen| seen.method == method && seen.target == target;
        self.seen.borrow().iter().filter(is_it).count()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
