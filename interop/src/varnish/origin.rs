//! The site behind the caches: every answer says how many answers there were before it, so that
//! no two copies of an object are alike.

use crate::trouble::{During as _, Trouble};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the origin was asked.
#[derive(Debug, Default)]
struct Asked {
    answers: u64,
    gets: BTreeMap<(String, String), u64>,
    others: Vec<Method>,
}

/// A running origin. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Origin {
    asked: Arc<Mutex<Asked>>,
    addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Origin {
    /// Starts it on a port that is free.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn start() -> Result<Self, Trouble> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.during("the origin")?;
        let addr = listener.local_addr().during("the origin")?;
        let asked = Arc::<Mutex<Asked>>::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&asked)));
        Ok(Self { asked, addr, accepting })
    }

    /// Where it listens.
    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How often it was asked for one object.
    pub(super) fn asked(&self, host: &str, target: &str) -> u64 {
        let key = (host.to_owned(), target.to_owned());
        lock(&self.asked).gets.get(&key).copied().unwrap_or(0)
    }

    /// How many answers it gave in all.
    pub(super) fn answers(&self) -> u64 {
        lock(&self.asked).answers
    }

    /// The methods other than GET that came.
    pub(super) fn other_methods(&self) -> Vec<Method> {
        lock(&self.asked).others.clone()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(asked: &Mutex<Asked>) -> MutexGuard<'_, Asked> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, asked: Arc<Mutex<Asked>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let asked = Arc::clone(&asked);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer(&asked, &request);
            async { Ok::<_, Infallible>(answer) }
        });
        // A cache that closes its connection is none of the origin's business.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn answer(asked: &Mutex<Asked>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    let host = String::from_utf8_lossy(host).into_owned();
    let target = request.uri().to_string();
    let mut asked = lock(asked);
    asked.answers += 1;
    if request.method() == Method::GET {
        *asked.gets.entry((host, target)).or_default() += 1;
    } else {
        asked.others.push(request.method().clone());
    }
    let mut response = Response::new(Full::from(format!("answer {}\n", asked.answers)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::get;

    #[tokio::test]
    async fn every_answer_is_new_and_counted_by_object() {
        let origin = Origin::start().await.unwrap();
        for (host, target, body) in [
            ("a.test", "/x", "answer 1\n"),
            ("a.test", "/x", "answer 2\n"),
            ("b.test", "/x", "answer 3\n"),
            ("a.test", "/x?q=%2f", "answer 4\n"),
        ] {
            let answer = get(origin.addr(), host, target).await.unwrap();
            assert_eq!((answer.status, &*answer.body), (200, body.as_bytes()));
            assert_eq!(answer.header("cache-control"), "max-age=3600");
        }
        assert_eq!(origin.asked("a.test", "/x"), 2);
        assert_eq!(origin.asked("b.test", "/x"), 1);
        assert_eq!(origin.asked("a.test", "/x?q=%2f"), 1);
        assert_eq!(origin.asked("b.test", "/x?q=%2f"), 0);
        assert_eq!(origin.answers(), 4);
        assert!(origin.other_methods().is_empty());
    }
}
