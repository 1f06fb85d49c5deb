//! Settings as they are shown, and compared at a reload. Secrets are in files of their own, whose
//! paths are shown.

use super::setting::{Kind, SETTINGS, Setting};
use super::{AgentConfig, Origin, Overlay};
use bruit_model::{Pattern, Target};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// A setting, its value, and where that comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Its name; what is named within it has its name after a dot, as in `tag.role`.
    pub key: String,
    /// Its value; null is none.
    pub value: Value,
    /// `default`, `file PATH:LINE`, `env NAME`, `flag --NAME` or `run time`.
    pub origin: String,
}

impl Shown {
    /// All settings of `config`, which came of `overlay`, in the order of the example file.
    pub fn list(config: &AgentConfig, overlay: &Overlay) -> Vec<Self> {
        let mut list = Vec::with_capacity(SETTINGS.len());
        for setting in &SETTINGS {
            let key = setting.key;
            let show = |key: String, value| {
                let origin = overlay.origin(&key).to_string();
                Self { key, value, origin }
            };
            match setting.kind {
                Kind::Text | Kind::List | Kind::Command => {
                    list.push(show(key.to_owned(), config.value(key)));
                }
                Kind::Texts => {
                    let one = |(name, value): (&String, &String)| {
                        show(format!("{key}.{name}"), value.as_str().into())
                    };
                    list.extend(config.tags.iter().map(one));
                }
                Kind::Tables => {
                    for (name, spec) in &config.subscription {
                        let value = serde_json::to_value(spec);
                        let value = value.expect("a spec has string keys and finite numbers");
                        list.push(show(format!("{key}.{name}"), value));
                    }
                }
            }
        }
        list
    }

    /// What was set by a call of the API.
    pub(crate) fn at_run_time(key: String, value: Value) -> Self {
        Self { key, value, origin: Origin::RunTime.to_string() }
    }

    /// Whether a reload applies a change of the setting `key`.
    pub(crate) fn is_live(key: &str) -> bool {
        Setting::of(Setting::split(key).0).is_some_and(|setting| setting.is_live)
    }
}

impl AgentConfig {
    /// The value of a setting that is not made of named ones.
    fn value(&self, key: &str) -> Value {
        let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        match key {
            "name" => self.name.clone().into(),
            "bind" => self.bind.to_string().into(),
            "advertise" => {
                let text = self.advertise.map(|advertise| match advertise.port {
                    Some(port) => std::net::SocketAddr::new(advertise.ip, port).to_string(),
                    None => advertise.ip.to_string(),
                });
                text.into()
            }
            "api" => self.api.to_string().into(),
            "data" => self.data.as_ref().map(path).into(),
            "sync" => self.sync.word().into(),
            "join" => self.join.iter().map(target).collect(),
            "app" => self.app.as_ref().map(ToString::to_string).into(),
            "app-host" => self.app_host.clone().into(),
            "exec" => self.exec.as_ref().map_or(Value::Null, |exec| {
                let program = exec.program.to_string_lossy().into_owned();
                std::iter::once(program).chain(exec.arguments.iter().cloned()).collect()
            }),
            "subscribe" => self.subscribe.iter().map(Pattern::as_str).collect(),
            "allow-endpoints" => self.allow_endpoints.iter().map(String::as_str).collect(),
            "key-file" => self.key_file.as_ref().map(path).into(),
            "token-file" => self.token_file.as_ref().map(path).into(),
            "profile" => self.profile.word().into(),
            "drain-timeout" => duration(self.drain_timeout).into(),
            "log-level" => self.log_level.word().into(),
            "log-format" => self.log_format.word().into(),
            _ => unreachable!("every setting of the table is among these, which a test shows"),
        }
    }
}

fn target(target: &Target) -> String {
    match target {
        Target::Addr(addr) => addr.to_string(),
        Target::Name(name, port) => format!("{name}:{port}"),
    }
}

/// As it is written in settings.
fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
