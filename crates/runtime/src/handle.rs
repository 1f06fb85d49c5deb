//! The way in for everybody but peers.

use crate::DriverStats;
use crate::stats::Counters;
use bruit_model::{Command, CommandError, Node, Now, Reply};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// What a handle asks of the driver.
pub(crate) enum Order {
    /// Run this with the node.
    #[expect(clippy::type_complexity, reason = "a name for it would hide what it is")]
    Call(Box<dyn FnOnce(&mut dyn Node, Now) + Send>),
    /// End.
    Stop,
}

/// The driver has stopped, or stopped before it came to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node has stopped")]
pub struct Stopped;

/// Reaches a running node. When all clones are dropped, the node is stopped.
#[derive(Clone, Debug)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
    counters: Arc<Counters>,
    local_addr: SocketAddr,
    buffer_bytes: [usize; 2],
}

impl Handle {
    pub(crate) const fn new(
        orders: mpsc::Sender<Order>,
        counters: Arc<Counters>,
        local_addr: SocketAddr,
        buffer_bytes: [usize; 2],
    ) -> Self {
        Self { orders, counters, local_addr, buffer_bytes }
    }

    /// Runs `f` with the node, between inputs; what the node then wants done is done. Calls of
    /// one handle run in order. While `f` runs the node does nothing else: it should be quick. It
    /// runs even if this future is dropped, once the driver has been told.
    ///
    /// # Errors
    /// [`Stopped`]; `f` did not run, unless it panicked.
    pub async fn with<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut dyn Node, Now) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (answer, answered) = oneshot::channel();
        let call = move |node: &mut dyn Node, now: Now| {
            // Whoever asked may have gone.
            drop(answer.send(f(node, now)));
        };
        self.orders.send(Order::Call(Box::new(call))).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    /// Gives the node a command.
    ///
    /// # Errors
    /// [`Stopped`]: the node did not get it. The inner error is the node's.
    pub async fn command(&self, command: Command) -> Result<Result<Reply, CommandError>, Stopped> {
        self.with(move |node, now| node.handle_command(now, command)).await
    }

    /// What the driver has done so far. Costs no visit to the node.
    pub fn stats(&self) -> DriverStats {
        self.counters.snapshot()
    }

    /// The address for datagrams and streams, see [`crate::Bound::local_addr`].
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// See [`crate::Bound::buffer_bytes`].
    pub const fn buffer_bytes(&self) -> [usize; 2] {
        self.buffer_bytes
    }

    /// Stops the driver after the calls that were made before; returns once its sockets are
    /// closed and its tasks have ended. Datagrams that the node wanted sent by then have been
    /// given to the system, unless it had no room; bytes that wait in streams are lost. Saying
    /// goodbye to the group is [`Command::Leave`] and to be awaited first.
    pub async fn stop(&self) {
        // An error means that it has stopped already.
        drop(self.orders.send(Order::Stop).await);
        self.orders.closed().await;
    }
}
