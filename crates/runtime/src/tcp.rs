//! The tasks behind streams: one that accepts, and one for each stream.
//!
//! A stream's task and the driver share [`Line`]: what the driver wants of the stream. The other
//! way goes through the driver's inbox, as [`Note`]s. A chunk that was read takes the stream's
//! only read buffer with it; until the driver gives that back nothing more is read, so that the
//! peer is slowed by TCP. Unwritten bytes are bounded by credit.

use crate::datagram::canonical;
use crate::stats::{Counters, add, count};
use bruit_model::{Peer, StreamId, Target, Why};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

/// Bytes read at once. Source: guess.
const CHUNK_BYTES: usize = 16 * 1024;

/// The most addresses of a name that are tried. Source: guess; each has its share of the time.
const ADDRESSES_MAX: usize = 4;

/// How long accepting rests after an error that will not pass by itself, such as too many open
/// files. Source: guess.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// A read buffer, and how much of it holds bytes.
#[derive(Debug)]
pub(crate) struct Chunk {
    buffer: Box<[u8]>,
    len: usize,
}

impl Chunk {
    fn empty() -> Self {
        Self { buffer: vec![0; CHUNK_BYTES].into(), len: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// What a task tells the driver.
#[derive(Debug)]
pub(crate) enum Note {
    Accepted { stream: TcpStream, peer: Peer, permit: OwnedSemaphorePermit },
    Connected { id: StreamId, peer: Peer },
    Failed { id: StreamId, why: Why },
    Data { id: StreamId, chunk: Chunk },
    Written { id: StreamId, bytes: usize },
    Finished { id: StreamId },
    Closed { id: StreamId, why: Why },
}

/// What the driver wants of a stream.
#[derive(Debug, Default)]
struct Wanted {
    out: Vec<u8>,
    finish: bool,
    reset: bool,
    chunk: Option<Chunk>,
}

/// The driver's way to a stream's task.
#[derive(Debug, Default)]
pub(crate) struct Line {
    wanted: Mutex<Wanted>,
    changed: Notify,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        // No code that can panic runs under the lock.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        self.lock().out.extend_from_slice(bytes);
        self.changed.notify_one();
    }

    pub(crate) fn finish(&self) {
        self.lock().finish = true;
        self.changed.notify_one();
    }

    pub(crate) fn reset(&self) {
        self.lock().reset = true;
        self.changed.notify_one();
    }

    /// Gives the read buffer back: reading goes on.
    pub(crate) fn read_on(&self, chunk: Chunk) {
        self.lock().chunk = Some(chunk);
        self.changed.notify_one();
    }

    async fn until_reset(&self) {
        while !self.lock().reset {
            self.changed.notified().await;
        }
    }
}

/// What each task needs.
#[derive(Clone, Debug)]
pub(crate) struct Wiring {
    pub(crate) inbox: mpsc::Sender<Note>,
    pub(crate) counters: Arc<Counters>,
}

/// The driver is gone: nobody to tell.
struct DriverGone;

impl Wiring {
    async fn tell(&self, note: Note) -> Result<(), DriverGone> {
        self.inbox.send(note).await.map_err(|_| DriverGone)
    }
}

/// Accepts streams until aborted. Those for which no permit is left are closed at once.
pub(crate) async fn accept(listener: TcpListener, permits: Arc<Semaphore>, wiring: Wiring) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                    count(&wiring.counters.streams_shed);
                    tracing::debug!(%from, "stream closed: too many are open");
                    continue;
                };
                let peer = Peer { addr: canonical(from), identity: None };
                if wiring.tell(Note::Accepted { stream, peer, permit }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                count(&wiring.counters.accept_errors);
                tracing::debug!(%error, "accepting failed");
                let of_the_peer = matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                );
                if !of_the_peer {
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }
}

/// Runs a stream that a peer opened.
pub(crate) async fn run_accepted(
    id: StreamId,
    stream: TcpStream,
    line: Arc<Line>,
    wiring: Wiring,
    permit: OwnedSemaphorePermit,
) {
    run(id, stream, &line, &wiring).await;
    drop(permit);
}

/// Opens a stream, and runs it.
pub(crate) async fn run_connected(
    id: StreamId,
    to: Target,
    limit: Duration,
    line: Arc<Line>,
    wiring: Wiring,
) {
    let result = tokio::select! {
        biased;
        () = line.until_reset() => return,
        result = connect(&to, limit) => result,
    };
    match result {
        Ok((stream, addr)) => {
            let peer = Peer { addr, identity: None };
            if wiring.tell(Note::Connected { id, peer }).await.is_ok() {
                run(id, stream, &line, &wiring).await;
            }
        }
        Err(why) => {
            // If the driver is gone, nobody waits for this.
            let _: Result<(), DriverGone> = wiring.tell(Note::Failed { id, why }).await;
        }
    }
}

