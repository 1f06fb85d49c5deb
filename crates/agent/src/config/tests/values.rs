use super::super::*;
use super::{complaints, in_file, parsed, resolved};
use crate::delivery::Exec;
use bruit_model::Pattern;

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
        sync = "commit"
        join = ["10.0.0.5", "seed.example:9", "[::1]:3"]
        app = "http://127.0.0.1:8080/base"
        app-host = "www.example.test"
        exec = ["/bin/on-item", "-x"]
        subscribe = ["cache/**", "**"]
        allow-endpoints = ["10.0.0.7:8080"]
        key-file = "cluster.key"
        token-file = "token"
        profile = "wan"
        drain-timeout = "1500ms"
        log-level = "debug"
        log-format = "json"
        [tag]
        role = "web"
        [[subscription]]
        name = "flags"
        pattern = "flags/*"
        mode = "stream"
        "#,
    )
    .unwrap();
    let flags = SubscriptionSpec {
        pattern: "flags/*".into(),
        mode: Some("stream".into()),
        ..SubscriptionSpec::default()
    };
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
        exec: Some(Exec { program: "/bin/on-item".into(), arguments: vec!["-x".into()] }),
        subscribe: vec![Pattern::parse("cache/**").unwrap(), Pattern::root()],
        allow_endpoints: vec!["10.0.0.7:8080".into()],
        subscription: BTreeMap::from([("flags".into(), flags.clone())]),
        tags: BTreeMap::from([("role".into(), "web".into())]),
        key_file: Some("cluster.key".into()),
        token_file: Some("token".into()),
        profile: Profile::Wan,
        drain_timeout: Duration::from_millis(1500),
        log_level: LogLevel::Debug,
        log_format: LogFormat::Json,
    };
    assert_eq!(config, expected);
    let made = config.subscriptions();
    let names: Vec<&str> = made.keys().map(String::as_str).collect();
    assert_eq!(names, ["app", "app-2", "exec", "exec-2", "flags"]);
    let app = SubscriptionSpec {
        pattern: "**".into(),
        endpoint: Some("http://127.0.0.1:8080/base".into()),
        host: Some("www.example.test".into()),
        ..SubscriptionSpec::default()
    };
    assert_eq!(made["app-2"], app);
    let exec = SubscriptionSpec {
        pattern: "cache/**".into(),
        mode: Some("exec".into()),
        command: Some(vec!["/bin/on-item".into(), "-x".into()]),
        ..SubscriptionSpec::default()
    };
    assert_eq!((&made["exec"], &made["flags"]), (&exec, &flags));
}

#[test]
fn every_mistake_in_a_file_is_told_with_its_line() {
    let text = "subscibe = []\nkey_file = 'x'\nbind = 3\njoin = 'a'\njoin2 = [\n1]\n\
                tag = ['x', 'a=b']\napp = ['x', 1]\n";
    let expected = [
        "bruit.toml:1: there is no setting `subscibe`; did you mean `subscribe`?",
        "bruit.toml:2: there is no setting `key_file`; did you mean `key-file`?",
        "bruit.toml:3: bind is a number; write a text: bind = \"10.0.0.6\"",
        "bruit.toml:4: join is a text; write join = [\"10.0.0.5\", \"seed.example:7071\"]",
        "bruit.toml:5: there is no setting `join2`; did you mean `join`?",
        "bruit.toml:7: tag is `x`, without =; write KEY=VALUE, such as role=web",
        "bruit.toml:8: app is a list; write a text: app = \"http://127.0.0.1:8080\"",
    ];
    assert_eq!(complaints(text), expected);
    let text = "[tag]\nrole = 3\n[[subscription]]\npattern = 'a'\n[[subscription]]\nname = 'a'\n\
                [[subscription]]\nname = 'a'\nx = 1979-05-27\n";
    let expected = [
        "bruit.toml:2: tag.role is a number; write a text, in quotes",
        "bruit.toml:3: subscription is without a name; write name = \"…\" below it",
        "bruit.toml:8: subscription.a: there is a subscription of this name already, file \
         bruit.toml:6; name it otherwise",
    ];
    assert_eq!(complaints(text), expected);
}

#[test]
fn what_is_not_toml_names_file_and_line() {
    let errors = complaints("name = 'a'\nbind = \napi = 'x\n");
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with("bruit.toml:2: not TOML: "), "{errors:?}");
    assert!(errors[1].starts_with("bruit.toml:3: not TOML: "), "{errors:?}");
    let twice = complaints("name = 'a'\nname = 'b'\n");
    assert!(twice[0].starts_with("bruit.toml:2: not TOML: duplicate key"), "{twice:?}");
    let deep = format!("subscription = [{{ name = 'a', x = {}{} }}]", "[".repeat(9), "]".repeat(9));
    assert!(
        complaints(&deep)[0].contains("subscription.a: x is a list"),
        "{:?}",
        complaints(&deep)
    );
    let missing = Overlay::load(std::path::Path::new("/nonexistent/bruit.toml")).unwrap_err();
    assert!(missing[0].to_string().contains("/nonexistent/bruit.toml"), "{missing:?}");
}

