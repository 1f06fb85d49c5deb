//! An HTTP connection to an agent's API.

use crate::failure::{Doing as _, Failure};
use crate::peer::Task;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// The most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A connection that is kept, and made anew when the agent has closed it for being idle.
#[derive(Debug)]
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    addr: SocketAddr,
    /// Moves the bytes.
    connection: Task,
}

impl Client {
    /// Connects to the API at `addr`.
    pub(crate) async fn connect(addr: SocketAddr) -> Result<Self, Failure> {
        let what = || format!("connecting to the API at {addr}");
        let stream = TcpStream::connect(addr).await.doing(what())?;
        stream.set_nodelay(true).doing(what())?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.doing(what())?;
        // An error ends the requests too, and they tell it.
        let connection = Task::run(async move { drop(connection.await) });
        Ok(Self { sender, addr, connection })
    }

    /// Sends a request and waits for the head of a good answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let what = format!("{method} {path} at {}", self.addr);
        let host = self.addr.to_string();
        let request = Request::builder().method(method).uri(path).header("host", host);
        let request = request.body(Full::new(body)).doing(&what)?;
        if self.sender.is_closed() {
            *self = Self::connect(self.addr).await?;
        }
        self.sender.ready().await.doing(&what)?;
        let response = self.sender.send_request(request).await.doing(&what)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = read(response).await?;
        Err(Failure::new(format!("{what}: {status}: {}", String::from_utf8_lossy(&text))))
    }

    /// Reads JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, Failure> {
        let response = self.send(Method::GET, path, Bytes::new()).await?;
        serde_json::from_slice(&read(response).await?).doing(path)
    }

    /// Publishes, and waits until the agent has accepted it.
    pub(crate) async fn post(&mut self, path: &str, body: Vec<u8>) -> Result<(), Failure> {
        let response = self.send(Method::POST, path, body.into()).await?;
        let status = response.status();
        read(response).await?;
        if status == StatusCode::ACCEPTED {
            Ok(())
        } else {
            Err(Failure::new(format!("POST {path}: {status}, not 202")))
        }
    }

    /// Reads the rest of an answer, so that the connection takes another request.
    pub(crate) async fn finish(&self, response: Response<Incoming>) -> Result<(), Failure> {
        read(response).await.map(drop)
    }

    /// The task that moves the bytes, to be kept as long as an answer is read.
    pub(crate) fn into_connection(self) -> Task {
        self.connection
    }
}

async fn read(response: Response<Incoming>) -> Result<Bytes, Failure> {
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    Ok(body.doing("reading an answer")?.to_bytes())
}
