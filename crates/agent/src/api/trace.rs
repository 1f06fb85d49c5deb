//! `GET /v1/items/{id}/trace`: all agents are asked what became of an item.

use super::extract::{PathText, Query};
use super::json;
use super::problem::Problem;
use crate::questions::{self, AskError, Topic};
use crate::receipts::parse_duration;
use crate::shared::{Shared, count};
use crate::trace::{self, GATHERED_MAX, Heard, Known, Offset, Question, Record};
use axum::extract::State;
use axum::response::Response;
use bruit_model::Member;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

/// How long answers are awaited if the caller does not say. Guess.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);
/// How long answers may be awaited at most. Guess.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Refused(error) => error.into(),
            AskError::Stopped(stopped) => stopped.into(),
        }
    }
}

/// How long the caller wants to wait for answers.
pub(super) fn timeout(query: &Query, default: Duration) -> Result<Duration, Problem> {
    let Some(text) = query.get("timeout") else { return Ok(default) };
    parse_duration(&text)
        .filter(|timeout| !timeout.is_zero() && *timeout <= TIMEOUT_MAX)
        .ok_or_else(|| {
            let text = text.escape_debug();
            Problem::bad_request(format!("timeout={text} is not understood"))
                .hint("write 500ms, 2s or at most 1m")
        })
}

pub(super) async fn trace(
    State(shared): State<Arc<Shared>>,
    PathText(id): PathText,
    query: Query,
) -> Result<Response, Problem> {
    let timeout = timeout(&query, TIMEOUT_DEFAULT)?;
    let id = id.to_ascii_uppercase();
    if !Question::is_id(&id) {
        return Err(Problem::not_found(format!("{} is no item id", id.escape_debug()))
            .hint("an item id looks like 9M4K2TQ7-12; GET /v1/items lists the items held last"));
    }
    let Ok(_place) = shared.traces.gathered.try_acquire() else {
        count(&shared.traces.refused);
        return Err(Problem::unavailable(format!(
            "{GATHERED_MAX} traces are being gathered already; try again"
        )));
    };
    let own = Question { id: id.clone(), describe: true };
    let own = trace::look_up(&shared, own).await?;
    let question = Question { id: id.clone(), describe: own.described.is_none() };
    let asked = questions::ask(&shared, Topic::Trace, question.encode(), timeout).await?;
    let sent = asked.sent_unix_nanos;
    let others = asked.others();
    let answers = asked.collect(others).await;
    let heard = answers.into_iter().map(|(from, answer)| {
        let record = Record::decode(&answer.part).ok();
        let remote = record.as_ref().map_or(answer.unix_nanos, |record| record.now_unix_nanos);
        (from, Heard { record, offset: Offset::measure(sent, answer.unix_nanos, remote) })
    });
    let own = Heard { record: Some(own), offset: Offset::default() };
    let heard = heard.chain([(shared.facts.me, own)]).collect();
    let members = shared.node.with(|node, now| node.members(now).iter().collect::<Vec<Member>>());
    let members = members.await?;
    let now_unix_nanos = trace::unix_nanos();
    let known = Known { members: &members, heard: &heard, now_unix_nanos, timeout };
    known.report().map(|report| json(StatusCode::OK, &report)).ok_or_else(|| {
        let (answered, all) = (heard.len(), members.len());
        Problem::not_found(format!("no item {id} is known: {answered} of {all} members answered"))
            .hint("items are remembered as long as their topic's retention says")
    })
}
