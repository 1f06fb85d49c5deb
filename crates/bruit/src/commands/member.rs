//! `bruit member`.

use super::members::note;
use super::watch;
use crate::args::MemberArgs;
use crate::client::{Client, Member, encode_segment};
use crate::exit::{Exit, Failure};
use crate::out::{self, Cell, Out, Table};
use serde::Deserialize as _;
use serde_json::Value;
use std::time::Duration;

/// Shows all that is known of one member.
pub(crate) async fn run(args: MemberArgs) -> Result<Exit, Failure> {
    let target = format!("/v1/members/{}", encode_segment(&args.node));
    let show = async |client: &mut Client, out: &Out| {
        let value: Value = client.get(&target).await?;
        if out.is_json() {
            out.value(&value)?;
            return Ok(Exit::Ok);
        }
        let member = Member::deserialize(&value).map_err(|e| Failure::not_understood(&e))?;
        out.table(&table(&member))?;
        Ok(Exit::Ok)
    };
    watch::read(&args.read, show).await
}

fn table(member: &Member) -> Table {
    let mut table = Table::new(&["NODE", &member.name]);
    let since = Duration::try_from_secs_f64(member.since_seconds).unwrap_or_default();
    let mut row = |name: &str, value: Cell| table.row([name.into(), value]);
    row("address", member.address.as_str().into());
    row("state", Cell::state(&member.state));
    row("since", out::duration(since).into());
    if !member.why.is_empty() {
        row("why", member.why.as_str().into());
    }
    if let Some(rtt) = member.rtt_ms {
        row("round trip", out::millis(rtt).into());
    }
    for (name, value) in &member.rest {
        // What this version does not know by name is shown as the agent calls it.
        if let Some(text) = value.as_str() {
            row(name, text.into());
        } else if !value.is_null() {
            row(name, value.to_string().into());
        }
    }
    for each in &member.subscriptions {
        row("subscription", format!("{}: {}", each.name, each.pattern).into());
    }
    for (key, value) in &member.metadata {
        row("tag", format!("{key}={value}").into());
    }
    let note = note(member);
    if !note.is_empty() && note != member.why {
        row("note", note.into());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_that_the_agent_says_is_shown() {
        let member: Member = serde_json::from_value(json!({
            "id": "00ff", "name": "web\u{9b}1", "address": "127.0.0.1:1", "state": "suspect",
            "why": "no answer\n\u{1b}[2J", "conflict": true, "metadata": { "role": "web" },
            "subscriptions": [{ "name": "app", "pattern": "cache/**" }], "incarnation": 3,
            "since_seconds": 64.2, "rtt_ms": 0.41, "self": false, "new": ["field"],
        }))
        .unwrap();
        let lines = table(&member).lines(None, false);
        assert_eq!(
            lines,
            [
                "NODE           web\u{fffd}1",
                "address        127.0.0.1:1",
                "state          suspect",
                "since          1m04s",
                "why            no answer\u{fffd}\u{fffd}[2J",
                "round trip     0.41 ms",
                "id             00ff",
                "incarnation    3",
                "new            [\"field\"]",
                "subscription   app: cache/**",
                "tag            role=web",
                "note           another member has this name; no answer\u{fffd}\u{fffd}[2J",
            ]
        );
    }
}
