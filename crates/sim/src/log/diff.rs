//! What changed on a host, in words.

use crate::check::{HostView, NodeView};
use bruit_model::{Member, MetaEntry};
use std::fmt::Write as _;

/// The changes from `old` to `new`, one a line: the run, members, metadata, items, counters. How
/// long a member has been in its state is left out, since it always changes.
pub fn diff(old: &HostView, new: &HostView) -> Vec<String> {
    let mut lines = Vec::new();
    if old.run != new.run {
        lines.push(format!("run {} -> {}", old.run, new.run));
    }
    if old.disk != new.disk {
        lines.push("the disk is lost".to_owned());
    }
    for (why, count) in &new.rejected {
        if old.rejected.get(why) != Some(count) {
            lines.push(format!("refused: {why}, {count} in all"));
        }
    }
    match (&old.node, &new.node) {
        (Some(old), Some(new)) => diff_nodes(old, new, &mut lines),
        (None, Some(node)) => lines.push(format!("up: node {}", node.id)),
        (Some(_), None) => lines.push("down".to_owned()),
        (None, None) => {}
    }
    lines
}

fn diff_nodes(old: &NodeView, new: &NodeView, lines: &mut Vec<String>) {
    if old.id != new.id {
        lines.push(format!("node {} -> {}", old.id, new.id));
    }
    for member in &new.members {
        match old.member(&member.id) {
            Some(before) => diff_members(before, member, lines),
            None => lines.push(format!(
                "+ member {} {} incarnation {} ({})",
                member.name, member.state, member.incarnation, member.why
            )),
        }
    }
    for member in old.members.iter().filter(|member| new.member(&member.id).is_none()) {
        lines.push(format!("- member {}", member.name));
    }
    lines.extend(new.items.difference(&old.items).map(|id| format!("+ item {id}")));
    lines.extend(old.items.difference(&new.items).map(|id| format!("- item {id}")));
    for (name, value) in &new.counters {
        let before = old.counters.get(name).copied().unwrap_or(0);
        if before != *value {
            let (name, label) = *name;
            let label = if label.is_empty() { String::new() } else { format!("({label})") };
            lines.push(format!("counter {name}{label} {before} -> {value}"));
        }
    }
}

fn diff_members(old: &Member, new: &Member, lines: &mut Vec<String>) {
    let mut text = String::new();
    if old.state != new.state {
        let _ = write!(text, " {} -> {} ({})", old.state, new.state, new.why);
    }
    if old.incarnation != new.incarnation {
        let _ = write!(text, " incarnation {} -> {}", old.incarnation, new.incarnation);
    }
    if old.generation != new.generation {
        let _ = write!(text, " generation {:x} -> {:x}", old.generation, new.generation);
    }
    if old.addr != new.addr {
        let _ = write!(text, " address {} -> {}", old.addr, new.addr);
    }
    if old.conflict != new.conflict {
        let _ = write!(text, " conflict {} -> {}", old.conflict, new.conflict);
    }
    if !text.is_empty() {
        lines.push(format!("~ member {}{text}", new.name));
    }
    let find = |member: &Member, key: &str| {
        member.metadata.iter().find(|entry| &*entry.key == key).cloned()
    };
    let show = |entry: Option<MetaEntry>| match entry {
        Some(entry) => format!("{} (version {})", entry.value.escape_ascii(), entry.version),
        None => "nothing".to_owned(),
    };
    let keys = old.metadata.iter().chain(&new.metadata).map(|entry| &*entry.key);
    let keys: std::collections::BTreeSet<_> = keys.collect();
    for key in keys {
        let (before, after) = (find(old, key), find(new, key));
        if before != after {
            let (before, after) = (show(before), show(after));
            lines.push(format!("~ metadata {} {key}: {before} -> {after}", new.name));
        }
    }
}
