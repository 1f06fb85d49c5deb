//! Rules that every command and flag keeps.

use super::*;
use bruit_agent::{AgentConfig, Overlay, Shown};
use clap::{CommandFactory as _, Parser as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every command with its full name and its flags, global ones included; `keys` and its like
/// only hold others, but `subs` and its like do something by themselves.
fn commands() -> Vec<(String, clap::Command)> {
    fn collect(prefix: &str, command: &clap::Command, all: &mut Vec<(String, clap::Command)>) {
        let name = format!("{prefix} {}", command.get_name()).trim().to_owned();
        if !command.is_subcommand_required_set() && !command.is_arg_required_else_help_set() {
            all.push((name.clone(), command.clone()));
        }
        for below in command.get_subcommands() {
            collect(&name, below, all);
        }
    }
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut all = Vec::new();
    collect("", &root, &mut all);
    assert!(all.len() > 35, "{}", all.len());
    all
}

/// The commands that ask no agent.
const ALONE: [&str; 19] = [
    "bruit agent",
    "bruit run",
    "bruit demo",
    "bruit echo",
    "bruit keys new",
    "bruit config show",
    "bruit config check",
    "bruit config example",
    "bruit sim run",
    "bruit sim sweep",
    "bruit sim merge",
    "bruit sim recommend",
    "bruit sim replay",
    "bruit sim step",
    "bruit sim ls",
    "bruit sim show",
    "bruit completion",
    "bruit man",
    "bruit version",
];

/// The commands that change something, or follow a stream, and so cannot be repeated.
const ONCE: [&str; 23] = [
    "bruit reload",
    "bruit send",
    "bruit publish",
    "bruit listen",
    "bruit tail",
    "bruit tag",
    "bruit join",
    "bruit leave",
    "bruit evict",
    "bruit subs add",
    "bruit subs rm",
    "bruit subs pause",
    "bruit subs resume",
    "bruit subs test",
    "bruit topics set",
    "bruit topics rm",
    "bruit deliveries retry",
    "bruit deliveries drop",
    "bruit keys rotate",
    "bruit keys rm",
    "bruit reload",
    "bruit config check",
    "bruit config example",
];

fn has(command: &clap::Command, long: &str) -> bool {
    command.get_arguments().any(|flag| flag.get_long() == Some(long))
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
fn no_flag_is_given_twice_within_a_command() {
    for (name, command) in commands() {
        let (mut shorts, mut longs) = (BTreeSet::new(), BTreeSet::new());
        for flag in command.get_arguments() {
            for short in flag.get_short_and_visible_aliases().unwrap_or_default() {
                assert!(shorts.insert(short), "{name} -{short}");
            }
            for long in flag.get_long_and_visible_aliases().unwrap_or_default() {
                assert!(longs.insert(long.to_owned()), "{name} --{long}");
            }
        }
        assert!(longs.contains("color"), "{name}");
    }
}

#[test]
fn every_command_that_asks_an_agent_has_the_flags_for_it() {
    for (name, command) in commands() {
        if ALONE.contains(&&*name) {
            assert!(!has(&command, "curl") && !has(&command, "watch"), "{name}");
            continue;
        }
        for flag in ["addr", "token", "timeout", "curl", "format", "json"] {
            assert!(has(&command, flag), "{name} --{flag}");
        }
        assert_eq!(has(&command, "watch"), !ONCE.contains(&&*name), "{name} --watch");
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
        "--allow-endpoints",
        "10.0.0.7:8080",
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
        allow-endpoints = ['10.0.0.7:8080']
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
