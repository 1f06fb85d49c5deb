//! Items over WebSocket: a text message with JSON for each; the reader answers
//! `{"ack": "<item id>"}` when it is done with one.

use super::out::Out;
use super::{HEARTBEAT, Session, text_of};
use crate::delivery::Offered;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// The longest message that a reader sends.
const MESSAGE_BYTES_MAX: usize = 4096;
/// After how many heartbeats without an answer a reader counts as gone. Guess.
const UNANSWERED_MAX: u32 = 2;
/// How long saying goodbye may take. Guess.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a session ends; the reader is told, unless it is gone.
enum End {
    /// The reader went, or does not answer.
    Gone,
    /// The agent stops, or the subscription is no more.
    Over,
    /// It took too long for an item.
    Slow(Duration),
    /// It sent what is no acknowledgement.
    NotUnderstood,
    /// It acknowledged what it does not have.
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ack {
    ack: String,
}

pub(super) fn answer(upgrade: WebSocketUpgrade, session: Session) -> Response {
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| run(socket, session))
}

async fn run(mut socket: WebSocket, mut session: Session) {
    let end = exchange(&mut socket, &mut session).await;
    // What is not acknowledged goes back to the queue before the reader hears of the end.
    let Session { reader, slot, .. } = session;
    drop(reader);
    let close = match end {
        End::Gone => return,
        End::Over => (close_code::AWAY, "no more items".to_owned()),
        End::Slow(patience) => {
            let reason = format!("an item was not acknowledged within {patience:?}");
            (close_code::AGAIN, reason)
        }
        End::NotUnderstood => (close_code::UNSUPPORTED, r#"write {"ack": "<item id>"}"#.to_owned()),
        End::Unknown(id) => (close_code::POLICY, format!("the item {id} is not out")),
    };
    let (code, reason) = close;
    let goodbye = async {
        let frame = CloseFrame { code, reason: reason.into() };
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            // Until the reader has closed too, so that it reads this.
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    drop(timeout(GOODBYE, goodbye).await);
    // The connection's place is free from here on.
    drop(slot);
}

async fn exchange(socket: &mut WebSocket, session: &mut Session) -> End {
    let patience = session.patience;
    let mut out = Out::new();
    let mut heartbeat = Instant::now() + HEARTBEAT;
    let mut unanswered = 0;
    loop {
        let deadline = out.deadline(patience);
        tokio::select! {
            message = socket.recv() => {
                unanswered = 0;
                match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return End::Gone,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_))) => return End::NotUnderstood,
                    Some(Ok(Message::Text(text))) => match acknowledged(&text, &mut out) {
                        Ok(seq) => drop(session.reader.ack(seq)),
                        Err(end) => return end,
                    },
                }
            }
            offered = session.reader.next() => {
                let Some(Offered { seq, item }) = offered else { return End::Over };
                let message = Message::text(text_of(&item));
                out.push(seq, item.id.to_string());
                match timeout(patience, socket.send(message)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return End::Gone,
                    Err(_) => return End::Slow(patience),
                }
            }
            () = sleep_until(deadline.unwrap_or(heartbeat)), if deadline.is_some() => {
                return End::Slow(patience);
            }
            () = sleep_until(heartbeat) => {
                if unanswered == UNANSWERED_MAX {
                    return End::Gone;
                }
                unanswered += 1;
                heartbeat = Instant::now() + HEARTBEAT;
                let ping = socket.send(Message::Ping(Vec::new().into()));
                if !matches!(timeout(patience, ping).await, Ok(Ok(()))) {
                    return End::Gone;
                }
            }
        }
    }
}

/// Which of the items that are out is acknowledged; it is then out no more.
fn acknowledged(text: &str, out: &mut Out) -> Result<u64, End> {
    let Ok(Ack { ack }) = serde_json::from_str(text) else { return Err(End::NotUnderstood) };
    out.remove_id(&ack)
        .ok_or_else(|| End::Unknown(ack.chars().filter(char::is_ascii_graphic).take(64).collect()))
}
