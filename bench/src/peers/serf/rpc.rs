//! The RPC of `serf agent`: msgpack objects back to back on a TCP connection.
//!
//! A request is a header (`Command`, `Seq`) and, for some commands, a body. The answer is a
//! header (`Error`, `Seq`) and, for some commands, a body; a stream goes on with pairs of header
//! and record. Source: `cmd/serf/command/agent/ipc.go` of Serf 0.8.

use crate::failure::{Doing as _, Failure};
use rmpv::Value;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The version of the protocol.
const VERSION: i64 = 1;
/// The most bytes of an object.
const OBJECT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How many bytes are read at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// A connection that has shaken hands.
#[derive(Debug)]
pub(super) struct Rpc {
    stream: TcpStream,
    unread: Vec<u8>,
    seq: u64,
    /// When the last bytes came.
    pub(super) read_at: Instant,
}

impl Rpc {
    /// Connects and shakes hands.
    pub(super) async fn connect(addr: SocketAddr) -> Result<Self, Failure> {
        let what = || format!("connecting to the RPC of serf at {addr}");
        let stream = TcpStream::connect(addr).await.doing(what())?;
        stream.set_nodelay(true).doing(what())?;
        let mut rpc = Self { stream, unread: Vec::new(), seq: 0, read_at: Instant::now() };
        rpc.call("handshake", Some(map([("Version", VERSION.into())]))).await?;
        Ok(rpc)
    }

    /// Sends a command and takes the header of its answer.
    pub(super) async fn call(&mut self, command: &str, body: Option<Value>) -> Result<(), Failure> {
        self.seq += 1;
        let header = map([("Command", command.into()), ("Seq", self.seq.into())]);
        let mut bytes = Vec::new();
        for value in std::iter::once(header).chain(body) {
            rmpv::encode::write_value(&mut bytes, &value).doing("encoding for serf")?;
        }
        self.stream.write_all(&bytes).await.doing("writing to serf")?;
        let header = self.object().await?;
        match field(&header, "Error").and_then(Value::as_str) {
            Some("") => Ok(()),
            error => Err(Failure::new(format!("serf answers {command}: {error:?}"))),
        }
    }

    /// The next object: the body of an answer, or a header or record of a stream.
    pub(super) async fn object(&mut self) -> Result<Value, Failure> {
        loop {
            if let Some(value) = self.decode()? {
                return Ok(value);
            }
            if self.unread.len() > OBJECT_BYTES_MAX {
                return Err(Failure::new("serf sends an object that is too large"));
            }
            self.unread.reserve(CHUNK_BYTES);
            let count = self.stream.read_buf(&mut self.unread).await.doing("reading from serf")?;
            self.read_at = Instant::now();
            if count == 0 {
                return Err(Failure::new("serf closed its RPC connection"));
            }
        }
    }

    fn decode(&mut self) -> Result<Option<Value>, Failure> {
        let mut rest = self.unread.as_slice();
        match rmpv::decode::read_value(&mut rest) {
            Ok(value) => {
                let taken = self.unread.len() - rest.len();
                self.unread.drain(..taken);
                Ok(Some(value))
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(Failure::new(format!("serf sends what is no msgpack: {error}"))),
        }
    }
}

/// A map with these entries.
pub(super) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// The value of a map's key.
pub(super) fn field<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
}

/// Bytes, however they are marked.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    value.as_slice().or_else(|| value.as_str().map(str::as_bytes))
}
