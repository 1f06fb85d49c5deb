//! The driver's side of streams: which there are, their credit, and what the node may see.

use crate::stats::{Counters, add, count};
use crate::tcp::{self, Chunk, Line, Note, Wiring};
use crate::{Clock, Options};
use bruit_model::{Node, SocketId, StreamId, StreamInput, StreamOutput, Target, Transport, Why};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// How many bytes may wait in a stream to be written. Source: guess; with a round trip of 1 ms
/// that is 64 MB/s.
const CREDIT_BYTES: usize = 64 * 1024;

/// Notes taken in before other inputs have their turn: at most 256 KiB of data.
const NOTES_PER_BATCH: usize = 16;

/// Notes that wait. A task that finds no room waits itself; TCP slows the peer then.
const INBOX_NOTES: usize = 64;

/// One stream, as the driver has it.
#[derive(Debug)]
struct Stream {
    line: Arc<Line>,
    /// How many more bytes the node may write.
    credit: usize,
    /// The node does not want to read.
    paused: bool,
    /// What came while it did not.
    held: Option<Chunk>,
    /// The node writes no more.
    finished: bool,
}

/// All streams. Dropping it ends their tasks.
#[derive(Debug)]
pub(crate) struct Streams {
    table: BTreeMap<StreamId, Stream>,
    tasks: JoinSet<()>,
    inbox: mpsc::Receiver<Note>,
    wiring: Wiring,
    options: Options,
    /// Taken from the inbox, not yet given to the node.
    notes: Vec<Note>,
    /// What the driver itself found while draining; given to the node in the next batch.
    found: VecDeque<(StreamId, Found)>,
    next_accepted: u64,
    buffer: Vec<u8>,
}

/// What the driver itself finds.
#[derive(Debug)]
enum Found {
    Failed(Why),
    Closed(Why),
    Resumed,
}

impl Streams {
    /// No streams yet, but a task that accepts them.
    pub(crate) fn new(listener: TcpListener, options: Options, counters: Arc<Counters>) -> Self {
        let (sender, inbox) = mpsc::channel(INBOX_NOTES);
        let wiring = Wiring { inbox: sender, counters };
        let permits = Arc::new(Semaphore::new(options.accepted_streams_max));
        let mut tasks = JoinSet::new();
        tasks.spawn(tcp::accept(listener, permits, wiring.clone()));
        Self {
            table: BTreeMap::new(),
            tasks,
            inbox,
            wiring,
            options,
            notes: Vec::new(),
            found: VecDeque::new(),
            next_accepted: 1,
            buffer: Vec::new(),
        }
    }

    fn counters(&self) -> &Counters {
        &self.wiring.counters
    }

