//! Settings that are read again while the agent runs.

use super::http::{Service, call, get};
use super::{toy, until};
use crate::config::{LogLevel, Origin, Overlay, Sources};
use crate::delivery::{Source, SubscriptionSpec};
use crate::reload::{Host, Settings};
use crate::subscriptions::{Entry, Subscriptions};
use crate::{Agent, Reloaded};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// What a program was asked to do.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Host for Recorder {
    fn set_log_level(&self, level: LogLevel) {
        self.0.lock().unwrap().push(format!("log {}", level.word()));
    }

    fn reloading(&self) {
        self.0.lock().unwrap().push("reloading".to_owned());
    }

    fn reloaded(&self) {
        self.0.lock().unwrap().push("reloaded".to_owned());
    }
}

/// An agent with a file of settings.
struct Rig {
    folder: TempDir,
    host: Arc<Recorder>,
    agent: Agent,
}

impl Rig {
    async fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Arc::new(Recorder::default());
        let mut flags = Overlay::default();
        flags.set("bind", "127.0.0.1:0", Origin::Flag("--bind"));
        flags.set("api", "127.0.0.1:0", Origin::Flag("--api"));
        let etc = Some(folder.path().to_owned());
        let sources = Sources { etc, flags, ..Sources::default() };
        std::fs::write(folder.path().join("bruit.toml"), text).unwrap();
        let settings = Settings::read(sources).unwrap();
        let agent = toy(settings.with_host(Arc::<Recorder>::clone(&host))).await;
        Self { folder, host, agent }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("bruit.toml")
    }

    async fn get(&self, path: &str) -> Value {
        get(self.agent.ready().api, path).await.json()
    }

    /// Changes the file and reloads.
    async fn reload(&self, text: &str) -> Value {
        std::fs::write(self.file(), text).unwrap();
        let answer = call(self.agent.ready().api, "POST /v1/reload", "", "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Names and patterns that the group is told.
    async fn announced(&self) -> Vec<(String, String)> {
        let listed = self.get("/v1/subscriptions").await;
        let pair = |each: &Value| {
            let text = |key: &str| each[key].as_str().unwrap().to_owned();
            (text("name"), text("pattern"))
        };
        listed.as_array().unwrap().iter().map(pair).collect()
    }

    /// Value and origin of a setting.
    async fn setting(&self, key: &str) -> Option<(Value, String)> {
        let config = self.get("/v1/config").await;
        let settings = config["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["key"] == key)?;
        let origin = found["origin"].as_str().unwrap();
        Some((found["value"].clone(), origin.replace(self.file().to_str().unwrap(), "FILE")))
    }
}

fn subscription(name: &str, pattern: &str, service: &Service) -> String {
    let addr = service.addr;
    format!(
        "[[subscription]]\nname = '{name}'\npattern = '{pattern}'\nendpoint = 'http://{addr}'\n"
    )
}

fn told(applied: &[&str], needs_restart: &[&str], unchanged: usize) -> Value {
    json!({"applied": applied, "needs_restart": needs_restart, "unchanged": unchanged})
}

#[tokio::test]
async fn subscriptions_come_change_and_go_and_the_others_are_not_touched() {
    let service = Service::start(200).await;
    let stays = subscription("stays", "stays/**", &service);
    let text = format!("{stays}{}", subscription("goes", "goes/**", &service));
    let rig = Rig::start(&text).await;
    let (api, delivery) = (rig.agent.ready().api, &rig.agent.shared.delivery);
    assert!(delivery.pause("stays"));
    call(api, "POST /topics/stays/1", "", "").await;
    let waits = || delivery.status("stays").unwrap().queued_items == 1;
    until("one waits", async || waits().then_some(())).await;
    let untouched = delivery.get("stays").unwrap();

    let comes = subscription("comes", "comes/**", &service);
    let reloaded = rig.reload(&format!("{stays}{comes}")).await;
    assert_eq!(reloaded, told(&["subscription.comes", "subscription.goes"], &[], 19));
    let expected = [("comes", "comes/**"), ("stays", "stays/**")];
    let mut announced = rig.announced().await;
    announced.sort();
    assert_eq!(announced, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert!(Arc::ptr_eq(&delivery.get("stays").unwrap(), &untouched));
    assert!(waits() && delivery.status("goes").is_none());
    call(api, "POST /topics/comes/1", "", "").await;
    until("the new one is served", async || (service.got().len() == 1).then_some(())).await;

    let slower = comes.replace("comes/**'", "comes/*'\ntimeout = '1s'");
    let reloaded = rig.reload(&format!("{stays}{slower}")).await;
    assert_eq!(reloaded, told(&["subscription.comes"], &[], 19));
    assert_eq!(delivery.get("comes").unwrap().policy.timeout.as_secs(), 1);
    let accepted = delivery.status("comes").unwrap().accepted;
    assert_eq!(accepted, 1, "a changed subscription keeps its state");
    assert_eq!(rig.reload(&format!("{stays}{slower}")).await, told(&[], &[], 20));
    assert!(Arc::ptr_eq(&delivery.get("stays").unwrap(), &untouched));
    assert_eq!(service.got().len(), 1, "nothing was delivered again");
}

#[tokio::test]
async fn the_service_is_changed_with_its_subscriptions() {
    let (first, second) = (Service::start(200).await, Service::start(200).await);
    let text = |service: &Service, rest: &str| {
        format!("app = 'http://{}'\nsubscribe = {rest}", service.addr)
    };
    let rig = Rig::start(&text(&first, "['a', 'b']")).await;
    let reloaded = rig.reload(&text(&second, "['a']\napp-host = 'h'")).await;
    assert_eq!(reloaded, told(&["app", "app-host", "subscribe"], &[], 15));
    assert_eq!(rig.announced().await, [("app".to_owned(), "a".to_owned())]);
    call(rig.agent.ready().api, "POST /topics/a", "", "").await;
    until("the new service has it", async || (second.got().len() == 1).then_some(())).await;
    assert_eq!(second.got()[0].header("host"), Some("h"));
    assert_eq!(first.got().len(), 0);
}

#[tokio::test]
async fn tags_join_levels_and_times_are_applied() {
    let rig = Rig::start("tag = ['a=1', 'b=1', 'c=1']").await;
    let body = r#"{"pattern": "x", "endpoint": "http://h.example:1"}"#;
    call(rig.agent.ready().api, "PUT /v1/subscriptions/x", "", body).await.problem(403);
    // What was set by a call stays, unless its setting changes.
    call(rig.agent.ready().api, "PATCH /v1/self/tags", "", r#"{"a": "call", "d": "call"}"#).await;
    let text = "tag = ['a=1', 'b=2', 'e=1']\njoin = ['127.0.0.1:9']\nlog-level = 'debug'\n\
                drain-timeout = '5s'\nallow-endpoints = ['h.example']\n";
    let reloaded = rig.reload(text).await;
    let applied =
        ["join", "tag.b", "tag.e", "drain-timeout", "log-level", "allow-endpoints", "tag.c"];
    assert_eq!(reloaded, told(&applied, &[], 15));
    let made = call(rig.agent.ready().api, "PUT /v1/subscriptions/x", "", body).await;
    assert_eq!(made.status, 201);
    let me = rig.get("/v1/members").await;
    let expected = json!({"a": "call", "b": "2", "d": "call", "e": "1"});
    assert_eq!(me[0]["metadata"], expected);
    let asked = rig.host.0.lock().unwrap().clone();
    assert_eq!(asked, ["reloading", "log debug", "reloaded"]);
    let drain_timeout = rig.agent.shared.reload.of(|config| config.drain_timeout);
    assert_eq!(drain_timeout.as_secs(), 5);
}

#[tokio::test]
async fn what_needs_a_restart_is_named_each_time_and_the_rest_is_applied() {
    let rig = Rig::start("profile = 'lan'").await;
    let text = "profile = 'wan'\nname = 'b'\ndata = '/nonexistent'\nsync = 'batch'\n\
                log-format = 'json'\nkey-file = 'k'\nadvertise = '10.0.0.1'\nlog-level = 'warn'\n";
    let pending = ["name", "advertise", "data", "sync", "key-file", "profile", "log-format"];
    assert_eq!(rig.reload(text).await, told(&["log-level"], &pending, 10));
    assert_eq!(rig.reload(text).await, told(&[], &pending, 11));
    let setting = |key: &'static str| rig.setting(key);
    let expected = Some(("lan".into(), "file FILE:1".to_owned()));
    assert_eq!(setting("profile").await, expected, "what holds is shown");
    let level = Some(("warn".into(), "file FILE:8".to_owned()));
    assert_eq!(setting("log-level").await, level);
    let changes = rig.get("/v1/config/diff").await["changes"].clone();
    let keys: Vec<&str> =
        changes.as_array().unwrap().iter().map(|each| each["key"].as_str().unwrap()).collect();
    assert_eq!(keys, pending);
    let origin = format!("file {}:1", rig.file().display());
    let expected = json!({
        "key": "profile", "running": "lan", "wanted": "wan", "origin": origin, "live": false,
    });
    assert_eq!(changes[5], expected);
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_told() {
    let service = Service::start(200).await;
    let text = subscription("x", "x/**", &service);
    let rig = Rig::start(&format!("{text}\n[tag]\na = '1'")).await;
    let api = rig.agent.ready().api;
    for (bad, parts) in [
        (
            "log-level = 'debug'\nfoo = 1\nbind = 2\n",
            &["FILE:2: there is no setting `foo`; did you mean `api`?\nFILE:3: bind is a number; "]
                [..],
        ),
        ("log-level = 'loud'\n", &["FILE:1: log-level `loud`: "]),
        ("= 3", &["FILE:1: not TOML: "]),
        ("token-file = '/nonexistent'", &["cannot read /nonexistent; "]),
    ] {
        std::fs::write(rig.file(), bad).unwrap();
        let problem = call(api, "POST /v1/reload", "", "").await.problem(422);
        let detail = problem["detail"].as_str().unwrap();
        let detail = detail.replace(rig.file().to_str().unwrap(), "FILE");
        assert!(parts.iter().all(|part| detail.contains(part)), "{bad}: {detail}");
        assert!(problem["hint"].as_str().unwrap().contains("reload again"), "{problem}");
        call(api, "GET /v1/config/diff", "", "").await.problem(422);
    }
    assert_eq!(rig.announced().await, [("x".to_owned(), "x/**".to_owned())]);
    assert_eq!(rig.get("/v1/members").await[0]["metadata"], json!({"a": "1"}));
    assert_eq!(rig.setting("log-level").await, Some(("info".into(), "default".to_owned())));
    let asked = rig.host.0.lock().unwrap().clone();
    assert_eq!(asked, ["reloading", "reloaded"].repeat(4));
    let reloaded = rig.agent.reload().await;
    assert!(reloaded.is_err());
}

#[tokio::test]
async fn what_the_node_refuses_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bruit.toml");
    let mut flags = Overlay::default();
    flags.set("bind", "127.0.0.1:0", Origin::Flag("--bind"));
    flags.set("api", "127.0.0.1:0", Origin::Flag("--api"));
    let text = "log-level = 'warn'\n[tag]\na = '1'\n[[subscription]]\nname = 'x'\n\
                pattern = 'x'\nmode = 'stream'\n";
    std::fs::write(&file, text).unwrap();
    let sources = Sources { file: Some(file.clone()), flags, ..Sources::default() };
    let agent = Agent::start(Settings::read(sources).unwrap()).await.unwrap();
    let big = "b".repeat(16 * 1024);
    let tags: String = (0..4).map(|n| format!("t{n} = '{big}'\n")).collect();
    let bad = format!("log-level = 'debug'\n[tag]\n{tags}");
    std::fs::write(&file, bad).unwrap();
    let error = agent.reload().await.unwrap_err().to_string();
    assert!(error.starts_with("the settings ask for too much: it cannot be announced"), "{error}");
    let member = get(agent.ready().api, "/v1/members").await.json()[0].clone();
    assert_eq!(member["metadata"], json!({"a": "1"}));
    assert_eq!(member["subscriptions"], json!([{"name": "x", "pattern": "x"}]));
    assert_eq!(agent.shared.reload.of(|config| config.log_level), LogLevel::Warn);
    std::fs::write(&file, text).unwrap();
    assert_eq!(agent.reload().await.unwrap().applied, Vec::<String>::new());
}

#[tokio::test]
async fn the_token_is_read_again_even_from_the_same_file() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "0123456789abcdef-old").unwrap();
    let text = format!("token-file = '{}'", token.path().display());
    let rig = Rig::start(&text).await;
    let api = rig.agent.ready().api;
    let with = |token: &'static str| call(api, "GET /v1/config", token, "");
    let (old, new) =
        ("Bruit-Token: 0123456789abcdef-old\r\n", "Bruit-Token: 0123456789abcdef-new\r\n");
    assert_eq!((with(old).await.status, with(new).await.status), (200, 401));
    assert!(!with(old).await.text().contains("0123456789abcdef"), "a token is not shown");
    std::fs::write(token.path(), "0123456789abcdef-new").unwrap();
    let reloaded = rig.agent.reload().await.unwrap();
    let applied = vec!["token-file".to_owned()];
    assert_eq!(reloaded, Reloaded { applied, needs_restart: vec![], unchanged: 17 });
    assert_eq!((with(old).await.status, with(new).await.status), (401, 200));
    std::fs::write(rig.file(), "").unwrap();
    rig.agent.reload().await.unwrap();
    assert_eq!(with("").await.status, 200, "on loopback a token may go");
}

#[tokio::test]
async fn an_api_that_is_open_keeps_its_token() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "0123456789abcdef").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bruit.toml");
    let open = format!("api = '0.0.0.0:0'\ntoken-file = '{}'", token.path().display());
    std::fs::write(&file, open).unwrap();
    let mut flags = Overlay::default();
    flags.set("bind", "127.0.0.1:0", Origin::Flag("--bind"));
    let sources = Sources { file: Some(file.clone()), flags, ..Sources::default() };
    let agent = toy(Settings::read(sources).unwrap()).await;
    std::fs::write(&file, "api = '127.0.0.1:0'").unwrap();
    let reloaded = agent.reload().await.unwrap();
    assert_eq!(reloaded.needs_restart, ["api", "token-file"]);
    let mut api = agent.ready().api;
    api.set_ip([127, 0, 0, 1].into());
    get(api, "/v1/config").await.problem(401);
}

