//! How items reach a consumer.

use super::Endpoint;
use std::fmt;
use std::path::PathBuf;

/// In which form, and by which way, a consumer gets its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Over HTTP, as requests to an endpoint.
    Http(HttpMode),
    /// To whoever is connected to the subscription's stream, by server-sent events or WebSocket.
    Stream,
    /// To a program that is started for each item.
    Exec(Exec),
}

/// Requests to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpMode {
    /// Where the consumer listens.
    pub endpoint: Endpoint,
    /// What the requests look like.
    pub form: Form,
    /// Whether to speak HTTP/2 with prior knowledge (RFC 9113 3.3), instead of HTTP/1.1.
    pub http2: bool,
}

/// What a request looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As it was: the replayed request, or a `POST` of the event's body.
    #[default]
    Verbatim,
    /// A `CloudEvents` message in binary content mode.
    CloudEventsBinary,
    /// A `CloudEvents` message in structured content mode, as JSON.
    CloudEventsStructured,
}

/// A program that is started for each item: the payload on its standard input, what else the
/// item says in its environment. Taken from settings only, never from the API or from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub program: PathBuf,
    /// Its arguments. No shell reads them.
    pub arguments: Vec<String>,
}

impl Mode {
    /// Replayed as they were, over HTTP/1.1.
    pub const fn http(endpoint: Endpoint) -> Self {
        Self::Http(HttpMode { endpoint, form: Form::Verbatim, http2: false })
    }

    /// The word for it, in settings and the API.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Http(HttpMode { form: Form::Verbatim, .. }) => "http",
            Self::Http(HttpMode { form: Form::CloudEventsBinary, .. }) => "cloudevents",
            Self::Http(HttpMode { form: Form::CloudEventsStructured, .. }) => {
                "cloudevents-structured"
            }
            Self::Stream => "stream",
            Self::Exec(_) => "exec",
        }
    }

    /// The endpoint, where there is one.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Http(http) => Some(&http.endpoint),
            Self::Stream | Self::Exec(_) => None,
        }
    }
}

/// Where items go, for people: an address, a command, or that it is a stream.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(http) => http.endpoint.fmt(f),
            Self::Stream => f.write_str("stream"),
            Self::Exec(exec) => {
                write!(f, "exec {}", exec.program.display())?;
                exec.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
            }
        }
    }
}

/// From when on a new subscription gets items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// From its beginning on. One that is known from before resumes where it was.
    #[default]
    Now,
    /// Also what the agent holds of earlier items.
    Retained,
}

impl From {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Retained => "retained",
        }
    }
}

/// Who made a subscription, and so who may change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Flags, environment or files.
    #[default]
    Settings,
    /// The API, while the agent ran. Kept over restarts where there is a state directory.
    Api,
}

impl Source {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Api => "api",
        }
    }
}

/// How often a consumer is asked whether it is well. While it is not, its items wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The path that is asked for with `GET`, with a leading slash: 2xx is well. The endpoint's
    /// prefix does not go before it.
    pub path: String,
    /// How often. Default: 2 s (guess). 100 ms to 1 h.
    pub period: std::time::Duration,
}
