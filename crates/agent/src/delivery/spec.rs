//! A subscription as text: in files of settings, over the API, and in the store.

use super::mode::{Exec, Form, From, Health, HttpMode, Mode, Source};
use super::{EndpointError, Filter, FilterError, Policy, SubscribeError, Subscription};
use crate::config::nearest;
use crate::receipts::parse_duration;
use bruit_model::{Order, Pattern, PatternError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// What one subscription says of itself. What is left out has the default of [`Policy`]; durations
/// are texts such as `500ms`, `10s` or `5m`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SubscriptionSpec {
    /// Which paths: a glob such as `cache/**`.
    pub pattern: String,
    /// `http` (the default), `cloudevents`, `cloudevents-structured`, `stream` or `exec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The consumer's address, for the first three modes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Program and arguments, for `exec`. From settings only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The Host of replayed requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Whether to speak HTTP/2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2: Option<bool>,
    /// `now` (the default) or `retained`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `none` (the default) or `fifo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Conditions that must all hold, see [`Filter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<Vec<String>>,
    /// [`Policy::timeout`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// [`Policy::attempts_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// [`Policy::retry_for`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_for: Option<String>,
    /// [`Policy::backoff_base`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<String>,
    /// [`Policy::backoff_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_max: Option<String>,
    /// [`Policy::retry_after_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_max: Option<String>,
    /// [`Policy::concurrency`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u16>,
    /// [`Policy::rate_per_second`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// [`Policy::queue_items_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_items: Option<usize>,
    /// [`Policy::queue_bytes_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_bytes: Option<usize>,
    /// [`Policy::breaker_failures`]; 0 turns the circuit breaker off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<u32>,
    /// [`Health::path`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// [`Health::period`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_period: Option<String>,
}

