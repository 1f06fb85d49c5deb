//! Sources over sources.

use super::super::*;
use super::{parsed, texts};
use std::ffi::OsString;
use std::fs;
use tempfile::TempDir;

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn of_environment(pairs: &[(&str, &str)]) -> Overlay {
    Overlay::of_environment(environment(pairs)).unwrap()
}

/// A folder with these files; the names may have directories.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn sources(folder: &TempDir) -> Sources {
    Sources {
        etc: Some(folder.path().join("etc")),
        user: Some(folder.path().join("user")),
        ..Sources::default()
    }
}

#[test]
fn later_sources_lie_over_earlier_ones_and_each_value_has_its_origin() {
    let folder = folder(&[
        (
            "etc/bruit.toml",
            "name = 'main'\nprofile = 'wan'\napi = '127.0.0.1:1'\ndata = '/a'\nsync = 'commit'\n\
             log-level = 'warn'\n[tag]\na = 'main'\nb = 'main'\n",
        ),
        ("etc/conf.d/20.toml", "name = 'twenty'\nbind = '127.0.0.2'"),
        ("etc/conf.d/10.toml", "name = 'ten'\n\nbind = '127.0.0.3'\ndata = '/b'"),
        ("etc/conf.d/.hidden.toml", "name = 'hidden'"),
        ("etc/conf.d/30.txt", "name = 'text'"),
        ("user/config.toml", "sync = 'batch'"),
    ]);
    let mut sources = sources(&folder);
    sources.environment = environment(&[("BRUIT_LOG_LEVEL", "debug"), ("BRUIT_NAME", "env")]);
    sources.flags.set("name", "flag", Origin::Flag("--name"));
    sources.flags.set("tag.b", "flag", Origin::Flag("--tag"));
    let merged = sources.read().unwrap();
    let config = AgentConfig::resolve(&merged).unwrap();
    let shown = Shown::list(&config, &merged);
    let at = |file: &str, line| format!("file {}:{line}", folder.path().join(file).display());
    let expected = [
        ("name", "flag", "flag --name".to_owned()),
        ("bind", "127.0.0.2:7071", at("etc/conf.d/20.toml", 2)),
        ("api", "127.0.0.1:1", at("etc/bruit.toml", 3)),
        ("data", "/b", at("etc/conf.d/10.toml", 4)),
        ("sync", "batch", at("user/config.toml", 1)),
        ("tag.a", "main", at("etc/bruit.toml", 8)),
        ("tag.b", "flag", "flag --tag".to_owned()),
        ("profile", "wan", at("etc/bruit.toml", 2)),
        ("drain-timeout", "30s", "default".to_owned()),
        ("log-level", "debug", "env BRUIT_LOG_LEVEL".to_owned()),
    ];
    for (key, value, origin) in expected {
        let shown = shown.iter().find(|shown| shown.key == key).unwrap();
        assert_eq!((&shown.value, &shown.origin), (&value.into(), &origin), "{key}");
    }
}

#[test]
fn one_file_takes_the_place_of_all_others_but_not_of_the_environment() {
    let folder = folder(&[
        ("etc/bruit.toml", "name = 'main'\nprofile = 'wan'"),
        ("etc/conf.d/10.toml", "not = 'read'"),
        ("own.toml", "name = 'own'\nsync = 'commit'"),
    ]);
    let mut sources = sources(&folder);
    sources.file = Some(folder.path().join("own.toml"));
    sources.environment = environment(&[("BRUIT_SYNC", "batch")]);
    let config = AgentConfig::resolve(&sources.read().unwrap()).unwrap();
    assert_eq!(config.name.as_deref(), Some("own"));
    assert_eq!((config.profile, config.sync), (Profile::Lan, SyncLevel::Batch));
}

#[test]
fn default_files_may_be_missing_and_a_named_one_may_not() {
    let folder = folder(&[]);
    let mut sources = sources(&folder);
    assert_eq!(sources.read().unwrap(), Overlay::default());
    assert_eq!(Sources::default().read().unwrap(), Overlay::default());
    let path = folder.path().join("none.toml");
    sources.file = Some(path.clone());
    let expected = format!(
        "cannot read the settings in {}; check that the file exists and may be read",
        path.display()
    );
    assert_eq!(texts(sources.read().map(drop)), [expected]);
}

