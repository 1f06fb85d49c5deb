//! Rules that every command and flag keeps.

use super::*;
use bruit_agent::{AgentConfig, Overlay, Shown};
use clap::{CommandFactory as _, Parser as _};
use std::collections::BTreeMap;
use std::path::Path;

/// Every command with its full name, without the ones that only hold others.
fn commands() -> Vec<(String, clap::Command)> {
    fn collect(prefix: &str, command: &clap::Command, all: &mut Vec<(String, clap::Command)>) {
        let name = format!("{prefix} {}", command.get_name());
        if !command.has_subcommands() {
            all.push((name.trim().to_owned(), command.clone()));
        }
        for below in command.get_subcommands() {
            collect(&name, below, all);
        }
    }
    let mut all = Vec::new();
    collect("", &Cli::command(), &mut all);
    all
}

#[test]
fn clap_finds_no_fault() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_flag_is_documented() {
    for (name, command) in commands() {
        let about = command.get_about().unwrap_or_else(|| panic!("{name} has no text"));
        assert!(about.to_string().ends_with(|c: char| c.is_alphanumeric() || c == ')'), "{name}");
        for flag in command.get_arguments() {
            let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 8, "{name} {}: {help:?}", flag.get_id());
        }
    }
}

#[test]
fn a_short_flag_means_the_same_everywhere() {
    let mut known: BTreeMap<char, String> = BTreeMap::new();
    for (name, command) in commands() {
        for flag in command.get_arguments() {
            let Some(short) = flag.get_short() else { continue };
            let id = flag.get_long().unwrap_or_default().to_owned();
            let first = known.entry(short).or_insert_with(|| id.clone());
            assert_eq!(*first, id, "{name} -{short}");
        }
    }
}

#[test]
fn every_command_that_asks_an_agent_has_format_addr_and_timeout() {
    for (name, command) in commands() {
        if ["bruit agent", "bruit demo", "bruit echo", "bruit keys new"].contains(&&*name) {
            continue;
        }
        let has = |long: &str| command.get_arguments().any(|flag| flag.get_long() == Some(long));
        assert!(has("format") && has("json") && has("color"), "{name}");
        if name != "bruit version" {
            assert!(has("addr") && has("token") && has("timeout"), "{name}");
        }
    }
}

/// The flags of the agent and the names in its file are the same.
#[test]
fn every_flag_of_the_agent_reaches_its_settings() {
    let line = [
        "bruit",
        "agent",
        "--name",
        "n",
        "--bind",
        "127.0.0.1:1",
        "--advertise",
        "10.0.0.1",
        "--api",
        "127.0.0.1:2",
        "--data",
        "d",
        "--join",
        "a",
        "b:3",
        "--join",
        "c",
        "--app",
        "http://127.0.0.1:8080/x",
        "--host",
        "h",
        "--subscribe",
        "a/**",
        "--subscribe",
        "b",
        "--tag",
        "k=v",
        "--tag",
        "l=w",
        "--key-file",
        "k",
        "--token-file",
        "t",
        "--profile",
        "wan",
        "--sync",
        "commit",
        "--exec",
        "run 'a b'",
        "--subscription",
        "x = { pattern = 'x', mode = 'stream' }",
        "--drain-timeout",
        "2s",
        "--log-level",
        "debug",
        "--log-format",
        "json",
    ];
    let Command::Agent(args) = Cli::try_parse_from(line).unwrap().command else {
        panic!("not the agent")
    };
    let file = "
        name = 'n'
        bind = '127.0.0.1:1'
        advertise = '10.0.0.1'
        api = '127.0.0.1:2'
        data = 'd'
        join = ['a', 'b:3', 'c']
        app = 'http://127.0.0.1:8080/x'
        app-host = 'h'
        subscribe = ['a/**', 'b']
        tag = ['k=v', 'l=w']
        key-file = 'k'
        token-file = 't'
        profile = 'wan'
        sync = 'commit'
        exec = ['run', 'a b']
        drain-timeout = '2s'
        log-level = 'debug'
        log-format = 'json'
        [[subscription]]
        name = 'x'
        pattern = 'x'
        mode = 'stream'
    ";
    let file = Overlay::parse(file, Path::new("bruit.toml")).unwrap();
    let flags = args.settings.overlay();
    let of_flags = AgentConfig::resolve(&flags).unwrap();
    assert_eq!(of_flags, AgentConfig::resolve(&file).unwrap());
    for shown in Shown::list(&of_flags, &flags) {
        let flag = format!("flag --{}", shown.key.split('.').next().unwrap());
        assert_eq!(shown.origin, flag, "every setting has a flag of its name");
    }
}

#[test]
fn verbose_and_quiet_are_levels() {
    for (flags, level, origin) in [
        (&["-q"][..], "warn", "flag --quiet"),
        (&["-v"], "debug", "flag --verbose"),
        (&["-vv"], "trace", "flag --verbose"),
    ] {
        let line = ["bruit", "agent"].iter().chain(flags);
        let Command::Agent(args) = Cli::try_parse_from(line).unwrap().command else {
            panic!("not the agent")
        };
        let overlay = args.settings.overlay();
        let shown = Shown::list(&AgentConfig::resolve(&overlay).unwrap(), &overlay);
        let shown = shown.iter().find(|shown| shown.key == "log-level").unwrap();
        assert_eq!((shown.value.as_str().unwrap(), shown.origin.as_str()), (level, origin));
    }
}

#[test]
fn no_flag_overrides_a_file_with_a_default() {
    let Command::Agent(args) = Cli::try_parse_from(["bruit", "agent"]).unwrap().command else {
        panic!("not the agent")
    };
    assert_eq!(args.settings.overlay(), Overlay::default());
}