#[test]
fn what_can_be_reached_needs_a_key_an_address_and_a_token() {
    let error = |text: &str| resolved(text).unwrap_err();
    assert!(matches!(error("bind = '10.0.0.1'"), ConfigError::KeyRequired { .. }));
    let text = error("bind = '10.0.0.1'").to_string();
    assert!(text.starts_with("bruit.toml:1: bind 10.0.0.1:7071 can be reached"), "{text}");
    assert!(text.contains("bruit keys new"), "{text}");
    let wildcard = error("bind = '0.0.0.0'\nkey-file = 'k'");
    assert!(matches!(wildcard, ConfigError::AdvertiseRequired { .. }));
    assert!(resolved("bind = '0.0.0.0'\nkey-file = 'k'\nadvertise = '10.0.0.1'").is_ok());
    assert!(matches!(error("api = '0.0.0.0:1'"), ConfigError::TokenRequired { .. }));
    assert!(resolved("api = '0.0.0.0:1'\ntoken-file = 't'").is_ok());
    assert!(resolved("bind = '127.9.9.9'").is_ok(), "all of 127.0.0.0/8 is loopback");
    let all = AgentConfig::resolve_all(&parsed("bind = '0.0.0.0'\napi = '0.0.0.0'")).unwrap_err();
    assert_eq!(all.len(), 3, "{all:?}");
}

#[test]
fn bad_values_name_the_setting_and_the_remedy() {
    for (text, start) in [
        ("name = ''", "name ``: "),
        ("name = \"a\\u0007\"", "name `a\\u{7}`: "),
        ("bind = 'localhost'", "bind `localhost`: not an address of this machine; write "),
        ("advertise = '0.0.0.0'", "advertise `0.0.0.0`: "),
        ("advertise = '10.0.0.1:0'", "advertise `10.0.0.1:0`: "),
        ("join = ['a b']", "join `a b`: "),
        ("join = ['host:0']", "join `host:0`: "),
        ("app = 'https://x'\nsubscribe = ['**']", "app `https://x`: "),
        ("app = 'http://u@x'\nsubscribe = ['**']", "app `http://u@x`: "),
        ("app = 'x'\nsubscribe = ['**']", "app `x`: "),
        ("app-host = 'a b'", "app-host `a b`: "),
        ("exec = []\nsubscribe = ['**']", "exec ``: no program; write "),
        ("subscribe = ['a*']", "subscribe `a*`: "),
        ("profile = 'moon'", "profile `moon`: not among what it takes; write local, lan or wan"),
        ("sync = 'never'", "sync `never`: not among what it takes; write commit or batch"),
        ("drain-timeout = '5'", "drain-timeout `5`: not a time; write 500ms, 30s or at most 60m"),
        ("drain-timeout = '61m'", "drain-timeout `61m`: longer than an hour; write "),
        ("log-level = 'loud'", "log-level `loud`: not among what it takes; write error, warn"),
        ("log-format = 'xml'", "log-format `xml`: not among what it takes; write text or json"),
        ("tag = ['$sub/x=y']", "tag.$sub/x `$sub/x`: keys that start with $ are reserved; "),
    ] {
        let error = resolved(text).unwrap_err();
        assert!(matches!(error, ConfigError::BadValue { .. }), "{text}: {error:?}");
        let start = format!("bruit.toml:1: {start}");
        assert!(error.to_string().starts_with(&start), "{text}: {error}");
    }
}

#[test]
fn every_bad_value_is_told() {
    let overlay = parsed("name = ''\nbind = 'x'\nprofile = 'moon'\nsubscribe = ['a']");
    let errors = AgentConfig::resolve_all(&overlay).unwrap_err();
    let lines: Vec<String> = errors.iter().map(|e| e.to_string()[..13].to_owned()).collect();
    assert_eq!(lines, ["bruit.toml:1:", "bruit.toml:2:", "bruit.toml:3:"]);
}

