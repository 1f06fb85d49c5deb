use super::overlay::Tags;
use super::*;
use std::path::Path;

fn parsed(text: &str) -> Result<Overlay, ConfigError> {
    Overlay::parse(text, Path::new("bruit.toml"))
}

fn resolved(text: &str) -> Result<AgentConfig, ConfigError> {
    AgentConfig::resolve(parsed(text).unwrap())
}

#[test]
fn nothing_said_is_a_loopback_agent() {
    assert_eq!(resolved("").unwrap(), AgentConfig::default());
    assert_eq!(AgentConfig::default().bind.to_string(), "127.0.0.1:7071");
    assert_eq!(AgentConfig::default().api.to_string(), "127.0.0.1:7070");
}

#[test]
fn every_setting_is_read_from_a_file() {
    let config = resolved(
        r#"
        name = "web-1"
        bind = "10.0.0.6"
        advertise = "192.0.2.7"
        api = "[::1]:0"
        data = "/var/lib/bruit"
        join = ["10.0.0.5", "seed.example:9", "[::1]:3"]
        app = "http://127.0.0.1:8080/base"
        app-host = "www.example.test"
        subscribe = ["cache/**", "**"]
        key-file = "cluster.key"
        token-file = "token"
        profile = "wan"
        [tag]
        role = "web"
        "#,
    )
    .unwrap();
    let expected = AgentConfig {
        name: Some("web-1".into()),
        bind: "10.0.0.6:7071".parse().unwrap(),
        advertise: Some(Advertise { ip: "192.0.2.7".parse().unwrap(), port: None }),
        api: "[::1]:0".parse().unwrap(),
        data: Some("/var/lib/bruit".into()),
        sync: SyncLevel::Commit,
        join: vec![
            Target::Addr("10.0.0.5:7071".parse().unwrap()),
            Target::Name("seed.example".into(), 9),
            Target::Addr("[::1]:3".parse().unwrap()),
        ],
        app: Some("http://127.0.0.1:8080/base".parse().unwrap()),
        app_host: Some("www.example.test".into()),
        subscribe: vec![Pattern::parse("cache/**").unwrap(), Pattern::root()],
        tags: BTreeMap::from([("role".into(), "web".into())]),
        key_file: Some("cluster.key".into()),
        token_file: Some("token".into()),
        profile: Profile::Wan,
    };
    assert_eq!(config, expected);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let error = parsed("subscibe = []").unwrap_err().to_string();
    assert_eq!(error, "bruit.toml: there is no setting `subscibe`; did you mean `subscribe`?");
    let error = parsed("key_file = 'x'").unwrap_err().to_string();
    assert_eq!(error, "bruit.toml: there is no setting `key_file`; did you mean `key-file`?");
}

#[test]
fn a_wrong_type_and_bad_toml_name_the_file() {
    for text in ["bind = 3", "bind = "] {
        let error = parsed(text).unwrap_err();
        assert!(matches!(error, ConfigError::Syntax { .. }), "{error:?}");
        assert!(error.to_string().starts_with("bruit.toml: "), "{error}");
    }
    let missing = Overlay::load(Path::new("/nonexistent/bruit.toml")).unwrap_err();
    assert!(missing.to_string().contains("/nonexistent/bruit.toml"), "{missing}");
}

#[test]
fn flags_override_the_file_and_lists_replace_lists() {
    let file = parsed("name = 'a'\njoin = ['10.0.0.1']\nprofile = 'wan'").unwrap();
    let flags = Overlay {
        name: Some("b".into()),
        join: Some(vec!["10.0.0.2".into()]),
        ..Overlay::default()
    };
    let merged = flags.over(file);
    assert_eq!(merged.name.as_deref(), Some("b"));
    assert_eq!(merged.join, Some(vec!["10.0.0.2".into()]));
    assert_eq!(merged.profile.as_deref(), Some("wan"));
}

#[test]
fn what_can_be_reached_needs_a_key_an_address_and_a_token() {
    let error = |text: &str| resolved(text).unwrap_err();
    assert!(matches!(error("bind = '10.0.0.1'"), ConfigError::KeyRequired(_)));
    assert!(error("bind = '10.0.0.1'").to_string().contains("bruit keys new"));
    let wildcard = error("bind = '0.0.0.0'\nkey-file = 'k'");
    assert!(matches!(wildcard, ConfigError::AdvertiseRequired(_)));
    assert!(resolved("bind = '0.0.0.0'\nkey-file = 'k'\nadvertise = '10.0.0.1'").is_ok());
    assert!(matches!(error("api = '0.0.0.0:1'"), ConfigError::TokenRequired(_)));
    assert!(resolved("api = '0.0.0.0:1'\ntoken-file = 't'").is_ok());
    assert!(resolved("bind = '127.9.9.9'").is_ok(), "all of 127.0.0.0/8 is loopback");
}

#[test]
fn bad_values_name_the_setting_and_the_remedy() {
    for (text, key) in [
        ("name = ''", "--name"),
        ("name = \"a\\u0007\"", "--name `a\\u{7}`"),
        ("bind = 'localhost'", "--bind `localhost`"),
        ("advertise = '0.0.0.0'", "--advertise"),
        ("advertise = '10.0.0.1:0'", "--advertise"),
        ("join = ['a b']", "--join"),
        ("join = ['host:0']", "--join"),
        ("app = 'https://x'\nsubscribe = ['**']", "--app"),
        ("app = 'http://u@x'\nsubscribe = ['**']", "--app"),
        ("app = 'x'\nsubscribe = ['**']", "--app"),
        ("app-host = 'a b'", "--app-host"),
        ("subscribe = ['a*']", "--subscribe"),
        ("profile = 'moon'", "--profile"),
        ("tag = ['x']", "--tag"),
        ("tag = ['$sub/x=y']", "--tag"),
    ] {
        let error = resolved(text).unwrap_err();
        assert!(matches!(error, ConfigError::BadValue { .. }), "{text}: {error:?}");
        assert!(error.to_string().starts_with(key), "{text}: {error}");
    }
}

#[test]
fn service_and_paths_come_together() {
    let error = resolved("subscribe = ['a']").unwrap_err();
    assert!(matches!(error, ConfigError::SubscribeWithoutApp));
    let error = resolved("app = 'http://127.0.0.1:1'").unwrap_err();
    assert!(matches!(error, ConfigError::AppWithoutSubscribe));
}

#[test]
fn tags_are_a_list_or_a_table() {
    let list =
        Overlay { tag: Some(Tags::List(vec!["a=b=c".into(), "d=".into()])), ..Overlay::default() };
    let tags = AgentConfig::resolve(list).unwrap().tags;
    assert_eq!(tags, BTreeMap::from([("a".into(), "b=c".into()), ("d".into(), String::new())]));
}
