//! `POST /v1/evict`: a member that has failed is declared gone.

use super::json;
use super::members::read_json;
use super::problem::Problem;
use super::views::MemberView;
use crate::shared::Shared;
use axum::extract::{Request, State};
use axum::response::Response;
use bruit_model::{Command, CommandError, Member, MemberState, NodeId};
use http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evict {
    member: String,
}

/// Who is to be evicted.
enum Which {
    /// This one.
    One(NodeId),
    /// It has left already.
    Gone(NodeId),
    Nobody,
    Several(Vec<NodeId>),
    /// It is alive.
    Alive(Member),
}

pub(super) async fn evict(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let hint = "write {\"member\": \"its name or id\"}";
    let Evict { member: wanted } = read_json(&shared, request, hint).await?;
    let text = wanted.clone();
    let found = shared.node.with(move |node, now| {
        let members: Vec<Member> = node.members(now).iter().collect();
        let which = choose(&members, &text);
        let id = match which {
            Which::One(id) => {
                node.handle_command(now, Command::Evict(id))?;
                id
            }
            Which::Gone(id) => id,
            Which::Nobody | Which::Several(_) | Which::Alive(_) => return Ok(Err(which)),
        };
        let member = node.members(now).get(&id).map(|member| MemberView::new(&member));
        Ok::<_, CommandError>(member.ok_or(Which::Nobody))
    });
    let wanted = wanted.escape_debug();
    match found.await?? {
        Ok(member) => Ok(json(StatusCode::OK, &member)),
        Err(Which::Several(ids)) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            Err(Problem::conflict(format!("several members are called {wanted}"))
                .hint(format!("name one by its id: {}", ids.join(", "))))
        }
        Err(Which::Alive(member)) => {
            Err(Problem::conflict(format!("{wanted} is alive")).hint(if member.is_self {
                "this agent leaves by POST /v1/leave"
            } else {
                "POST /v1/leave at its agent, or stop it: it would be back at once"
            }))
        }
        Err(_) => Err(Problem::not_found(format!("no member is called {wanted}"))
            .hint("GET /v1/members lists them")),
    }
}

/// Of several members with a name, those are meant that may be evicted.
fn choose(members: &[Member], wanted: &str) -> Which {
    let id = wanted.parse::<NodeId>().ok();
    let named: Vec<&Member> = members
        .iter()
        .filter(|member| id.map_or(*member.name == *wanted, |id| member.id == id))
        .collect();
    let in_state = |states: &[MemberState]| -> Vec<NodeId> {
        let fitting = named.iter().filter(|member| states.contains(&member.state));
        fitting.map(|member| member.id).collect()
    };
    let silent = in_state(&[MemberState::Suspect, MemberState::Failed]);
    match (&silent[..], &in_state(&[MemberState::Left])[..]) {
        ([one], _) => Which::One(*one),
        ([_, ..], _) => Which::Several(silent),
        ([], left) => match named.iter().find(|member| member.state == MemberState::Alive) {
            Some(member) => Which::Alive((*member).clone()),
            None => left.first().map_or(Which::Nobody, |id| Which::Gone(*id)),
        },
    }
}