    /// Ready when there is something for the node.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.found.is_empty() || !self.notes.is_empty() {
            return Poll::Ready(());
        }
        // This end holds a sender: the channel never ends.
        self.inbox.poll_recv_many(cx, &mut self.notes, NOTES_PER_BATCH).map(|_| ())
    }

    /// Gives the node what is there. Whether there may be more.
    pub(crate) fn receive(&mut self, node: &mut dyn Node, clock: &Clock) -> bool {
        // Not what the node's answers to these bring: that would have no end.
        for _ in 0..self.found.len() {
            let Some((id, found)) = self.found.pop_front() else { break };
            match found {
                Found::Failed(why) => {
                    count(&self.counters().streams_failed);
                    node.handle_stream(clock.now(), id, StreamInput::Failed(why));
                }
                Found::Closed(why) => {
                    node.handle_stream(clock.now(), id, StreamInput::Closed(why));
                }
                Found::Resumed => self.give_held(node, clock, id),
            }
        }
        let mut notes = std::mem::take(&mut self.notes);
        let full = notes.len() == NOTES_PER_BATCH;
        for note in notes.drain(..) {
            self.take(node, clock, note);
        }
        self.notes = notes;
        full
    }

    fn take(&mut self, node: &mut dyn Node, clock: &Clock, note: Note) {
        match note {
            Note::Accepted { stream, peer, permit } => {
                let id = StreamId(self.next_accepted);
                self.next_accepted += 2;
                let line = self.open(id);
                count(&self.counters().streams_accepted);
                tracing::debug!(id = id.0, addr = %peer.addr, "stream accepted");
                let wiring = self.wiring.clone();
                self.tasks.spawn(tcp::run_accepted(id, stream, line, wiring, permit));
                let input = StreamInput::Accepted { listener: SocketId(0), peer };
                node.handle_stream(clock.now(), id, input);
                self.give_credit(node, clock, id, CREDIT_BYTES);
            }
            Note::Connected { id, peer } if self.table.contains_key(&id) => {
                count(&self.counters().streams_connected);
                tracing::debug!(id = id.0, addr = %peer.addr, "stream connected");
                node.handle_stream(clock.now(), id, StreamInput::Connected { peer });
                self.give_credit(node, clock, id, CREDIT_BYTES);
            }
            Note::Failed { id, why } if self.close(id).is_some() => {
                count(&self.counters().streams_failed);
                tracing::debug!(id = id.0, why = why.0, "stream failed");
                node.handle_stream(clock.now(), id, StreamInput::Failed(why));
            }
            Note::Data { id, chunk } => {
                if let Some(stream) = self.table.get_mut(&id) {
                    stream.held = Some(chunk);
                    self.give_held(node, clock, id);
                }
            }
            Note::Written { id, bytes } => self.give_credit(node, clock, id, bytes),
            Note::Finished { id } if self.table.contains_key(&id) => {
                node.handle_stream(clock.now(), id, StreamInput::Finished);
            }
            Note::Closed { id, why } if self.close(id).is_some() => {
                tracing::debug!(id = id.0, why = why.0, "stream closed");
                node.handle_stream(clock.now(), id, StreamInput::Closed(why));
            }
            // The node has reset the stream meanwhile.
            Note::Connected { .. }
            | Note::Failed { .. }
            | Note::Finished { .. }
            | Note::Closed { .. } => {}
        }
    }

    fn give_credit(&mut self, node: &mut dyn Node, clock: &Clock, id: StreamId, bytes: usize) {
        if let Some(stream) = self.table.get_mut(&id) {
            stream.credit += bytes;
            node.handle_stream(clock.now(), id, StreamInput::Credit(bytes));
        }
    }

    fn give_held(&mut self, node: &mut dyn Node, clock: &Clock, id: StreamId) {
        let Some(stream) = self.table.get_mut(&id).filter(|stream| !stream.paused) else { return };
        let Some(chunk) = stream.held.take() else { return };
        node.handle_stream(clock.now(), id, StreamInput::Data(chunk.bytes()));
        stream.line.read_on(chunk);
    }

    fn open(&mut self, id: StreamId) -> Arc<Line> {
        while self.tasks.try_join_next().is_some() {}
        let line = Arc::new(Line::default());
        let stream = Stream {
            line: Arc::clone(&line),
            credit: 0,
            paused: false,
            held: None,
            finished: false,
        };
        self.table.insert(id, stream);
        add(&self.counters().streams_open, 1);
        line
    }

    fn close(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.table.remove(&id)?;
        self.counters().streams_open.fetch_sub(1, Relaxed);
        Some(stream)
    }

    /// Does what the node wants done on streams, until it wants no more.
    pub(crate) fn drain(&mut self, node: &mut dyn Node, clock: &Clock) {
        let mut buffer = std::mem::take(&mut self.buffer);
        while let Some(output) = node.poll_stream(clock.now(), &mut buffer) {
            match output {
                StreamOutput::Connect { id, to, via } => self.connect(id, to, &via),
                StreamOutput::Write { id } => self.write(id, &buffer),
                StreamOutput::Pause { id } => {
                    if let Some(stream) = self.table.get_mut(&id) {
                        stream.paused = true;
                    }
                }
                StreamOutput::Resume { id } => {
                    if let Some(stream) = self.table.get_mut(&id) {
                        stream.paused = false;
                        if stream.held.is_some() {
                            self.found.push_back((id, Found::Resumed));
                        }
                    }
                }
                StreamOutput::Finish { id } => {
                    if let Some(stream) = self.table.get_mut(&id) {
                        stream.finished = true;
                        stream.line.finish();
                    }
                }
                StreamOutput::Reset { id } => {
                    if let Some(stream) = self.close(id) {
                        stream.line.reset();
                    }
                    // No further input, not even what has been found already.
                    self.found.retain(|(other, _)| *other != id);
                }
            }
        }
        self.buffer = buffer;
    }

    fn connect(&mut self, id: StreamId, to: Target, via: &Transport) {
        let own = self.table.keys().filter(|id| id.0 & 1 == 0).count();
        if id.0 & 1 == 1 || self.table.contains_key(&id) {
            count(&self.counters().outputs_invalid);
            tracing::debug!(id = id.0, "the node may not use this stream number");
            return;
        }
        if *via != Transport::Tcp {
            let why = Why("this driver has no such transport".into());
            self.found.push_back((id, Found::Failed(why)));
            return;
        }
        if own >= self.options.connected_streams_max {
            let why = Why(format!("{own} streams are open, which is the limit"));
            self.found.push_back((id, Found::Failed(why)));
            return;
        }
        let line = self.open(id);
        let limit = self.options.connect_timeout;
        self.tasks.spawn(tcp::run_connected(id, to, limit, line, self.wiring.clone()));
    }

    fn write(&mut self, id: StreamId, bytes: &[u8]) {
        // A write to a stream that is gone crossed the news of it.
        let Some(stream) = self.table.get_mut(&id) else { return };
        if bytes.len() <= stream.credit && !stream.finished {
            stream.credit -= bytes.len();
            stream.line.write(bytes);
            return;
        }
        count(&self.counters().outputs_invalid);
        if let Some(stream) = self.close(id) {
            stream.line.reset();
        }
        let why = Why("the node wrote beyond its credit, or after its end".into());
        self.found.retain(|(other, _)| *other != id);
        self.found.push_back((id, Found::Closed(why)));
    }

    /// Ends all tasks and waits until they have ended.
    pub(crate) async fn stop(mut self) {
        // Tasks that wait for room in the inbox need not.
        self.inbox.close();
        self.tasks.shutdown().await;
    }
}
