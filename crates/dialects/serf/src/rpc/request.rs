//! What a client asks.

use super::Objects;
use crate::codec::msgpack::{Form, Pairs, Reader, record};
use crate::limits::{EVENT, NAME, NAMES, RECORD, TAGS, TEXT};
use bruit_wire::{DecodeError, Sink};
use bytes::Bytes;

record! {
    /// Stands in front of each request.
    pub struct RequestHeader {
        /// What is asked.
        "Command" command: String, TEXT;
        /// Repeated by the answer and by what is streamed.
        "Seq" seq: u64, RECORD;
    }
    source ["Command", "Seq"]

    /// Must come first.
    pub struct Handshake {
        /// 1.
        "Version" version: i32, RECORD;
    }
    source ["Version"]

    /// Says the token.
    pub struct Auth {
        /// The token.
        "AuthKey" token: String, TEXT;
    }
    source ["AuthKey"]

    /// Fires a user event.
    pub struct Event {
        /// Whether a receiver may give only the newest of that name.
        "Coalesce" coalesce: bool, RECORD;
        /// Its name.
        "Name" name: String, EVENT;
        /// Its payload.
        "Payload" payload: Option<Bytes>, EVENT;
    }
    source ["Name", "Payload", "Coalesce"]

    /// Makes another member leave.
    pub struct ForceLeave {
        /// Who.
        "Node" node: String, NAME;
        /// Whether it is to be forgotten at once.
        "Prune" prune: bool, RECORD;
    }
    source ["Node", "Prune"]

    /// Joins a cluster.
    pub struct Join {
        /// Addresses of members.
        "Existing" existing: Option<Vec<String>>, NAMES;
        /// Whether events from before are wanted.
        "Replay" replay: bool, RECORD;
    }
    source ["Existing", "Replay"]

    /// Asks for members, by regular expressions that must fit the whole.
    pub struct MembersFiltered {
        /// For a name.
        "Name" name: String, TEXT;
        /// For a status.
        "Status" status: String, TEXT;
        /// For tags.
        "Tags" tags: Option<Pairs<String>>, TAGS;
    }
    source ["Tags", "Status", "Name"]

    /// Installs, uses or removes a key.
    pub struct Key {
        /// In base64.
        "Key" key: String, TEXT;
    }
    source ["Key"]

    /// Asks for events as they happen.
    pub struct Stream {
        /// Which, as `member-join,user:deploy`; `*` is all.
        "Type" filter: String, TEXT;
    }
    source ["Type"]

    /// Asks for the log.
    pub struct Monitor {
        /// From which level on.
        "LogLevel" level: String, TEXT;
    }
    source ["LogLevel"]

    /// Ends a stream or the log.
    pub struct Stop {
        /// Which: the `Seq` of its request.
        "Stop" stop: u64, RECORD;
    }
    source ["Stop"]

    /// Changes our tags.
    pub struct Tags {
        /// Which are removed.
        "DeleteTags" delete: Option<Vec<String>>, NAMES;
        /// Which are set.
        "Tags" tags: Option<Pairs<String>>, TAGS;
    }
    source ["Tags", "DeleteTags"]

    /// Asks members.
    pub struct Query {
        /// Only these; none: all.
        "FilterNodes" filter_nodes: Option<Vec<String>>, NAMES;
        /// Only those whose tags fit.
        "FilterTags" filter_tags: Option<Pairs<String>>, TAGS;
        /// What is asked.
        "Name" name: String, EVENT;
        /// With what.
        "Payload" payload: Option<Bytes>, EVENT;
        /// How many members pass answers on.
        "RelayFactor" relay_factor: u8, RECORD;
        /// Whether each is to say that the query has come.
        "RequestAck" wants_ack: bool, RECORD;
        /// For how many nanoseconds; 0: Serf's default.
        "Timeout" timeout_nanos: i64, RECORD;
    }
    source [
        "FilterNodes", "FilterTags", "RequestAck", "RelayFactor", "Timeout", "Name", "Payload",
    ]

    /// Answers a query that was streamed.
    pub struct Respond {
        /// Which.
        "ID" id: u64, RECORD;
        /// With what.
        "Payload" payload: Option<Bytes>, EVENT;
    }
    source ["ID", "Payload"]

    /// Asks for a member's coordinate.
    pub struct NodeName {
        /// Whose.
        "Node" node: String, NAME;
    }
    source ["Node"]
}

