use super::{InputLog, LogError, Stepper, diff};
use crate::check::{HostView, NodeView};
use crate::fault::{Plan, Setup, Trial};
use crate::net::tests::toy;
use crate::{HostId, Link, Stats};
use bruit_model::{ItemId, Member, MemberState, MetaEntry, NodeId, Rejected};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn log() -> InputLog {
    let plan =
        Plan::parse("0.5s pause h1\n1.5s resume h1\n2s crash h0 lost\n3s start h0\n").unwrap();
    let bound = Duration::from_millis(1500);
    InputLog {
        setup: Setup { seed: 42, hosts: 3, link: Link::lossy(5), plan, bound },
        options: BTreeMap::from([("profile".to_owned(), "local and more".to_owned())]),
        hash: Some(0x1234),
    }
}

#[test]
fn an_input_log_is_written_and_read_again() {
    let text = log().to_string();
    assert!(text.starts_with("bruit input log 1\nseed 42\nhosts 3\nlink latency=uniform:0.0005s"));
    assert_eq!(InputLog::parse(&text), Ok(log()));
}

#[test]
fn a_log_of_another_version_is_refused_naming_both() {
    let text = log().to_string().replacen("log 1", "log 2", 1);
    let error = InputLog::parse(&text).unwrap_err();
    assert_eq!(error, LogError::Version { found: 2, ours: 1 });
    let says = error.to_string();
    assert!(says.contains("version 2") && says.contains("replays version 1"), "{says}");
}

#[test]
fn what_is_no_log_is_refused_with_the_reason() {
    let text = log().to_string();
    for (from, to, says) in [
        ("bruit input log 1", "[scenario]", "the first line must be \"bruit input log 1\""),
        ("bruit input log 1", "bruit input log one", "the first line must be"),
        ("seed 42", "seed -1", "line 2: \"-1\" is not a seed"),
        ("hosts 3", "hosts 100001", "line 3: 100001 hosts; at most 100000"),
        ("loss=random:5", "loss=random:5000000", "line 4: loss is 5000000 in a million"),
        ("bound 1.5s", "bound soon", "line 5: \"soon\" is not a time"),
        ("option profile local and more", "option profile", "is not an option"),
        ("hash 0000000000001234", "hash xyz", "\"xyz\" is not a hash"),
        ("hash 0000000000001234", "speed 9", "\"speed\" is no line of an input log"),
        ("seed 42\n", "", "the line \"seed …\" is missing"),
        ("plan\n0.5s pause h1\n1.5s resume h1\n2s crash h0 lost\n3s start h0\n", "", "\"plan …\""),
        ("3s start h0", "3s start", "line 12: a host is missing"),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        let error = InputLog::parse(&broken).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_stepper_makes_the_same_run_and_says_what_changed() {
    let whole = Trial::new(&log().setup, Vec::new(), toy::lone).run();
    let mut stepper = Stepper::new(Trial::new(&log().setup, Vec::new(), toy::lone));
    let mut steps = Vec::new();
    while let Some(step) = stepper.step() {
        steps.push(step);
    }
    assert_eq!(stepper.outcome(), whole);
    assert!(steps.iter().zip(1..).all(|(step, number)| step.number == number));
    assert!(steps.windows(2).all(|two| two[0].at <= two[1].at));
    let pause = steps.iter().find(|step| step.what == "pause h1").unwrap();
    assert_eq!((pause.at.as_nanos(), pause.host), (500_000_000, HostId(1)));
    let crash = steps.iter().find(|step| step.what == "crash h0 lost").unwrap();
    assert_eq!(crash.diff, ["h0: the disk is lost", "h0: down"]);
    let start = steps.iter().find(|step| step.what == "start h0").unwrap();
    assert!(start.diff[0] == "h0: run 1 -> 2" && start.diff[1].starts_with("h0: up"), "{start:?}");
    assert!(steps.iter().any(|step| step.what == "timer"));
    assert_eq!(stepper.view(HostId(0)).map(|view| view.run), Some(2));
    let other = Setup { seed: 43, ..log().setup };
    assert_ne!(Trial::new(&other, Vec::new(), toy::lone).run().hash, whole.hash);
}

fn view() -> HostView {
    let member = Member {
        id: NodeId([1; 16]),
        name: "n1".into(),
        addr: "10.0.0.1:1".parse().unwrap(),
        state: MemberState::Alive,
        why: "it answered".to_owned(),
        conflict: false,
        incarnation: 1,
        generation: 1,
        metadata: vec![MetaEntry { key: "a".into(), value: b"x"[..].into(), version: 1 }],
        since: Duration::ZERO,
        rtt: None,
        is_self: false,
    };
    let items = BTreeSet::from([ItemId { origin: NodeId([1; 16]), start: 1, seq: 1 }]);
    let counters = BTreeMap::from([(("sent", "x"), 1)]);
    let node = NodeView { id: NodeId([0; 16]), members: vec![member], items, counters };
    let (stats, rejected) = (Stats::default(), BTreeMap::new());
    HostView { host: HostId(0), run: 1, disk: 0, stats, under_way: 0, rejected, node: Some(node) }
}

#[test]
fn a_diff_names_every_visible_change_and_nothing_else() {
    let (old, mut new) = (view(), view());
    assert_eq!(diff(&old, &new), [""; 0]);
    new.rejected.insert(Rejected::Malformed, 2);
    let node = new.node.as_mut().unwrap();
    let member = &mut node.members[0];
    member.since = Duration::from_secs(9);
    (member.state, member.incarnation, member.generation) = (MemberState::Suspect, 2, 0x1f);
    member.why = "no answer".to_owned();
    member.metadata = vec![MetaEntry { key: "b".into(), value: b"\x00y"[..].into(), version: 2 }];
    let mut other = member.clone();
    other.id = NodeId([2; 16]);
    other.name = "n2".into();
    node.members.push(other);
    node.items = BTreeSet::from([ItemId { origin: NodeId([1; 16]), start: 1, seq: 2 }]);
    node.counters.insert(("sent", "x"), 4);
    let label = ItemId { origin: NodeId([1; 16]), start: 1, seq: 2 }.run_label();
    let expected = [
        "refused: malformed, 2 in all".to_owned(),
        "~ member n1 alive -> suspect (no answer) incarnation 1 -> 2 generation 1 -> 1f".to_owned(),
        "~ metadata n1 a: x (version 1) -> nothing".to_owned(),
        "~ metadata n1 b: nothing -> \\x00y (version 2)".to_owned(),
        "+ member n2 suspect incarnation 2 (no answer)".to_owned(),
        format!("+ item {label}-2"),
        format!("- item {label}-1"),
        "counter sent(x) 1 -> 4".to_owned(),
    ];
    assert_eq!(diff(&old, &new), expected);
    assert!(diff(&new, &old).contains(&"- member n2".to_owned()));
}