async fn connect(to: &Target, limit: Duration) -> Result<(TcpStream, SocketAddr), Why> {
    let end = Instant::now() + limit;
    let addresses = match to {
        Target::Addr(addr) => vec![*addr],
        Target::Name(name, port) => resolve(name, *port, end).await?,
    };
    let mut why = None;
    for (tried, addr) in addresses.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let share = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + left / share, TcpStream::connect(addr)).await {
            Ok(Ok(stream)) => return Ok((stream, *addr)),
            Ok(Err(error)) => why = Some(format!("cannot connect to {addr}: {error}")),
            Err(_) => why = Some(format!("cannot connect to {addr}: no answer in time")),
        }
    }
    Err(Why(why.unwrap_or_else(|| "the name has no address".into())))
}

async fn resolve(name: &str, port: u16, end: Instant) -> Result<Vec<SocketAddr>, Why> {
    match timeout_at(end, lookup_host((name, port))).await {
        Ok(Ok(addresses)) => Ok(addresses.take(ADDRESSES_MAX).collect()),
        Ok(Err(error)) => Err(Why(format!("cannot resolve {name:?}: {error}"))),
        Err(_) => Err(Why(format!("cannot resolve {name:?}: no answer in time"))),
    }
}

/// The task's side of an open stream.
struct Io<'a> {
    id: StreamId,
    stream: TcpStream,
    line: &'a Line,
    wiring: &'a Wiring,
    /// Bytes being written, from `written` on.
    out: Vec<u8>,
    written: usize,
    /// The read buffer, unless the driver has it.
    chunk: Option<Chunk>,
    /// The node will write no more.
    finish: bool,
    /// That has been told to the peer.
    finished: bool,
    /// The peer will send no more.
    peer_finished: bool,
}

/// Why a stream's task ends.
enum End {
    /// The node does not want the stream.
    Reset,
    /// The driver has stopped.
    DriverGone,
    /// Both sides have finished, or the connection broke.
    Closed(Why),
}

impl From<DriverGone> for End {
    fn from(DriverGone: DriverGone) -> Self {
        Self::DriverGone
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Closed(Why(error.to_string()))
    }
}

async fn run(id: StreamId, stream: TcpStream, line: &Line, wiring: &Wiring) {
    let mut io = Io {
        id,
        stream,
        line,
        wiring,
        out: Vec::new(),
        written: 0,
        chunk: Some(Chunk::empty()),
        finish: false,
        finished: false,
        peer_finished: false,
    };
    let end = io.run().await;
    match end {
        End::Reset => {
            // Failure leaves an ordinary close.
            drop(io.stream.set_zero_linger());
        }
        End::DriverGone => {}
        End::Closed(why) => {
            drop(io);
            // If the driver is gone, nobody waits for this.
            let _: Result<(), DriverGone> = wiring.tell(Note::Closed { id, why }).await;
        }
    }
}

impl Io<'_> {
    async fn run(&mut self) -> End {
        // Without it small messages wait for the acknowledgement of earlier ones.
        if let Err(error) = self.stream.set_nodelay(true) {
            return error.into();
        }
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        self.take_wanted()?;
        if self.finish && !self.finished && self.out.is_empty() {
            self.stream.shutdown().await?;
            self.finished = true;
        }
        if self.finished && self.peer_finished {
            return Err(End::Closed(Why("both sides have finished".into())));
        }
        let ready = {
            let read = (self.chunk.is_some() && !self.peer_finished).then_some(Interest::READABLE);
            let write = (!self.out.is_empty()).then_some(Interest::WRITABLE);
            let interest = match (read, write) {
                (Some(read), Some(write)) => Some(read | write),
                (one, other) => one.or(other),
            };
            let stream = &self.stream;
            let socket = async {
                match interest {
                    Some(interest) => stream.ready(interest).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.line.changed.notified() => return Ok(()),
                ready = socket => ready?,
            }
        };
        if ready.is_writable() {
            self.write().await?;
        }
        if ready.is_readable() {
            self.read().await?;
        }
        Ok(())
    }

    fn take_wanted(&mut self) -> Result<(), End> {
        let mut wanted = self.line.lock();
        if wanted.reset {
            return Err(End::Reset);
        }
        if self.out.is_empty() {
            std::mem::swap(&mut self.out, &mut wanted.out);
        }
        if let Some(chunk) = wanted.chunk.take() {
            self.chunk = Some(chunk);
        }
        self.finish = wanted.finish;
        Ok(())
    }

    async fn write(&mut self) -> Result<(), End> {
        let mut bytes = 0;
        while self.written < self.out.len() {
            count(&self.wiring.counters.syscalls);
            match self.stream.try_write(&self.out[self.written..]) {
                Ok(len) => {
                    self.written += len;
                    bytes += len;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        if bytes > 0 {
            add(&self.wiring.counters.stream_bytes_out, bytes);
            self.wiring.tell(Note::Written { id: self.id, bytes }).await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), End> {
        let Some(mut chunk) = self.chunk.take().filter(|_| !self.peer_finished) else {
            return Ok(());
        };
        count(&self.wiring.counters.syscalls);
        match self.stream.try_read(&mut chunk.buffer) {
            Ok(0) => {
                self.peer_finished = true;
                self.wiring.tell(Note::Finished { id: self.id }).await?;
            }
            Ok(len) => {
                add(&self.wiring.counters.stream_bytes_in, len);
                chunk.len = len;
                self.wiring.tell(Note::Data { id: self.id, chunk }).await?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.chunk = Some(chunk),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
