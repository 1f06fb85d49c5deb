//! `bruit members`.

use super::watch;
use crate::args::{MembersArgs, is_like};
use crate::client::{Client, Member};
use crate::exit::{Exit, Failure};
use crate::out::{self, Cell, Out, Table};
use serde::Deserialize as _;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How often to look while waiting.
const WAIT_PERIOD: Duration = Duration::from_millis(50);

/// Lists members.
pub(crate) async fn run(args: MembersArgs) -> Result<Exit, Failure> {
    let connection = &args.read.ask.connection;
    if connection.address.curl && has_filter(&args) {
        out::tell("note: filters and --wait are this command's own; curl gets the whole list");
    }
    if let Some(wanted) = args.wait {
        let mut client = Client::of(connection)?;
        wait_for(&mut client, wanted, connection.timeout).await?;
    }
    watch::read(&args.read, async |client: &mut Client, out: &Out| show(client, out, &args).await)
        .await
}

fn has_filter(args: &MembersArgs) -> bool {
    args.state.is_some() || args.name.is_some() || args.wait.is_some() || !args.tags.is_empty()
}

async fn show(client: &mut Client, out: &Out, args: &MembersArgs) -> Result<Exit, Failure> {
    let all: Vec<Value> = client.get("/v1/members").await?;
    let parse = |value: &Value| Member::deserialize(value).map_err(|e| Failure::not_understood(&e));
    let all: Vec<(Member, Value)> =
        all.into_iter().map(|value| Ok((parse(&value)?, value))).collect::<Result<_, Failure>>()?;
    let count = all.len();
    let is_hidden = |member: &Member| !args.all && args.state.is_none() && member.state == "left";
    let hidden = all.iter().filter(|(member, _)| is_hidden(member)).count();
    let mut shown: Vec<(Member, Value)> = all
        .into_iter()
        .filter(|(member, _)| !is_hidden(member) && is_wanted(member, args))
        .collect();
    shown.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    if out.is_json() {
        out.value(&shown.into_iter().map(|(_, value)| value).collect())?;
        return Ok(Exit::Ok);
    }
    let members: Vec<&Member> = shown.iter().map(|(member, _)| member).collect();
    out.table(&table(&members))?;
    if shown.len() < count {
        out.note(&rest(shown.len(), count, hidden))?;
    }
    Ok(Exit::Ok)
}

/// `3 of 14 members shown (9 filtered; 2 left, hidden: --all)`
fn rest(shown: usize, count: usize, hidden: usize) -> String {
    let filtered = count - shown - hidden;
    let mut parts = Vec::new();
    if filtered > 0 {
        parts.push(format!("{filtered} filtered"));
    }
    if hidden > 0 {
        parts.push(format!("{hidden} left, hidden: --all"));
    }
    format!("{shown} of {count} members shown ({})", parts.join("; "))
}

fn is_wanted(member: &Member, args: &MembersArgs) -> bool {
    args.state.is_none_or(|state| state.word() == member.state)
        && args.name.as_ref().is_none_or(|glob| is_like(glob, &member.name))
        && args.tags.iter().all(|(key, value)| member.metadata.get(key) == Some(value))
}

fn table(members: &[&Member]) -> Table {
    let mut table =
        Table::new(&["NODE", "ADDRESS", "STATE", "SINCE", "RTT", "SUBSCRIPTIONS", "TAGS", ""]);
    for member in members {
        let patterns: Vec<&str> =
            member.subscriptions.iter().map(|each| each.pattern.as_str()).collect();
        let tags: Vec<String> =
            member.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let since = Duration::try_from_secs_f64(member.since_seconds).unwrap_or_default();
        table.row([
            member.name.as_str().into(),
            member.address.as_str().into(),
            Cell::state(&member.state),
            out::duration(since).into(),
            member.rtt_ms.map(out::millis).unwrap_or_default().into(),
            patterns.join(" ").into(),
            tags.join(" ").into(),
            note(member).into(),
        ]);
    }
    table
}

/// What there is to say of a member beyond its columns.
pub(super) fn note(member: &Member) -> String {
    let mut notes = Vec::new();
    if member.is_self {
        notes.push("(this node)");
    }
    if member.conflict {
        notes.push("another member has this name");
    }
    if member.state != "alive" {
        notes.push(&member.why);
    }
    notes.join("; ")
}

/// Waits until `wanted` members are alive. An agent that does not answer yet is waited for.
async fn wait_for(client: &mut Client, wanted: usize, timeout: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + timeout;
    loop {
        let alive = match client.get::<Vec<Member>>("/v1/members").await {
            Ok(members) => members.iter().filter(|member| member.state == "alive").count(),
            Err(failure) if failure.exit == Exit::Unreachable && Instant::now() < deadline => 0,
            Err(failure) => return Err(failure),
        };
        if alive >= wanted {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let text = format!("{alive} of {wanted} members are alive after {timeout:?}");
            return Err(Failure::new(Exit::Incomplete, text));
        }
        tokio::time::sleep(WAIT_PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn member(state: &str, is_self: bool) -> Member {
        serde_json::from_value(json!({
            "id": "00", "name": "web\u{1b}1", "address": "127.0.0.1:1", "state": state,
            "why": "no answer", "conflict": false, "metadata": { "role": "web", "zone": "a" },
            "subscriptions": [{ "name": "app", "pattern": "cache/**" }], "incarnation": 0,
            "since_seconds": 4.2, "rtt_ms": 0.41, "self": is_self,
        }))
        .unwrap()
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let expected = "3 of 14 members shown (9 filtered; 2 left, hidden: --all)";
        assert_eq!(rest(3, 14, 2), expected);
        assert_eq!(rest(3, 5, 0), "3 of 5 members shown (2 filtered)");
    }

    #[test]
    fn a_row_says_all_of_a_member() {
        let (one, two) = (member("alive", true), member("suspect", false));
        let lines = table(&[&one, &two]).lines(None, false);
        let same = "web\u{fffd}1   127.0.0.1:1";
        assert_eq!(
            lines[1],
            format!(
                "{same}   alive     4s      0.41 ms   cache/**        role=web zone=a   (this node)"
            )
        );
        assert_eq!(
            lines[2],
            format!(
                "{same}   suspect   4s      0.41 ms   cache/**        role=web zone=a   no answer"
            )
        );
    }
}
