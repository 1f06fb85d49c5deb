//! From the text of one setting to its value.

use super::overlay::Tags;
use super::{Advertise, AgentConfig, ConfigError, GOSSIP_PORT, Profile};
use crate::delivery::{Endpoint, EndpointError};
use bruit_model::{MemberRecord, Pattern, Target};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

fn bad(
    key: &'static str,
    value: &str,
    why: impl Into<String>,
    remedy: &'static str,
) -> ConfigError {
    ConfigError::BadValue { key, value: value.escape_debug().to_string(), why: why.into(), remedy }
}

pub(super) fn name(text: String) -> Result<String, ConfigError> {
    if MemberRecord::is_valid_name(&text) {
        return Ok(text);
    }
    let why = format!("not 1 to {} bytes without control characters", MemberRecord::NAME_BYTES_MAX);
    Err(bad("name", &text, why, "write a name such as web-1"))
}

/// `1.2.3.4`, `1.2.3.4:5`, `::1` or `[::1]:5`.
fn ip_and_port(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return Some((addr.ip(), Some(addr.port())));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().map(|ip| (ip, None))
}

pub(super) fn address(key: &'static str, text: &str, port: u16) -> Result<SocketAddr, ConfigError> {
    let (ip, given) = ip_and_port(text).ok_or_else(|| {
        bad(
            key,
            text,
            "not an address of this machine",
            "write 10.0.0.5, 10.0.0.5:7071 or [::1]:7071",
        )
    })?;
    Ok(SocketAddr::new(ip, given.unwrap_or(port)))
}

pub(super) fn advertise(text: &str) -> Result<Advertise, ConfigError> {
    const REMEDY: &str = "write the address that others can reach, such as 10.0.0.5";
    let (ip, port) =
        ip_and_port(text).ok_or_else(|| bad("advertise", text, "not an address", REMEDY))?;
    if ip.is_unspecified() {
        return Err(bad("advertise", text, "a wildcard tells others nothing", REMEDY));
    }
    if port == Some(0) {
        return Err(bad("advertise", text, "port 0 cannot be reached", "leave the port out"));
    }
    Ok(Advertise { ip, port })
}

/// An address or a name, with or without port, as `join` takes it.
pub(crate) fn target(text: &str) -> Result<Target, ConfigError> {
    const REMEDY: &str = "write 10.0.0.5, 10.0.0.5:7071 or host.example:7071";
    if let Some((ip, port)) = ip_and_port(text) {
        let port = port.unwrap_or(GOSSIP_PORT);
        if ip.is_unspecified() || port == 0 {
            return Err(bad("join", text, "nobody can be reached there", REMEDY));
        }
        return Ok(Target::Addr(SocketAddr::new(ip, port)));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => {
            let port = port.parse().ok().filter(|port| *port != 0);
            (host, port.ok_or_else(|| bad("join", text, "not a port", REMEDY))?)
        }
        None => (text, GOSSIP_PORT),
    };
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(of_a_name) {
        return Err(bad("join", text, "neither an address nor a host name", REMEDY));
    }
    Ok(Target::Name(host.to_owned(), port))
}

pub(super) fn targets(texts: &[String]) -> Result<Vec<Target>, ConfigError> {
    if texts.len() > AgentConfig::JOIN_MAX {
        let why = format!("more than {} addresses", AgentConfig::JOIN_MAX);
        return Err(bad("join", "…", why, "name a few; the rest is found through them"));
    }
    texts.iter().map(|text| target(text)).collect()
}

pub(super) fn app(text: &str) -> Result<Endpoint, ConfigError> {
    const REMEDY: &str = "write the service's URL, such as http://127.0.0.1:8080";
    text.parse().map_err(|error: EndpointError| bad("app", text, error.to_string(), REMEDY))
}

pub(super) fn host(text: String) -> Result<String, ConfigError> {
    match text.parse::<http::uri::Authority>() {
        Ok(authority) if !authority.as_str().contains('@') => Ok(text),
        Ok(_) | Err(_) => {
            Err(bad("app-host", &text, "not a host", "write a host such as www.example.org"))
        }
    }
}

pub(super) fn patterns(texts: &[String]) -> Result<Vec<Pattern>, ConfigError> {
    if texts.len() > AgentConfig::SUBSCRIPTIONS_MAX {
        let why = format!("more than {} patterns", AgentConfig::SUBSCRIPTIONS_MAX);
        return Err(bad("subscribe", "…", why, "use fewer, wider patterns"));
    }
    let one = |text: &String| {
        Pattern::parse(text).map_err(|error| {
            bad("subscribe", text, error.to_string(), "write a pattern such as cache/**")
        })
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

pub(super) fn tags(given: Tags) -> Result<BTreeMap<String, String>, ConfigError> {
    const REMEDY: &str = "write KEY=VALUE, such as role=web";
    let pairs: Vec<(String, String)> = match given {
        Tags::Table(table) => table.into_iter().collect(),
        Tags::List(list) => {
            let split = |text: &String| {
                let pair = text.split_once('=');
                pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .ok_or_else(|| bad("tag", text, "no = in it", REMEDY))
            };
            list.iter().map(split).collect::<Result<_, _>>()?
        }
    };
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        check_tag(&key, &value).map_err(|why| bad("tag", &key, why, REMEDY))?;
        tags.insert(key, value);
    }
    Ok(tags)
}

pub(super) fn profile(text: &str) -> Result<Profile, ConfigError> {
    [Profile::Local, Profile::Lan, Profile::Wan]
        .into_iter()
        .find(|profile| profile.word() == text)
        .ok_or_else(|| bad("profile", text, "not a profile", "write local, lan or wan"))
}
