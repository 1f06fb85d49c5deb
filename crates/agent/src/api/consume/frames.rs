//! The body of an answer whose pieces tell when they were written.
//!
//! The connection keeps each piece until the kernel has taken all its bytes, and drops it then;
//! but it drops what it has not written too, when it ends. So what was dropped counts as written
//! only when the connection asks for more afterwards, which one that has ended never does.

use bytes::Bytes;
use futures_util::Stream;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::mpsc;

/// What was dropped since the last look.
#[derive(Default)]
struct Dropped {
    seqs: Vec<u64>,
    waker: Option<Waker>,
}

fn lock(dropped: &Mutex<Dropped>) -> MutexGuard<'_, Dropped> {
    dropped.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A piece that is told of.
struct Piece {
    text: String,
    seq: u64,
    dropped: Arc<Mutex<Dropped>>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let waker = {
            let mut dropped = lock(&self.dropped);
            dropped.seqs.push(self.seq);
            dropped.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The side that gives pieces and hears of them.
pub(super) struct Giver {
    pieces: mpsc::Sender<Bytes>,
    written: mpsc::UnboundedReceiver<u64>,
    dropped: Arc<Mutex<Dropped>>,
}

/// The side that the connection reads.
pub(super) struct Frames {
    pieces: mpsc::Receiver<Bytes>,
    /// As many as pieces were given, and so bounded by those.
    written: mpsc::UnboundedSender<u64>,
    dropped: Arc<Mutex<Dropped>>,
}

/// Both sides; at most so many pieces wait between them.
pub(super) fn frames(waiting_max: usize) -> (Giver, Frames) {
    let (pieces, to_write) = mpsc::channel(waiting_max);
    let (told, written) = mpsc::unbounded_channel();
    let dropped = Arc::<Mutex<Dropped>>::default();
    let giver = Giver { pieces, written, dropped: Arc::clone(&dropped) };
    (giver, Frames { pieces: to_write, written: told, dropped })
}

impl Giver {
    /// Gives a piece that is told of by `seq`; whether there was room.
    pub(super) fn give(&self, text: String, seq: u64) -> bool {
        let piece = Piece { text, seq, dropped: Arc::clone(&self.dropped) };
        self.pieces.try_send(Bytes::from_owner(piece)).is_ok()
    }

    /// Gives a piece that is not told of; whether there was room.
    pub(super) fn say(&self, text: &'static str) -> bool {
        self.pieces.try_send(Bytes::from_static(text.as_bytes())).is_ok()
    }

    /// Waits for the next piece that was written; `None` when the connection is gone.
    pub(super) async fn written(&mut self) -> Option<u64> {
        self.written.recv().await
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let seqs = {
            let mut dropped = lock(&this.dropped);
            dropped.waker = Some(context.waker().clone());
            std::mem::take(&mut dropped.seqs)
        };
        for seq in seqs {
            // The giver may have gone; then there is nobody to tell.
            let _ = this.written.send(seq);
        }
        this.pieces.poll_recv(context).map(|piece| piece.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;

    #[tokio::test]
    async fn a_piece_is_written_when_more_is_asked_for_after_its_end() {
        let (mut giver, mut frames) = frames(4);
        assert!(giver.give("one".to_owned(), 1));
        assert!(giver.say("between"));
        assert!(giver.give("two".to_owned(), 2));
        let one = frames.next().await.unwrap().unwrap();
        assert_eq!(one, "one");
        assert_eq!(frames.next().await.unwrap().unwrap(), "between");
        assert!(giver.written.try_recv().is_err(), "it is still held");
        drop(one);
        assert!(giver.written.try_recv().is_err(), "nobody has asked for more");
        let two = frames.next().await.unwrap().unwrap();
        assert_eq!(giver.written().await, Some(1));
        drop(two);
        drop(frames);
        assert_eq!(giver.written().await, None, "the connection ended");
    }

    #[tokio::test]
    async fn a_drop_wakes_the_connection() {
        let (mut giver, mut frames) = frames(4);
        giver.give("one".to_owned(), 1);
        let one = frames.next().await.unwrap().unwrap();
        let asking = tokio::spawn(async move { frames.next().await });
        tokio::task::yield_now().await;
        drop(one);
        assert_eq!(giver.written().await, Some(1));
        drop(giver);
        assert!(asking.await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let (giver, _frames) = frames(2);
        assert!(giver.say("a") && giver.give("b".to_owned(), 1));
        assert!(!giver.say("c") && !giver.give("d".to_owned(), 2));
    }
}