#[test]
fn every_mistake_of_every_source_is_told() {
    let folder = folder(&[
        ("etc/bruit.toml", "nam = 'x'"),
        ("etc/conf.d/a.toml", "\nbind = 3\nfoo = 1"),
        ("user/config.toml", "x"),
    ]);
    let mut sources = sources(&folder);
    sources.environment = environment(&[("BRUIT_BINDS", "x"), ("BRUIT_TAG", "x")]);
    let told = texts(sources.read().map(drop));
    let root = format!("{}/", folder.path().display());
    let told: Vec<String> = told.iter().map(|text| text.replace(&root, "")).collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert_eq!(told[0], "etc/bruit.toml:1: there is no setting `nam`; did you mean `name`?");
    assert!(told[1].starts_with("etc/conf.d/a.toml:2: bind is a number; "), "{told:?}");
    assert!(told[2].starts_with("etc/conf.d/a.toml:3: there is no setting `foo`"), "{told:?}");
    assert!(told[3].starts_with("user/config.toml:1: not TOML: "), "{told:?}");
    let variable = "the environment's BRUIT_BINDS is no setting; did you mean BRUIT_BIND? else \
                    unset it";
    assert_eq!(told[4], variable);
    assert_eq!(told[5], "BRUIT_TAG is `x`, without =; write BRUIT_TAG=K=V,K=V");
}

#[test]
fn a_directory_of_too_many_files_is_refused() {
    let folder = folder(&[]);
    let conf_d = folder.path().join("etc/conf.d");
    fs::create_dir_all(&conf_d).unwrap();
    for number in 0..256 {
        fs::write(conf_d.join(format!("{number}.toml")), "").unwrap();
    }
    assert!(sources(&folder).read().is_ok());
    fs::write(conf_d.join("256.toml"), "").unwrap();
    let told = texts(sources(&folder).read().map(drop));
    assert!(told[0].contains("conf.d: more than 256 files; "), "{told:?}");
    let long = folder.path().join("long.toml");
    fs::write(&long, "#".repeat(1024 * 1024 + 1)).unwrap();
    let told = texts(Overlay::load(&long).map(drop));
    assert!(told[0].contains("long.toml: more than 1048576 bytes; "), "{told:?}");
}

#[test]
fn each_kind_of_setting_is_read_from_the_environment() {
    let overlay = of_environment(&[
        ("BRUIT_KEY_FILE", "k"),
        ("BRUIT_JOIN", "10.0.0.1, 10.0.0.2,"),
        ("BRUIT_EXEC", "run 'a b'"),
        ("BRUIT_TAG", "role=web, zone=a=b"),
        ("BRUIT_TAG__RACK", "7"),
        ("BRUIT_SUBSCRIPTION__CACHE", "{ pattern = 'cache/**', mode = 'stream', rate = 5 }"),
        ("BRUIT_SUBSCRIBE", "a/**"),
        ("BRUIT_BIND", ""),
        ("BRUIT_ADDR", "for commands"),
        ("BRUIT_UPDATE", "1"),
        ("HOME", "x"),
    ]);
    let config = AgentConfig::resolve(&overlay).unwrap();
    assert_eq!(config.key_file, Some("k".into()));
    assert_eq!(config.join.len(), 2);
    assert_eq!(config.exec.unwrap().arguments, ["a b"]);
    let tags = [("rack", "7"), ("role", "web"), ("zone", "a=b")];
    assert_eq!(config.tags, tags.map(|(key, value)| (key.into(), value.into())).into());
    let cache = &config.subscription["cache"];
    assert_eq!((cache.pattern.as_str(), cache.rate), ("cache/**", Some(5)));
    assert_eq!(overlay.origin("tag.rack"), Origin::Env("BRUIT_TAG__RACK".into()));
    assert_eq!(config.bind, AgentConfig::default().bind, "an empty variable says nothing");
}

