//! Reading a request's body within limits.

use super::problem::Problem;
use crate::shared::{Shared, count};
use axum::body::{Body, HttpBody};
use bruit_model::Item;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// How long a body may take to arrive. Guess.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How many bytes the bodies that are being read hold in all. Guess.
const UNDER_WAY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How much of a body over the limit is read and dropped, so that a caller that writes before
/// it reads gets the answer. Guess.
const DRAINED_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes taken from what all bodies may hold.
struct Share<'a> {
    shared: &'a Shared,
    bytes: u64,
}

impl Share<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        let bytes = bytes as u64;
        let before = self.shared.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before + bytes <= UNDER_WAY_BYTES_MAX {
            return Ok(());
        }
        count(&self.shared.counters.bodies_refused);
        Err(Problem::unavailable("too many large requests at the same time; try again"))
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.shared.body_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a body whole, at most [`Item::PAYLOAD_BYTES_MAX`].
pub(super) async fn read(shared: &Shared, mut body: Body, waits: bool) -> Result<Bytes, Problem> {
    let deadline = Instant::now() + READ_TIMEOUT;
    let limit = Item::PAYLOAD_BYTES_MAX;
    let declared = body.size_hint().lower();
    if declared > limit as u64 {
        // A caller that waits for our consent has sent nothing yet.
        if !waits && declared <= DRAINED_BYTES_MAX {
            drain(&mut body, deadline).await;
        }
        return Err(too_large(shared, Some(declared)));
    }
    let mut share = Share { shared, bytes: 0 };
    // Copied: a frame is part of the connection's buffer, which would live as long as the item.
    let mut bytes = Vec::new();
    loop {
        let frame = tokio::time::timeout_at(deadline, body.frame()).await.map_err(|_| {
            Problem::timeout(format!("the body took longer than {} s", READ_TIMEOUT.as_secs()))
        })?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Problem::bad_request("the body ended too early"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            drain(&mut body, deadline).await;
            return Err(too_large(shared, None));
        }
        share.take(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into_boxed_slice().into())
}

async fn drain(body: &mut Body, deadline: Instant) {
    let mut bytes = 0;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(deadline, body.frame()).await {
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if bytes > DRAINED_BYTES_MAX {
            return;
        }
    }
}

fn too_large(shared: &Shared, declared: Option<u64>) -> Problem {
    count(&shared.counters.bodies_refused);
    let limit = Item::PAYLOAD_BYTES_MAX;
    let given = declared.map(|bytes| format!(" and this one has {bytes}")).unwrap_or_default();
    Problem::too_large(format!("a body may have at most {limit} bytes (1 MiB){given}"))
        .hint("publish a reference to the data instead, such as its URL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{config, toy};

    #[tokio::test]
    async fn what_is_read_holds_nothing_but_itself() {
        let agent = toy(config("a")).await;
        let buffer = Bytes::from(vec![b'x'; 8192]);
        let body = Body::from(buffer.slice(100..104));
        let payload = read(&agent.shared, body, false).await.unwrap();
        assert_eq!(payload, "xxxx");
        assert!(buffer.is_unique(), "the buffer is free for the next request");
    }
}