macro_rules! requests {
    ($($(#[$doc:meta])* $variant:ident $command:literal $(($body:ty))?;)*) => {
        /// A request.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $variant $(($body))?,)*
        }

        impl Request {
            /// Every command.
            pub const COMMANDS: &[&str] = &[$($command),*];

            /// What stands in the header.
            pub const fn command(&self) -> &'static str {
                match self {
                    $(Self::$variant $((requests!(@any $body)))? => $command,)*
                }
            }

            /// How many objects the request takes, its header among them.
            fn objects(command: &str) -> Result<usize, DecodeError> {
                match command {
                    $($command => Ok(1 $(+ requests!(@one $body))?),)*
                    _ => Err(DecodeError::Invalid("command")),
                }
            }

            fn read_body(command: &str, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match command {
                    $($command => Ok(Self::$variant $((<$body>::read(reader)?))?),)*
                    _ => Err(DecodeError::Invalid("command")),
                }
            }

            fn write_body<S: Sink>(&self, form: Form, out: &mut S) {
                match self {
                    $(requests!(@pattern $variant body $($body)?) =>
                        requests!(@write body form out $($body)?),)*
                }
            }
        }
    };
    (@any $body:ty) => { _ };
    (@one $body:ty) => { 1 };
    (@pattern $variant:ident $name:ident) => { Self::$variant };
    (@pattern $variant:ident $name:ident $body:ty) => { Self::$variant($name) };
    (@write $name:ident $form:ident $out:ident) => { () };
    (@write $name:ident $form:ident $out:ident $body:ty) => { $name.write($form, $out) };
}

requests! {
    /// Must come first.
    Handshake "handshake" (Handshake);
    /// Says the token.
    Auth "auth" (Auth);
    /// Fires a user event.
    Event "event" (Event);
    /// Makes another member leave.
    ForceLeave "force-leave" (ForceLeave);
    /// Joins a cluster.
    Join "join" (Join);
    /// Asks for all members.
    Members "members";
    /// Asks for some members.
    MembersFiltered "members-filtered" (MembersFiltered);
    /// Installs a key on all members.
    InstallKey "install-key" (Key);
    /// Makes a key the primary one on all members.
    UseKey "use-key" (Key);
    /// Removes a key from all members.
    RemoveKey "remove-key" (Key);
    /// Asks all members for their keys.
    ListKeys "list-keys";
    /// Asks for events as they happen.
    Stream "stream" (Stream);
    /// Asks for the log.
    Monitor "monitor" (Monitor);
    /// Ends a stream or the log.
    Stop "stop" (Stop);
    /// Leaves, and ends the agent.
    Leave "leave";
    /// Changes our tags.
    Tags "tags" (Tags);
    /// Asks members.
    Query "query" (Query);
    /// Answers a query that was streamed.
    Respond "respond" (Respond);
    /// Asks for statistics.
    Stats "stats";
    /// Asks for a member's coordinate.
    Coordinate "get-coordinate" (NodeName);
}

impl Request {
    /// Takes the next request off a stream, once it is whole: its `Seq`, and it. An unknown command
    /// is an error for that request only: its header is passed over.
    ///
    /// # Errors
    /// The outer: the stream is of no more use. The inner: the command is unknown.
    #[allow(clippy::type_complexity, reason = "each layer of the result is told above")]
    pub fn take(
        objects: &mut Objects,
    ) -> Result<Option<(u64, Result<Self, DecodeError>)>, DecodeError> {
        let Some(header) = objects.whole(1)? else { return Ok(None) };
        let header_len = header.len();
        let header = RequestHeader::read(&mut Reader::new(header))?;
        let count = match Self::objects(&header.command) {
            Ok(count) => count,
            Err(error) => {
                objects.consume(header_len);
                return Ok(Some((header.seq, Err(error))));
            }
        };
        let Some(whole) = objects.whole(count)? else { return Ok(None) };
        let length = whole.len();
        let request = Self::read_body(&header.command, &mut Reader::new(&whole[header_len..]))?;
        objects.consume(length);
        Ok(Some((header.seq, Ok(request))))
    }

    /// Writes it with its header.
    pub fn write<S: Sink>(&self, seq: u64, form: Form, out: &mut S) {
        RequestHeader { command: self.command().to_owned(), seq }.write(form, out);
        self.write_body(form, out);
    }
}
