//! From the text of one setting to its value.

use super::{Advertise, AgentConfig, Bad, GOSSIP_PORT, LogFormat, LogLevel, Profile, SyncLevel};
use crate::delivery::{Endpoint, EndpointError, Exec};
use crate::receipts::parse_duration;
use bruit_model::{MemberRecord, Pattern, Target};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

fn bad(value: &str, why: impl Into<String>, remedy: &'static str) -> Bad {
    Bad::new(value, why, remedy)
}

pub(super) fn name(text: &str) -> Result<String, Bad> {
    if MemberRecord::is_valid_name(text) {
        return Ok(text.to_owned());
    }
    let why = format!("not 1 to {} bytes without control characters", MemberRecord::NAME_BYTES_MAX);
    Err(bad(text, why, "write a name such as web-1"))
}

/// `1.2.3.4`, `1.2.3.4:5`, `::1` or `[::1]:5`.
fn ip_and_port(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return Some((addr.ip(), Some(addr.port())));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().map(|ip| (ip, None))
}

pub(super) fn address(text: &str, port: u16) -> Result<SocketAddr, Bad> {
    let (ip, given) = ip_and_port(text).ok_or_else(|| {
        bad(text, "not an address of this machine", "write 10.0.0.5, 10.0.0.5:7071 or [::1]:7071")
    })?;
    Ok(SocketAddr::new(ip, given.unwrap_or(port)))
}

pub(super) fn advertise(text: &str) -> Result<Advertise, Bad> {
    const REMEDY: &str = "write the address that others can reach, such as 10.0.0.5";
    let (ip, port) = ip_and_port(text).ok_or_else(|| bad(text, "not an address", REMEDY))?;
    if ip.is_unspecified() {
        return Err(bad(text, "a wildcard tells others nothing", REMEDY));
    }
    if port == Some(0) {
        return Err(bad(text, "port 0 cannot be reached", "leave the port out"));
    }
    Ok(Advertise { ip, port })
}

/// An address or a name, with or without port, as `join` takes it.
pub(crate) fn target(text: &str) -> Result<Target, Bad> {
    const REMEDY: &str = "write 10.0.0.5, 10.0.0.5:7071 or host.example:7071";
    if let Some((ip, port)) = ip_and_port(text) {
        let port = port.unwrap_or(GOSSIP_PORT);
        if ip.is_unspecified() || port == 0 {
            return Err(bad(text, "nobody can be reached there", REMEDY));
        }
        return Ok(Target::Addr(SocketAddr::new(ip, port)));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => {
            let port = port.parse().ok().filter(|port| *port != 0);
            (host, port.ok_or_else(|| bad(text, "not a port", REMEDY))?)
        }
        None => (text, GOSSIP_PORT),
    };
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(of_a_name) {
        return Err(bad(text, "neither an address nor a host name", REMEDY));
    }
    Ok(Target::Name(host.to_owned(), port))
}

pub(super) fn targets(texts: &[String]) -> Result<Vec<Target>, Bad> {
    if texts.len() > AgentConfig::JOIN_MAX {
        let why = format!("more than {} addresses", AgentConfig::JOIN_MAX);
        return Err(bad("…", why, "name a few; the rest is found through them"));
    }
    texts.iter().map(|text| target(text)).collect()
}

pub(super) fn app(text: &str) -> Result<Endpoint, Bad> {
    const REMEDY: &str = "write the service's URL, such as http://127.0.0.1:8080";
    text.parse().map_err(|error: EndpointError| bad(text, error.to_string(), REMEDY))
}

pub(super) fn host(text: &str) -> Result<String, Bad> {
    match text.parse::<http::uri::Authority>() {
        Ok(authority) if !authority.as_str().contains('@') => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err(bad(text, "not a host", "write a host such as www.example.org")),
    }
}

