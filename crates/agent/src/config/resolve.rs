//! From merged sources to checked settings.

use super::{AgentConfig, Bad, ConfigError, Overlay, Subject, Value, parse};
use crate::delivery::{Source, SubscriptionSpec};
use std::collections::BTreeMap;

/// Checks every setting, and keeps what is wrong with each.
struct Resolver<'a> {
    overlay: &'a Overlay,
    errors: Vec<ConfigError>,
}

impl AgentConfig {
    /// Checks what sources say, and fills in what they leave open.
    ///
    /// # Errors
    /// The first setting that cannot be used, with the remedy.
    pub fn resolve(overlay: &Overlay) -> Result<Self, ConfigError> {
        Self::resolve_all(overlay).map_err(|mut errors| errors.swap_remove(0))
    }

    /// As [`AgentConfig::resolve`].
    ///
    /// # Errors
    /// Every setting that cannot be used, with the remedy; at least one.
    pub fn resolve_all(overlay: &Overlay) -> Result<Self, Vec<ConfigError>> {
        let mut resolver = Resolver { overlay, errors: Vec::new() };
        let config = resolver.config();
        if resolver.errors.is_empty() {
            resolver.check_together(&config);
        }
        if resolver.errors.is_empty() { Ok(config) } else { Err(resolver.errors) }
    }
}

impl Resolver<'_> {
    fn config(&mut self) -> AgentConfig {
        let default = AgentConfig::default();
        let (bind, api) = (default.bind, default.api);
        AgentConfig {
            name: self.text("name", parse::name),
            bind: self.text("bind", |text| parse::address(text, bind.port())).unwrap_or(bind),
            advertise: self.text("advertise", parse::advertise),
            api: self.text("api", |text| parse::address(text, api.port())).unwrap_or(api),
            data: self.overlay.text("data").map(Into::into),
            sync: self.text("sync", parse::sync).unwrap_or_default(),
            join: self.list("join", parse::targets).unwrap_or_default(),
            app: self.text("app", parse::app),
            app_host: self.text("app-host", parse::host),
            exec: self.list("exec", parse::exec),
            subscribe: self.list("subscribe", parse::patterns).unwrap_or_default(),
            subscription: self.subscriptions(),
            allow_endpoints: self
                .list("allow-endpoints", parse::allow_endpoints)
                .unwrap_or_default(),
            tags: self.tags(),
            key_file: self.overlay.text("key-file").map(Into::into),
            token_file: self.overlay.text("token-file").map(Into::into),
            profile: self.text("profile", parse::profile).unwrap_or_default(),
            drain_timeout: self
                .text("drain-timeout", parse::drain_timeout)
                .unwrap_or(default.drain_timeout),
            log_level: self.text("log-level", parse::log_level).unwrap_or_default(),
            log_format: self.text("log-format", parse::log_format).unwrap_or_default(),
        }
    }

    fn text<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, Bad>) -> Option<T> {
        let parsed = parse(self.overlay.text(key)?);
        self.good(key, parsed)
    }

    fn list<T>(&mut self, key: &str, parse: impl FnOnce(&[String]) -> Result<T, Bad>) -> Option<T> {
        let parsed = parse(self.overlay.list(key)?);
        self.good(key, parsed)
    }

    fn good<T>(&mut self, key: &str, parsed: Result<T, Bad>) -> Option<T> {
        parsed
            .map_err(|bad| {
                let subject = self.overlay.subject(key);
                self.errors.push(ConfigError::BadValue { subject, bad });
            })
            .ok()
    }

    fn tags(&mut self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        for (name, value) in self.overlay.named("tag") {
            let Value::Text(value) = value else { continue };
            let checked = parse::tag(name, value);
            if self.good(&format!("tag.{name}"), checked).is_some() {
                tags.insert(name.to_owned(), value.clone());
            }
        }
        tags
    }

    fn subscriptions(&mut self) -> BTreeMap<String, SubscriptionSpec> {
        let mut specs = BTreeMap::new();
        for (name, value) in self.overlay.named("subscription") {
            let Value::Table(map) = value else { continue };
            let spec = SubscriptionSpec::from_map(map.clone());
            let checked = spec.and_then(|spec| {
                spec.resolve(name, Source::Settings)?;
                Ok(spec)
            });
            match checked {
                Ok(spec) => {
                    specs.insert(name.to_owned(), spec);
                }
                Err(error) => {
                    let subject = self.overlay.subject(&format!("subscription.{name}"));
                    self.errors.push(ConfigError::Subscription { subject, error });
                }
            }
        }
        specs
    }

    /// The rules that concern more than one setting.
    fn check_together(&mut self, config: &AgentConfig) {
        let (bind, api) = (config.bind, config.api);
        let overlay = self.overlay;
        if !bind.ip().is_loopback() && config.key_file.is_none() {
            let subject = overlay.subject("bind");
            self.errors.push(ConfigError::KeyRequired { subject, addr: bind });
        }
        if bind.ip().is_unspecified() && config.advertise.is_none() {
            let subject = overlay.subject("bind");
            self.errors.push(ConfigError::AdvertiseRequired { subject, addr: bind });
        }
        if !api.ip().is_loopback() && config.token_file.is_none() {
            let subject = overlay.subject("api");
            self.errors.push(ConfigError::TokenRequired { subject, addr: api });
        }
        self.check_subscriptions(config);
    }

    fn check_subscriptions(&mut self, config: &AgentConfig) {
        let subject = |key: &str| -> Subject { self.overlay.subject(key) };
        let consumer = ["app", "exec"].into_iter().find(|key| self.overlay.has(key));
        match (consumer, config.subscribe.is_empty()) {
            (None, false) => {
                let error = ConfigError::SubscribeWithoutApp(subject("subscribe"));
                self.errors.push(error);
            }
            (Some(key), true) => {
                let error = ConfigError::AppWithoutSubscribe(subject(key));
                self.errors.push(error);
            }
            (None, true) | (Some(_), false) => {}
        }
        for (name, of) in config.of_consumers().map(|(name, _, of)| (name, of)) {
            if config.subscription.contains_key(&name) {
                let (subject, other) = (subject(&format!("subscription.{name}")), subject(of));
                let other = format!("made by {other}");
                self.errors.push(ConfigError::Duplicate { subject, other });
            }
        }
        let count = config.subscriptions().len();
        if count > AgentConfig::SUBSCRIPTIONS_MAX {
            self.errors.push(ConfigError::TooManySubscriptions { count });
        }
    }
}
