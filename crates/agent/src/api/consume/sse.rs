//! Items as server-sent events.

use super::frames::{Giver, frames};
use super::out::Out;
use super::{HEARTBEAT, Session, text_of};
use crate::delivery::{Offered, Policy};
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// More than can wait: the items that are out, and a heartbeat now and then.
const WAITING_MAX: usize = Policy::CONCURRENCY_MAX as usize + 16;
/// How long the end of the stream waits for what is being written. Guess.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) fn answer(session: Session) -> Response {
    let (giver, frames) = frames(WAITING_MAX);
    tokio::spawn(run(session, giver));
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn run(mut session: Session, mut giver: Giver) {
    // Tells the reader that it is connected, before the first item.
    giver.say(": here are the items\n\n");
    let mut out = Out::new();
    let mut heartbeat = Instant::now() + HEARTBEAT;
    loop {
        let deadline = out.deadline(session.patience);
        tokio::select! {
            written = giver.written() => match written {
                None => return,
                Some(seq) => {
                    out.remove(seq);
                    session.reader.ack(seq);
                }
            },
            offered = session.reader.next() => match offered {
                None => return end(session, giver, out.len()).await,
                Some(Offered { seq, item }) => {
                    let (id, text) = (item.id.to_string(), text_of(&item));
                    let event = format!("event: item\nid: {id}\ndata: {text}\n\n");
                    if !giver.give(event, seq) {
                        return session.slot.abort();
                    }
                    out.push(seq, id);
                    heartbeat = Instant::now() + HEARTBEAT;
                }
            },
            () = sleep_until(deadline.unwrap_or(heartbeat)), if deadline.is_some() => {
                tracing::debug!("a reader of a stream takes nothing any more");
                return session.slot.abort();
            }
            () = sleep_until(heartbeat) => {
                giver.say(": still here\n\n");
                heartbeat = Instant::now() + HEARTBEAT;
            }
        }
    }
}

/// No more items will come: waits a little for those that are being written, so that they are
/// not given out once more.
async fn end(mut session: Session, mut giver: Giver, mut out: usize) {
    let written = async {
        while out > 0 {
            let Some(seq) = giver.written().await else { return };
            session.reader.ack(seq);
            out -= 1;
        }
    };
    // What is not written by then goes back to the queue.
    drop(timeout(LAST_WORDS, written).await);
}