#[test]
fn a_bad_subscription_is_named() {
    for (text, end) in [
        ("", "pattern: a pattern has at least one segment"),
        ("patern = 'x'", "a subscription has no \"patern\"; did you mean \"pattern\"?"),
        ("pattern = 'a'", "mode http needs endpoint"),
        ("pattern = 'a'\nmode = 'stream'\ntimeout = 'soon'", "timeout: \"soon\" is not a time"),
    ] {
        let error = resolved(&format!("[[subscription]]\nname = 'x'\n{text}")).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ConfigError::Subscription { .. }), "{error:?}");
        let (at, what) = text.split_once(": subscription.x: ").unwrap();
        assert_eq!(at, "bruit.toml:2");
        if end.starts_with("pattern:") {
            assert!(what.starts_with("pattern: "), "{what}");
        } else {
            assert!(what.starts_with(end), "{what}");
        }
    }
    let error = resolved("[[subscription]]\nname = 'A'\npattern = 'a'\nmode = 'stream'");
    let expected = "bruit.toml:2: subscription.A: a subscription's name has 1 to 64 bytes of \
                    a-z 0-9 . _ -";
    assert_eq!(error.unwrap_err().to_string(), expected);
}

#[test]
fn a_subscription_cannot_have_the_name_of_the_service() {
    let text = "app = 'http://127.0.0.1:1'\nsubscribe = ['a', 'b']\n[[subscription]]\n\
                name = 'app-2'\npattern = 'a'\nmode = 'stream'";
    let expected = "bruit.toml:4: subscription.app-2: there is a subscription of this name \
                    already, made by bruit.toml:1: app; name it otherwise";
    assert_eq!(resolved(text).unwrap_err().to_string(), expected);
}

#[test]
fn too_many_are_told_before_anything_is_made() {
    let list = |count| vec!["'a'"; count].join(", ");
    let app = "app = 'http://127.0.0.1:1'\n";
    assert!(resolved(&format!("{app}subscribe = [{}]", list(64))).is_ok());
    let error = resolved(&format!("{app}subscribe = [{}]", list(65))).unwrap_err();
    assert!(error.to_string().contains("more than 64 patterns"), "{error}");
    let error = resolved(&format!("join = [{}]", list(65))).unwrap_err();
    assert!(error.to_string().contains("more than 64 addresses"), "{error}");
    let one = |n| format!("[[subscription]]\nname='s{n}'\npattern='a'\nmode='stream'\n");
    assert!(resolved(&(0..512).map(one).collect::<String>()).is_ok());
    let error = resolved(&(0..513).map(one).collect::<String>()).unwrap_err();
    assert!(error.to_string().starts_with("the settings make 513 subscriptions"), "{error}");
}

#[test]
fn service_and_paths_come_together() {
    let error = resolved("subscribe = ['a']").unwrap_err();
    assert!(matches!(error, ConfigError::SubscribeWithoutApp(_)));
    assert!(error.to_string().starts_with("bruit.toml:1: subscribe is given, and no"), "{error}");
    let error = resolved("\napp = 'http://127.0.0.1:1'").unwrap_err();
    assert!(matches!(error, ConfigError::AppWithoutSubscribe(_)));
    let error = resolved("exec = 'a b'").unwrap_err();
    assert!(error.to_string().starts_with("bruit.toml:1: exec is given, and no path"), "{error}");
}

#[test]
fn tags_are_a_list_or_a_table() {
    let overlay = parsed("tag = [\n'a=b=c', \n'd=']");
    let tags = AgentConfig::resolve(&overlay).unwrap().tags;
    assert_eq!(tags, BTreeMap::from([("a".into(), "b=c".into()), ("d".into(), String::new())]));
    assert_eq!((overlay.origin("tag.a"), overlay.origin("tag.d")), (in_file(2), in_file(3)));
}

#[test]
fn a_program_is_a_list_or_a_text_with_quotes() {
    let exec = |text: &str| resolved(&format!("exec = {text}\nsubscribe = ['**']"));
    let expected = Exec { program: "a".into(), arguments: vec!["b c".into(), "d".into()] };
    for text in [r#"["a", "b c", "d"]"#, r#"'a "b c" d'"#, r#""a 'b c' d""#] {
        assert_eq!(exec(text).unwrap().exec, Some(expected.clone()), "{text}");
    }
    let open = complaints("exec = 'a \"b'");
    assert_eq!(open, ["bruit.toml:1: exec is a text; close its quotes"]);
}

#[test]
fn a_subscription_is_written_on_one_line() {
    let (name, map) =
        parse_subscription(r#"x = { pattern = "a/**", mode = "stream", concurrency = 0x10 }"#)
            .unwrap();
    let expected = serde_json::json!({"pattern": "a/**", "mode": "stream", "concurrency": 16});
    assert_eq!((name.as_str(), serde_json::Value::Object(map)), ("x", expected));
    for bad in ["x", "x = 3", "x = { a = 1 }\ny = { b = 2 }", "", "x = { a = 1979-05-27 }"] {
        assert!(parse_subscription(bad).is_err(), "{bad}");
    }
}
