//! Where a consumer listens.

use http::Uri;
use std::fmt;
use std::str::FromStr;

/// The address of a consumer, from `http://HOST[:PORT][/prefix]`.
///
/// The port is 80 where none is given. The prefix goes before the target of each replayed
/// request, byte for byte; slashes at its end are dropped, since a target begins with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// The text is not the address of a consumer. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// `https` is not spoken.
    #[error("https consumers are not supported: give http://HOST:PORT, on the same machine")]
    Https,
    /// Another scheme than `http`, or none.
    #[error("a consumer is given as http://HOST:PORT[/prefix]")]
    Scheme,
    /// A name or password before the host.
    #[error("a consumer's address has no user name or password")]
    UserInfo,
    /// Nothing where the host belongs, or letters that a host cannot have.
    #[error("the host of a consumer's address is missing or malformed")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port of a consumer's address is a number from 1 to 65535")]
    Port,
    /// A query or a fragment: a prefix is a path only.
    #[error("a consumer's address has no query and no fragment")]
    Query,
    /// Longer than the limit.
    #[error("a consumer's address has at most {} bytes", Endpoint::BYTES_MAX)]
    TooLong,
}

impl Endpoint {
    /// The longest address, in bytes.
    pub const BYTES_MAX: usize = 1024;

    /// The host to connect to: a name or an address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as they were given, for the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What goes before each target: empty, or a path that begins with `/` and does not end so.
    pub fn prefix(&self) -> &str {
        self.path.trim_end_matches('/')
    }

    /// The path as it was given, `/` where none was: the target of a request that has none of
    /// its own.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.len() > Self::BYTES_MAX {
            return Err(EndpointError::TooLong);
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http") => {}
            Some("https") => return Err(EndpointError::Https),
            Some(_) | None => return Err(EndpointError::Scheme),
        }
        if text.contains(['#', '?']) {
            return Err(EndpointError::Query);
        }
        let uri: Uri = text.parse().map_err(|_| EndpointError::Host)?;
        let authority = uri.authority().ok_or(EndpointError::Host)?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::UserInfo);
        }
        let host = authority.host();
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            None => 80,
            Some(digits) => digits.parse().map_err(|_| EndpointError::Port)?,
        };
        if port == 0 {
            return Err(EndpointError::Port);
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Err(EndpointError::Host);
        }
        Ok(Self {
            host: bare.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            path: uri.path().to_owned(),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path == "/" { "" } else { &self.path };
        write!(f, "http://{}{path}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, host, port, authority, prefix, path) in [
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080", "", "/"),
            ("http://app", "app", 80, "app", "", "/"),
            ("HTTP://App:81/", "App", 81, "App:81", "", "/"),
            ("http://[::1]:9/a/b/", "::1", 9, "[::1]:9", "/a/b", "/a/b/"),
            ("http://h:1/%2F.", "h", 1, "h:1", "/%2F.", "/%2F."),
            ("http://h//", "h", 80, "h", "", "//"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.host(), host, "{text}");
            assert_eq!(endpoint.port(), port, "{text}");
            assert_eq!(endpoint.authority(), authority, "{text}");
            assert_eq!(endpoint.prefix(), prefix, "{text}");
            assert_eq!(endpoint.path(), path, "{text}");
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        let long = format!("http://h/{}", "a".repeat(Endpoint::BYTES_MAX));
        for (text, reason) in [
            ("https://h:1", EndpointError::Https),
            ("ftp://h", EndpointError::Scheme),
            ("127.0.0.1:8080", EndpointError::Scheme),
            ("http://u:p@h:1", EndpointError::UserInfo),
            ("http://", EndpointError::Host),
            ("http://:80", EndpointError::Host),
            ("http://a b", EndpointError::Host),
            ("http://h:0", EndpointError::Port),
            ("http://h:65536", EndpointError::Port),
            ("http://h:", EndpointError::Port),
            ("http://h/?x", EndpointError::Query),
            ("http://h/#x", EndpointError::Query),
            (&long, EndpointError::TooLong),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(reason), "{text}");
        }
    }
}
