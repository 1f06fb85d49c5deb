//! A node that does what it is told, and tells what happens to it.

use bruit_model::{
    Command, CommandError, Event, Instant, Item, ItemId, Items, Member, Members, Node, NodeId, Now,
    Record, Records, Rejected, Reply, SocketId, StreamId, StreamInput, StreamOutput, Target,
    TopicParams, Transmit, Transport, Wake, WakeReason,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What can be asked of it, in a [`Command::Extra`].
pub(crate) enum Ask {
    Datagram {
        to: SocketAddr,
        bytes: Vec<u8>,
        segment_size: Option<usize>,
    },
    Connect {
        to: Target,
    },
    WakeIn(Duration),
    Events(usize),
    Overrun(StreamId),
    /// How much it wrote: answered by a `Number`.
    Sent(StreamId),
    Resume(StreamId),
    Reset(StreamId),
}

/// What it tells, in an [`Event::Extra`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Datagram { from: SocketAddr, bytes: Vec<u8> },
    Timeout,
    Number(usize),
    Accepted(StreamId, SocketAddr),
    Connected(StreamId, SocketAddr),
    Failed(StreamId, String),
    Data(StreamId),
    Finished { id: StreamId, received: usize, intact: bool },
    Closed(StreamId, String),
    Lag(Duration),
}

#[derive(Default)]
struct Stream {
    credit: usize,
    sent: usize,
    finished: bool,
    received: usize,
    intact: bool,
}

#[derive(Default)]
pub(crate) struct Toy {
    /// How many bytes it sends on each stream before it finishes.
    send_bytes: usize,
    /// Whether it finishes a stream at the end of what it sends.
    finishes: bool,
    /// Whether it pauses accepted streams at once.
    pauses: bool,
    streams: BTreeMap<StreamId, Stream>,
    next_stream: u64,
    transmits: VecDeque<(Transmit, Vec<u8>)>,
    outputs: VecDeque<(StreamOutput, Vec<u8>)>,
    events: VecDeque<Event>,
    wake: Option<Instant>,
    empty: Empty,
}

/// The byte at a place of every stream.
fn pattern(place: usize) -> u8 {
    (place ^ (place >> 8) ^ (place >> 16)).to_le_bytes()[0]
}

impl Toy {
    pub(crate) fn finishing(send_bytes: usize) -> Box<Self> {
        Box::new(Self { send_bytes, finishes: true, ..Self::default() })
    }

    pub(crate) fn pausing() -> Box<Self> {
        Box::new(Self { pauses: true, ..Self::default() })
    }

    fn tell(&mut self, seen: Seen) {
        self.events.push_back(Event::Extra(Arc::new(seen)));
    }

    fn output(&mut self, output: StreamOutput) {
        self.outputs.push_back((output, Vec::new()));
    }

    fn write_on(&mut self, id: StreamId) {
        let stream = self.streams.get_mut(&id).unwrap();
        while stream.sent < self.send_bytes && stream.credit > 0 {
            let len = stream.credit.min(self.send_bytes - stream.sent).min(9_999);
            let bytes = (stream.sent..stream.sent + len).map(pattern).collect();
            stream.sent += len;
            stream.credit -= len;
            self.outputs.push_back((StreamOutput::Write { id }, bytes));
        }
        if stream.sent == self.send_bytes && self.finishes && !stream.finished {
            stream.finished = true;
            self.output(StreamOutput::Finish { id });
        }
    }

    fn ask(&mut self, now: Now, ask: Ask) {
        match ask {
            Ask::Datagram { to, bytes, segment_size } => {
                let transmit = Transmit { on: SocketId(0), to, segment_size };
                self.transmits.push_back((transmit, bytes));
            }
            Ask::Connect { to } => {
                self.next_stream += 2;
                let id = StreamId(self.next_stream);
                self.output(StreamOutput::Connect { id, to, via: Transport::Tcp });
            }
            Ask::WakeIn(after) => self.wake = Some(now.mono + after),
            Ask::Events(count) => (0..count).for_each(|number| self.tell(Seen::Number(number))),
            Ask::Overrun(id) => {
                let bytes = vec![0; self.streams[&id].credit + 1];
                self.outputs.push_back((StreamOutput::Write { id }, bytes));
            }
            Ask::Sent(id) => self.tell(Seen::Number(self.streams[&id].sent)),
            Ask::Resume(id) => self.output(StreamOutput::Resume { id }),
            Ask::Reset(id) => self.output(StreamOutput::Reset { id }),
        }
    }
}