#[test]
fn bad_variables_are_told_with_the_nearest_or_the_form() {
    for (name, value, expected) in [
        (
            "BRUIT_KEYFILE",
            "x",
            "the environment's BRUIT_KEYFILE is no setting; did you mean BRUIT_KEY_FILE? else \
             unset it",
        ),
        (
            "BRUIT_BIND__X",
            "x",
            "the environment's BRUIT_BIND__X is no setting; did you mean BRUIT_BIND? else unset it",
        ),
        (
            "BRUIT_TAG__",
            "x",
            "the environment's BRUIT_TAG__ is no setting; did you mean BRUIT_TAG? else unset it",
        ),
        (
            "BRUIT_SUBSCRIPTION",
            "x",
            "BRUIT_SUBSCRIPTION is without a name; write \
          BRUIT_SUBSCRIPTION__NAME={ … }",
        ),
        ("BRUIT_EXEC", "a 'b", "BRUIT_EXEC is without a closing quote; close its quotes"),
    ] {
        let errors = Overlay::of_environment(environment(&[(name, value)]));
        assert_eq!(texts(errors.map(drop)), [expected], "{name}");
    }
    let errors = Overlay::of_environment(environment(&[("BRUIT_SUBSCRIPTION__X", "{ a")]));
    let told = texts(errors.map(drop));
    assert!(told[0].starts_with("BRUIT_SUBSCRIPTION__X is no inline table; write {"), "{told:?}");
    use std::os::unix::ffi::OsStringExt as _;
    let bad = vec![("BRUIT_NAME".into(), OsString::from_vec(vec![0xff]))];
    let told = texts(Overlay::of_environment(bad).map(drop));
    assert_eq!(told, ["BRUIT_NAME is not UTF-8; write it in UTF-8"]);
    let bad = of_environment(&[("BRUIT_BIND", "x")]);
    let error = AgentConfig::resolve(&bad).unwrap_err().to_string();
    assert!(error.starts_with("BRUIT_BIND `x`: not an address"), "{error}");
}

#[test]
fn flags_are_named_as_flags_in_errors() {
    let mut overlay = Overlay::default();
    overlay.set("bind", "x", Origin::Flag("--bind"));
    let error = AgentConfig::resolve(&overlay).unwrap_err().to_string();
    assert!(error.starts_with("--bind `x`: not an address"), "{error}");
}

#[test]
fn subscriptions_and_tags_of_all_sources_are_taken_together() {
    let lower = parsed(
        "tag = ['a=1', 'b=1']\njoin = ['10.0.0.1']\n[[subscription]]\nname = 'x'\npattern = 'x'\n\
         mode = 'stream'\nrate = 5\n[[subscription]]\nname = 'y'\npattern = 'y'\nmode = 'stream'",
    );
    let upper = parsed(
        "tag = ['b=2']\njoin = ['10.0.0.2']\n[[subscription]]\nname = 'x'\npattern = 'z'\n\
         mode = 'stream'",
    );
    let config = AgentConfig::resolve(&upper.over(lower)).unwrap();
    assert_eq!(config.tags, BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]));
    assert_eq!(config.join.len(), 1, "a list replaces a list");
    let patterns: Vec<&str> = config.subscription.values().map(|s| s.pattern.as_str()).collect();
    assert_eq!(patterns, ["z", "y"]);
    assert_eq!(config.subscription["x"].rate, None, "a subscription is replaced whole");
}

#[test]
fn variables_that_kubernetes_makes_for_a_service_say_nothing() {
    let links = [
        ("BRUIT_SERVICE_HOST", "10.0.0.1"),
        ("BRUIT_SERVICE_PORT_HTTP", "7070"),
        ("BRUIT_PORT", "tcp://10.0.0.1:7070"),
        ("BRUIT_PORT_7070_TCP_ADDR", "10.0.0.1"),
        ("BRUIT_PEERS_SERVICE_HOST", "10.0.0.2"),
    ];
    assert_eq!(of_environment(&links), Overlay::default());
    assert!(Overlay::of_environment(environment(&[("BRUIT_PORTS", "1")])).is_err());
}