/// The text is not a subscription. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A key that no subscription has.
    #[error("a subscription has no {key:?}; did you mean {nearest:?}?")]
    UnknownKey {
        /// What was given.
        key: String,
        /// The key that looks most like it.
        nearest: &'static str,
    },
    /// A value of another kind than the key takes.
    #[error("{0}")]
    Kind(String),
    /// The pattern.
    #[error("pattern: {0}")]
    Pattern(#[from] PatternError),
    /// The endpoint.
    #[error("endpoint: {0}")]
    Endpoint(#[from] EndpointError),
    /// The filter.
    #[error("filter: {0}")]
    Filter(#[from] FilterError),
    /// A value that is not among those that the key takes.
    #[error("{key}: {value:?} is not one of {allowed}")]
    Word {
        /// Of which key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What may be given.
        allowed: &'static str,
    },
    /// Not a duration.
    #[error("{key}: {value:?} is not a time; write 500ms, 10s or 5m")]
    Duration {
        /// Of which key.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// Not within the range.
    #[error("{key} is {range}")]
    Range {
        /// Which key.
        key: &'static str,
        /// What it may be.
        range: &'static str,
    },
    /// A key that the mode needs.
    #[error("mode {mode} needs {key}")]
    Missing {
        /// Which mode.
        mode: &'static str,
        /// Which key.
        key: &'static str,
    },
    /// A key that the mode has no use for.
    #[error("mode {mode} has no use for {key}")]
    Useless {
        /// Which mode.
        mode: &'static str,
        /// Which key.
        key: &'static str,
    },
    /// A program to start, over the API.
    #[error("programs are started only where the agent's own settings say so")]
    ExecFromApi,
    /// The whole breaks a rule.
    #[error(transparent)]
    Subscription(#[from] SubscribeError),
}

/// Every key of a subscription.
pub const SPEC_KEYS: [&str; 22] = [
    "pattern",
    "mode",
    "endpoint",
    "command",
    "host",
    "http2",
    "from",
    "order",
    "filter",
    "timeout",
    "attempts",
    "retry_for",
    "backoff",
    "backoff_max",
    "retry_after_max",
    "concurrency",
    "rate",
    "queue_items",
    "queue_bytes",
    "breaker",
    "health",
    "health_period",
];

impl SubscriptionSpec {
    /// Takes a JSON object; a key may be written with `-` for `_`, as files of settings do.
    ///
    /// # Errors
    /// An unknown key, with the nearest one, or a value of the wrong kind.
    pub fn from_map(map: Map<String, Value>) -> Result<Self, SpecError> {
        let mut known = Map::new();
        for (key, value) in map {
            let key = key.replace('-', "_");
            if !SPEC_KEYS.contains(&key.as_str()) {
                let nearest = nearest(&key, &SPEC_KEYS).unwrap_or(SPEC_KEYS[0]);
                return Err(SpecError::UnknownKey { key, nearest });
            }
            known.insert(key, value);
        }
        serde_json::from_value(Value::Object(known)).map_err(|e| SpecError::Kind(e.to_string()))
    }

    /// The subscription called `name` that this describes.
    ///
    /// # Errors
    /// See [`SpecError`].
    pub fn resolve(&self, name: &str, source: Source) -> Result<Subscription, SpecError> {
        let subscription = Subscription {
            name: name.to_owned(),
            pattern: Pattern::parse(&self.pattern)?,
            mode: self.mode(source)?,
            host: self.host.clone(),
            filter: Filter::parse(self.filter.as_deref().unwrap_or_default())?,
            order: match self.order.as_deref() {
                None | Some("none") => Order::None,
                Some("fifo") => Order::Fifo,
                Some(other) => return Err(word("order", other, "none, fifo")),
            },
            from: match self.from.as_deref() {
                None | Some("now") => From::Now,
                Some("retained") => From::Retained,
                Some(other) => return Err(word("from", other, "now, retained")),
            },
            health: self.health()?,
            source,
            policy: self.policy()?,
        };
        subscription.check()?;
        Ok(subscription)
    }

    fn mode(&self, source: Source) -> Result<Mode, SpecError> {
        const MODES: &str = "http, cloudevents, cloudevents-structured, stream, exec";
        let mode = self.mode.as_deref().unwrap_or("http");
        let (word, form) = match mode {
            "http" => ("http", Form::Verbatim),
            "cloudevents" => ("cloudevents", Form::CloudEventsBinary),
            "cloudevents-structured" => ("cloudevents-structured", Form::CloudEventsStructured),
            "stream" => {
                self.without_endpoint("stream")?;
                return match self.command {
                    None => Ok(Mode::Stream),
                    Some(_) => Err(SpecError::Useless { mode: "stream", key: "command" }),
                };
            }
            "exec" => {
                self.without_endpoint("exec")?;
                return self.exec(source).map(Mode::Exec);
            }
            other => return Err(word("mode", other, MODES)),
        };
        if self.command.is_some() {
            return Err(SpecError::Useless { mode: word, key: "command" });
        }
        let missing = SpecError::Missing { mode: word, key: "endpoint" };
        let endpoint = self.endpoint.as_deref().ok_or(missing)?.parse()?;
        Ok(Mode::Http(HttpMode { endpoint, form, http2: self.http2.unwrap_or(false) }))
    }

    fn without_endpoint(&self, mode: &'static str) -> Result<(), SpecError> {
        for (key, is_given) in [
            ("endpoint", self.endpoint.is_some()),
            ("host", self.host.is_some()),
            ("http2", self.http2.is_some()),
            ("health", self.health.is_some()),
        ] {
            if is_given {
                return Err(SpecError::Useless { mode, key });
            }
        }
        Ok(())
    }

    fn exec(&self, source: Source) -> Result<Exec, SpecError> {
        if source != Source::Settings {
            return Err(SpecError::ExecFromApi);
        }
        match self.command.as_deref() {
            Some([program, arguments @ ..]) if !program.is_empty() => {
                Ok(Exec { program: program.into(), arguments: arguments.to_vec() })
            }
            Some(_) | None => Err(SpecError::Missing { mode: "exec", key: "command" }),
        }
    }

    fn health(&self) -> Result<Option<Health>, SpecError> {
        let Some(path) = &self.health else {
            return match self.health_period {
                None => Ok(None),
                Some(_) => Err(SpecError::Range {
                    key: "health_period",
                    range: "of no use without health, the path that is asked for",
                }),
            };
        };
        let is_path = path.starts_with('/') && path.parse::<http::uri::PathAndQuery>().is_ok();
        if !is_path || path.len() > 1024 {
            return Err(SpecError::Range { key: "health", range: "a path such as /healthz" });
        }
        let period = duration("health_period", self.health_period.as_ref())?;
        let period = period.unwrap_or(Duration::from_secs(2));
        if !(Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&period) {
            return Err(SpecError::Range { key: "health_period", range: "100ms to 60m" });
        }
        Ok(Some(Health { path: path.clone(), period }))
    }

    fn policy(&self) -> Result<Policy, SpecError> {
        let default = Policy::default();
        let or = |key, text: &Option<String>, default| -> Result<Duration, SpecError> {
            Ok(duration(key, text.as_ref())?.unwrap_or(default))
        };
        const ABOVE_ZERO: &str = "above zero";
        Ok(Policy {
            timeout: or("timeout", &self.timeout, default.timeout)?,
            attempts_max: non_zero("attempts", self.attempts, ABOVE_ZERO)?,
            retry_for: or("retry_for", &self.retry_for, default.retry_for)?,
            backoff_base: or("backoff", &self.backoff, default.backoff_base)?,
            backoff_max: or("backoff_max", &self.backoff_max, default.backoff_max)?,
            retry_after_max: or("retry_after_max", &self.retry_after_max, default.retry_after_max)?,
            concurrency: non_zero("concurrency", self.concurrency, "1 to 256")?
                .unwrap_or(default.concurrency),
            rate_per_second: non_zero("rate", self.rate, ABOVE_ZERO)?,
            queue_items_max: non_zero("queue_items", self.queue_items, ABOVE_ZERO)?
                .unwrap_or(default.queue_items_max),
            queue_bytes_max: non_zero("queue_bytes", self.queue_bytes, ABOVE_ZERO)?
                .unwrap_or(default.queue_bytes_max),
            breaker_failures: match self.breaker {
                None => default.breaker_failures,
                Some(failures) => failures.try_into().ok(),
            },
        })
    }
}

/// A number that is not zero, where one is given.
fn non_zero<N: Copy, Z: TryFrom<N>>(
    key: &'static str,
    given: Option<N>,
    range: &'static str,
) -> Result<Option<Z>, SpecError> {
    given.map(|n| Z::try_from(n).map_err(|_| SpecError::Range { key, range })).transpose()
}

fn word(key: &'static str, value: &str, allowed: &'static str) -> SpecError {
    SpecError::Word { key, value: value.to_owned(), allowed }
}

fn duration(key: &'static str, text: Option<&String>) -> Result<Option<Duration>, SpecError> {
    let Some(text) = text else { return Ok(None) };
    let bad = || SpecError::Duration { key, value: text.clone() };
    parse_duration(text).map(Some).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(value: Value) -> Result<SubscriptionSpec, SpecError> {
        let Value::Object(map) = value else { panic!("not an object") };
        SubscriptionSpec::from_map(map)
    }

    fn error(value: Value) -> String {
        spec(value).and_then(|spec| spec.resolve("a", Source::Api)).unwrap_err().to_string()
    }

    #[test]
    fn every_key_is_known_by_name() {
        let text = r#"{"pattern":"a","mode":"m","endpoint":"e","command":["c"],"host":"h",
            "http2":true,"from":"f","order":"o","filter":["x"],"timeout":"t","attempts":1,
            "retry_for":"r","backoff":"b","backoff_max":"m","retry_after_max":"r",
            "concurrency":1,"rate":1,"queue_items":1,"queue_bytes":1,"breaker":1,"health":"/",
            "health_period":"1s"}"#;
        let map: Map<String, Value> = serde_json::from_str(text).unwrap();
        let mut keys: Vec<&str> = map.keys().map(String::as_str).collect();
        let mut known = SPEC_KEYS.to_vec();
        keys.sort_unstable();
        known.sort_unstable();
        assert_eq!(keys, known);
        let spec = SubscriptionSpec::from_map(map.clone()).unwrap();
        assert_eq!(serde_json::to_value(&spec).unwrap(), Value::Object(map));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let spec = spec(json!({"pattern": "a/**", "endpoint": "http://h", "retry-for": "1m"}));
        let subscription = spec.unwrap().resolve("x", Source::Settings).unwrap();
        let policy = Policy { retry_for: Duration::from_secs(60), ..Policy::default() };
        assert_eq!(subscription.policy, policy);
        assert_eq!(subscription.mode.word(), "http");
        assert_eq!(subscription.from, From::Now);
        assert_eq!(subscription.order, Order::None);
    }

    #[test]
    fn errors_name_the_key_and_what_it_takes() {
        let base = json!({"pattern": "a", "endpoint": "http://h"});
        for (key, value, expected) in [
            ("patern", json!("x"), "a subscription has no \"patern\"; did you mean \"pattern\"?"),
            ("mode", json!("udp"), "mode: \"udp\" is not one of http, cloudevents, "),
            ("mode", json!("stream"), "mode stream has no use for endpoint"),
            ("command", json!(["x"]), "mode http has no use for command"),
            ("timeout", json!("soon"), "timeout: \"soon\" is not a time; write 500ms, 10s or 5m"),
            ("timeout", json!("0s"), "a subscription's timeout is above zero"),
            ("attempts", json!(0), "attempts is above zero"),
            ("concurrency", json!(0), "concurrency is 1 to 256"),
            ("concurrency", json!(257), "a subscription's concurrency is at most 256"),
            ("order", json!("lifo"), "order: \"lifo\" is not one of none, fifo"),
            ("health", json!("healthz"), "health is a path such as /healthz"),
            ("endpoint", json!("https://h"), "endpoint: https consumers are not supported"),
            ("pattern", json!("a*"), "pattern: * and ** stand for whole segments"),
            ("rate", json!("fast"), "invalid type: string \"fast\", expected u32"),
        ] {
            let mut given = base.clone();
            given[key] = value;
            let error = error(given);
            assert!(error.starts_with(expected), "{key}: {error}");
        }
    }

    #[test]
    fn programs_come_from_settings_only() {
        let exec = json!({"pattern": "a", "mode": "exec", "command": ["/bin/true", "x"]});
        assert_eq!(error(exec.clone()), SpecError::ExecFromApi.to_string());
        let subscription = spec(exec).unwrap().resolve("a", Source::Settings).unwrap();
        let exec = Exec { program: "/bin/true".into(), arguments: vec!["x".into()] };
        assert_eq!(subscription.mode, Mode::Exec(exec));
    }
}