pub(super) fn allow_endpoints(texts: &[String]) -> Result<Vec<String>, Bad> {
    if texts.len() > AgentConfig::ALLOW_ENDPOINTS_MAX {
        let why = format!("more than {} hosts", AgentConfig::ALLOW_ENDPOINTS_MAX);
        return Err(bad("…", why, "use fewer"));
    }
    texts.iter().map(|text| if text == "*" { Ok(text.clone()) } else { host(text) }).collect()
}

pub(super) fn patterns(texts: &[String]) -> Result<Vec<Pattern>, Bad> {
    if texts.len() > AgentConfig::SUBSCRIBE_MAX {
        let why = format!("more than {} patterns", AgentConfig::SUBSCRIBE_MAX);
        return Err(bad("…", why, "use fewer, wider patterns"));
    }
    let one = |text: &String| {
        Pattern::parse(text)
            .map_err(|error| bad(text, error.to_string(), "write a pattern such as cache/**"))
    };
    texts.iter().map(one).collect()
}

/// Checks one metadata key and value; the text says what is wrong.
pub(crate) fn check_tag(key: &str, value: &str) -> Result<(), String> {
    if key.is_empty() || key.len() > AgentConfig::TAG_KEY_BYTES_MAX {
        return Err(format!("a key has 1 to {} bytes", AgentConfig::TAG_KEY_BYTES_MAX));
    }
    if key.starts_with('$') {
        return Err("keys that start with $ are reserved".to_owned());
    }
    if key.chars().any(char::is_control) {
        return Err("a key has no control characters".to_owned());
    }
    if value.len() > AgentConfig::TAG_VALUE_BYTES_MAX {
        return Err(format!("a value has at most {} bytes", AgentConfig::TAG_VALUE_BYTES_MAX));
    }
    Ok(())
}

pub(super) fn tag(key: &str, value: &str) -> Result<(), Bad> {
    let remedy = "write KEY=VALUE, such as role=web";
    check_tag(key, value).map_err(|why| bad(key, why, remedy))
}

pub(super) fn exec(words: &[String]) -> Result<Exec, Bad> {
    match words {
        [program, arguments @ ..] if !program.is_empty() => {
            Ok(Exec { program: program.into(), arguments: arguments.to_vec() })
        }
        [] | [..] => Err(bad("", "no program", "write a program and its arguments")),
    }
}

/// Takes a command apart as a shell would; `None` if a quote is open at its end.
pub(super) fn command(text: &str) -> Option<Vec<String>> {
    shlex::split(text)
}

pub(super) fn drain_timeout(text: &str) -> Result<Duration, Bad> {
    const REMEDY: &str = "write 500ms, 30s or at most 60m";
    let time = parse_duration(text).ok_or_else(|| bad(text, "not a time", REMEDY))?;
    if time > AgentConfig::DRAIN_TIMEOUT_MAX {
        return Err(bad(text, "longer than an hour", REMEDY));
    }
    Ok(time)
}

/// The one of `all` with that word.
fn word<T: Copy>(
    all: &[T],
    of: impl Fn(T) -> &'static str,
    text: &str,
    remedy: &'static str,
) -> Result<T, Bad> {
    let found = all.iter().find(|each| of(**each) == text);
    found.copied().ok_or_else(|| bad(text, "not among what it takes", remedy))
}

pub(super) fn sync(text: &str) -> Result<SyncLevel, Bad> {
    word(&[SyncLevel::Commit, SyncLevel::Batch], SyncLevel::word, text, "write commit or batch")
}

pub(super) fn log_level(text: &str) -> Result<LogLevel, Bad> {
    word(&LogLevel::ALL, LogLevel::word, text, "write error, warn, info, debug or trace")
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, Bad> {
    word(&LogFormat::ALL, LogFormat::word, text, "write text or json")
}

pub(super) fn profile(text: &str) -> Result<Profile, Bad> {
    let all = [Profile::Local, Profile::Lan, Profile::Wan];
    word(&all, Profile::word, text, "write local, lan or wan")
}
