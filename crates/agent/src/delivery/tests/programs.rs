//! Subscriptions whose items go to programs.

use super::{Rig, delivered, event, quick, subscription, within};
use crate::delivery::{Exec, FailReason, Mode, Outcome, Policy, Subscription};
use std::fs;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A subscription that runs a script, which is in `dir` when it runs.
fn rig(dir: &Path, script: &str, policy: Policy) -> Rig {
    let text = format!("cd \"$1\" || exit 99\n{script}");
    let arguments = ["-c", &text, "handler", dir.to_str().unwrap()].map(str::to_owned).to_vec();
    let mode = Mode::Exec(Exec { program: "/bin/sh".into(), arguments });
    let rig = Rig::new();
    rig.delivery
        .subscribe(Subscription { mode, ..subscription("app", "http://h", policy) })
        .unwrap();
    rig
}

fn twice() -> Policy {
    Policy { attempts_max: NonZeroU32::new(2), ..quick() }
}

#[tokio::test]
async fn an_item_is_done_when_its_program_exits_with_0() {
    let dir = TempDir::new().unwrap();
    let mut rig = rig(dir.path(), "cat > got", quick());
    let mut item = event(1, "a");
    item.payload = "the payload".into();
    rig.offer(item);
    assert_eq!(delivered(rig.outcome().await), (200, 1));
    assert_eq!(fs::read_to_string(dir.path().join("got")).unwrap(), "the payload");
}

#[tokio::test]
async fn ex_tempfail_and_signals_are_tried_again() {
    let dir = TempDir::new().unwrap();
    let script = "if test -e second; then exit 0; fi
        if test -e first; then touch second; kill -9 $$; fi
        touch first; echo not yet >&2; exit 75";
    let mut rig = rig(dir.path(), script, quick());
    rig.offer(event(1, "a"));
    let report = rig.next().await;
    assert_eq!(delivered(report.outcome), (200, 3));
    let errors: Vec<_> = report.attempts_made.iter().map(|note| note.error.as_deref()).collect();
    assert_eq!(errors, [Some("exited with 75: not yet"), Some("ended by signal 9"), None]);
    let statuses: Vec<_> = report.attempts_made.iter().map(|note| note.status).collect();
    assert_eq!(statuses, [None, None, Some(200)]);
}

#[tokio::test]
async fn any_other_code_is_a_dead_letter() {
    let dir = TempDir::new().unwrap();
    let mut rig = rig(dir.path(), "echo one >&2; echo two >&2; exit 1", quick());
    rig.offer(event(1, "a"));
    let refused = Outcome::Failed { reason: FailReason::Refused, status: None, attempts: 1 };
    assert_eq!(rig.outcome().await, refused);
    assert_eq!(rig.dead(None)[0].reason, "the consumer refused it: exited with 1: two");
}

#[tokio::test]
async fn a_program_that_does_not_end_or_prints_without_end_is_killed_and_tried_again() {
    for script in ["sleep 3600", "yes; true", "yes >&2"] {
        let dir = TempDir::new().unwrap();
        let mut rig =
            rig(dir.path(), script, Policy { timeout: Duration::from_millis(200), ..twice() });
        rig.offer(event(1, "a"));
        let gave_up = Outcome::Failed { reason: FailReason::GaveUp, status: None, attempts: 2 };
        assert_eq!(rig.outcome().await, gave_up, "{script}");
        let error = rig.status("app").last_error.unwrap();
        assert!(error.starts_with("the program did not end within 200ms"), "{error}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_tried_again_and_named() {
    let mode = Mode::Exec(Exec { program: "/nowhere/handler".into(), arguments: Vec::new() });
    let mut rig = Rig::new();
    rig.delivery
        .subscribe(Subscription { mode, ..subscription("app", "http://h", twice()) })
        .unwrap();
    rig.offer(event(1, "a"));
    let gave_up = Outcome::Failed { reason: FailReason::GaveUp, status: None, attempts: 2 };
    assert_eq!(rig.outcome().await, gave_up);
    assert!(
        rig.status("app").last_error.unwrap().starts_with("/nowhere/handler cannot be started")
    );
    let result = rig.delivery.test("app", event(1, "a")).await.unwrap();
    assert!(result.error.unwrap().starts_with("/nowhere/handler cannot be started"));
}

#[tokio::test]
async fn no_more_programs_run_than_the_policy_allows() {
    let dir = TempDir::new().unwrap();
    // Each leaves a file while it runs, and looks how many there are.
    let script = "touch run.$$; ls run.* | wc -l >> counts; sleep 0.05; rm run.$$";
    let policy = Policy { concurrency: NonZeroU16::new(2).unwrap(), ..quick() };
    let mut rig = rig(dir.path(), script, policy);
    rig.offer_events(12);
    for _ in 0..12 {
        delivered(within(rig.reports.recv()).await.unwrap().outcome);
    }
    let counts = fs::read_to_string(dir.path().join("counts")).unwrap();
    let counts: Vec<u32> = counts.lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!((counts.len(), counts.iter().max()), (12, Some(&2)), "{counts:?}");
}