impl Node for Toy {
    fn handle_datagram(
        &mut self,
        _now: Now,
        on: SocketId,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        match bytes {
            b"ping" => {
                let transmit = Transmit { on, to: from, segment_size: None };
                self.transmits.push_back((transmit, b"pong".to_vec()));
            }
            b"" => return Err(Rejected::Truncated),
            other => self.tell(Seen::Datagram { from, bytes: other.to_vec() }),
        }
        Ok(())
    }

    fn handle_stream(&mut self, _now: Now, id: StreamId, input: StreamInput<'_>) {
        match input {
            StreamInput::Accepted { peer, .. } => {
                self.streams.insert(id, Stream { intact: true, ..Stream::default() });
                if self.pauses {
                    self.output(StreamOutput::Pause { id });
                }
                self.tell(Seen::Accepted(id, peer.addr));
            }
            StreamInput::Connected { peer } => {
                self.streams.insert(id, Stream { intact: true, ..Stream::default() });
                self.tell(Seen::Connected(id, peer.addr));
            }
            StreamInput::Failed(why) => self.tell(Seen::Failed(id, why.0)),
            StreamInput::Data(bytes) => {
                let stream = self.streams.get_mut(&id).unwrap();
                let first = stream.received == 0;
                for byte in bytes {
                    stream.intact &= *byte == pattern(stream.received);
                    stream.received += 1;
                }
                if first {
                    self.tell(Seen::Data(id));
                }
            }
            StreamInput::Credit(bytes) => {
                self.streams.get_mut(&id).unwrap().credit += bytes;
                self.write_on(id);
            }
            StreamInput::Finished => {
                let Stream { received, intact, .. } = self.streams[&id];
                self.tell(Seen::Finished { id, received, intact });
            }
            StreamInput::Closed(why) => {
                self.streams.remove(&id).unwrap();
                self.tell(Seen::Closed(id, why.0));
            }
        }
    }

    fn handle_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        if let Command::ReportLag(lag) = command {
            self.tell(Seen::Lag(lag));
            return Ok(Reply::Done);
        }
        let Command::Extra(ask) = command else { return Err(CommandError::Unsupported) };
        self.ask(now, *ask.downcast().map_err(|_| CommandError::Unsupported)?);
        Ok(Reply::Done)
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.wake.take_if(|at| *at <= now.mono).is_some() {
            self.tell(Seen::Timeout);
        }
    }

    fn poll_transmit(&mut self, _now: Now, buf: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, bytes) = self.transmits.pop_front()?;
        buf.clear();
        buf.extend_from_slice(&bytes);
        Some(transmit)
    }

    fn poll_stream(&mut self, _now: Now, buf: &mut Vec<u8>) -> Option<StreamOutput> {
        let (output, bytes) = self.outputs.pop_front()?;
        buf.clear();
        buf.extend_from_slice(&bytes);
        Some(output)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Wake> {
        self.wake.map(|at| Wake { at, reason: WakeReason::Probe })
    }

    fn id(&self) -> NodeId {
        NodeId([7; 16])
    }

    fn members(&self, _now: Now) -> Box<dyn Members + '_> {
        Box::new(Empty)
    }

    fn items(&self) -> &dyn Items {
        &self.empty
    }

    fn records(&self) -> &dyn Records {
        &self.empty
    }

    fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    fn counters(&self, _visit: &mut dyn FnMut(&'static str, &'static str, u64)) {}
}

/// Tables without content.
#[derive(Default)]
struct Empty;

impl Members for Empty {
    fn iter(&self) -> Box<dyn Iterator<Item = Member> + '_> {
        Box::new(std::iter::empty())
    }

    fn get(&self, _id: &NodeId) -> Option<Member> {
        None
    }

    fn counts(&self) -> [usize; 4] {
        [0; 4]
    }
}

impl Items for Empty {
    fn iter(&self) -> Box<dyn Iterator<Item = Arc<Item>> + '_> {
        Box::new(std::iter::empty())
    }

    fn get(&self, _id: &ItemId) -> Option<Arc<Item>> {
        None
    }

    fn find(&self, _printable: &str) -> Option<Arc<Item>> {
        None
    }

    fn held(&self) -> (usize, u64) {
        (0, 0)
    }
}

impl Records for Empty {
    fn iter(&self) -> Box<dyn Iterator<Item = Record> + '_> {
        Box::new(std::iter::empty())
    }

    fn topics(&self) -> Vec<TopicParams> {
        Vec::new()
    }
}