#[tokio::test]
async fn the_origin_of_each_value_is_shown() {
    let service = Service::start(200).await;
    let rig = Rig::start("name = 'n'\n[tag]\na = '1'\nb = '1'").await;
    let shared = &rig.agent.shared;
    let spec = SubscriptionSpec {
        pattern: "x/**".to_owned(),
        endpoint: Some(format!("http://{}", service.addr)),
        ..SubscriptionSpec::default()
    };
    let entry = Entry { spec, source: Source::Api };
    Subscriptions::put(shared, "x", entry).await.unwrap();
    call(rig.agent.ready().api, "PATCH /v1/self/tags", "", r#"{"b": null, "c": "3"}"#).await;
    let expected = json!({"pattern": "x/**", "endpoint": format!("http://{}", service.addr)});
    for (key, value, origin) in [
        ("name", json!("n"), "file FILE:1"),
        ("bind", json!("127.0.0.1:0"), "flag --bind"),
        ("profile", json!("lan"), "default"),
        ("key-file", Value::Null, "default"),
        ("tag.a", json!("1"), "file FILE:3"),
        ("tag.c", json!("3"), "run time"),
        ("subscription.x", expected, "run time"),
    ] {
        assert_eq!(rig.setting(key).await, Some((value, origin.to_owned())), "{key}");
    }
    assert_eq!(rig.setting("tag.b").await, None, "it was removed by a call");
    // What a call made is not of the settings: a reload leaves it.
    assert_eq!(rig.reload("name = 'n'\n[tag]\na = '1'\nb = '1'").await, told(&[], &[], 20));
    assert!(shared.subscriptions.get("x").is_some());
}
