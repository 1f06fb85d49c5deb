//! Every setting: its name, what it takes, its default, and what it is for. Files, environment,
//! the example file and the documentation are all made from this table.

use super::nearest;

/// What a setting holds, and how each source writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// Some texts: a list in files; in the environment, separated by commas.
    List,
    /// A program and its arguments: a list or a text in files; a text that is taken apart as a
    /// shell would do it elsewhere.
    Command,
    /// Named texts: a table in files; `NAME=TEXT` elsewhere.
    Texts,
    /// Named tables: `[[NAME]]` in files, inline tables elsewhere.
    Tables,
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Its name in files and, with dashes in front, as a flag.
    pub(super) key: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// What is written, for people.
    pub(super) takes: &'static str,
    /// What it is where nothing is said: TOML, or `None` for nothing.
    pub(super) default: Option<&'static str>,
    /// Something that may be written, in TOML.
    pub(super) example: &'static str,
    /// Whether a reload applies it.
    pub(super) is_live: bool,
    /// What it is for.
    pub(super) about: &'static str,
}

const fn setting(key: &'static str, kind: Kind, takes: &'static str) -> Setting {
    Setting { key, kind, takes, default: None, example: "", is_live: false, about: "" }
}

/// Every setting, in the order of the example file.
pub(super) const SETTINGS: [Setting; 20] = [
    Setting {
        example: r#""web-1""#,
        about: "A name for people. Default: the host's.",
        ..setting("name", Kind::Text, "NAME")
    },
    Setting {
        default: Some(r#""127.0.0.1:7071""#),
        example: r#""10.0.0.6""#,
        about: "Where to gossip, by UDP and TCP. Port 0 is any free one. Beyond this machine a \
                key-file is needed.",
        ..setting("bind", Kind::Text, "ADDR[:PORT]")
    },
    Setting {
        example: r#""192.0.2.7""#,
        about: "What other agents are told instead of the address that is bound. Needed where \
                that is a wildcard.",
        ..setting("advertise", Kind::Text, "ADDR[:PORT]")
    },
    Setting {
        default: Some(r#""127.0.0.1:7070""#),
        example: r#""127.0.0.1:7070""#,
        about: "Where the HTTP API listens. Port 0 is any free one. Beyond this machine a \
                token-file is needed.",
        ..setting("api", Kind::Text, "ADDR[:PORT]")
    },
    Setting {
        example: r#""/var/lib/bruit""#,
        about: "The directory for what outlives a run. Default: nothing does.",
        ..setting("data", Kind::Text, "DIR")
    },
    Setting {
        default: Some(r#""commit""#),
        example: r#""batch""#,
        about: "When something counts as kept in the data directory: commit, once it is on disk; \
                batch, at once, so that a kill may lose or repeat what happened in the last \
                moments.",
        ..setting("sync", Kind::Text, "commit|batch")
    },
    Setting {
        default: Some("[]"),
        example: r#"["10.0.0.5", "seed.example:7071"]"#,
        is_live: true,
        about: "Agents to contact at start: addresses or names, with or without port. A reload \
                contacts those that are new.",
        ..setting("join", Kind::List, "ADDR")
    },
    Setting {
        example: r#""http://127.0.0.1:8080""#,
        is_live: true,
        about: "The service beside the agent. A path is a prefix.",
        ..setting("app", Kind::Text, "URL")
    },
    Setting {
        example: r#""www.example.org""#,
        is_live: true,
        about: "The Host that the service sees, unless a call says another. Default: that of app.",
        ..setting("app-host", Kind::Text, "HOST")
    },
    Setting {
        example: r#"["/usr/local/bin/on-item", "--fast"]"#,
        is_live: true,
        about: "A program to start for each item, with the item on its standard input. No shell \
                reads it.",
        ..setting("exec", Kind::Command, "CMD [ARG]...")
    },
    Setting {
        default: Some("[]"),
        example: r#"["cache/**"]"#,
        is_live: true,
        about: "Which paths app and exec get. The subscriptions are called app, app-2, ... and \
                exec, exec-2, ....",
        ..setting("subscribe", Kind::List, "GLOB")
    },
    Setting {
        default: Some("{}"),
        example: r#"{ role = "web", zone = "a" }"#,
        is_live: true,
        about: "Metadata that every member sees. The keys of all sources are taken together.",
        ..setting("tag", Kind::Texts, "K=V")
    },
    Setting {
        example: r#""/etc/bruit/cluster.key""#,
        about: "The file with the cluster key (bruit keys new). Needed beyond this machine.",
        ..setting("key-file", Kind::Text, "FILE")
    },
    Setting {
        example: r#""/etc/bruit/token""#,
        is_live: true,
        about: "The file with the token that the API asks for. Needed beyond this machine. A \
                reload reads it again.",
        ..setting("token-file", Kind::Text, "FILE")
    },
    Setting {
        default: Some(r#""lan""#),
        example: r#""wan""#,
        about: "Timing: local for one machine, lan for one site, wan for several.",
        ..setting("profile", Kind::Text, "local|lan|wan")
    },
    Setting {
        default: Some(r#""30s""#),
        example: r#""10s""#,
        is_live: true,
        about: "How long the end may wait, after SIGTERM, for requests under way and for the \
                service to close. At most 60m.",
        ..setting("drain-timeout", Kind::Text, "TIME")
    },
    Setting {
        default: Some(r#""info""#),
        example: r#""debug""#,
        is_live: true,
        about: "How much is logged: error, warn, info, debug or trace. RUST_LOG overrides it.",
        ..setting("log-level", Kind::Text, "LEVEL")
    },
    Setting {
        default: Some(r#""text""#),
        example: r#""json""#,
        about: "How logs are written: text for people, or json, an object on each line.",
        ..setting("log-format", Kind::Text, "text|json")
    },
    Setting {
        default: Some("[]"),
        example: r#"["10.0.0.7:8080", "app.internal"]"#,
        is_live: true,
        about: "Where subscriptions that the API makes may deliver to, beside this machine and the \
                host of app: hosts, with or without port; * is anywhere.",
        ..setting("allow-endpoints", Kind::List, "HOST[:PORT]")
    },
    Setting {
        example: "",
        is_live: true,
        about: "A subscription: a name, a pattern, and how items are delivered. Those of all \
                sources are taken together; of two with one name, the later source counts.",
        ..setting("subscription", Kind::Tables, "NAME = { KEY = VALUE, ... }")
    },
];

/// The names of all settings.
pub(super) const KEYS: [&str; SETTINGS.len()] = {
    let mut keys = [""; SETTINGS.len()];
    let mut place = 0;
    while place < keys.len() {
        keys[place] = SETTINGS[place].key;
        place += 1;
    }
    keys
};

impl Setting {
    /// The setting of that name.
    pub(super) fn of(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The name of the setting that is most like `key`.
    pub(super) fn nearest(key: &str) -> &'static str {
        nearest(key, &KEYS).unwrap_or(KEYS[0])
    }

    /// The setting that `key`, perhaps with a name after a dot, belongs to, and that name.
    pub(super) fn split(key: &str) -> (&str, Option<&str>) {
        match key.split_once('.') {
            Some((key, name)) => (key, Some(name)),
            None => (key, None),
        }
    }

    /// The variable of the environment that sets it.
    pub(super) fn variable(&self) -> String {
        format!("BRUIT_{}", self.key.to_ascii_uppercase().replace('-', "_"))
    }
}
