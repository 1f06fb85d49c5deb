//! Which subscriptions the group has announced, found by path: how many agents' subscriptions
//! want an item, without a walk over all members for each.
//!
//! It is made of the member list and follows the node's events; it decides nothing, and when
//! events are shed it is made anew.

use crate::receipts::{announced, close_to};
use bruit_model::{Member, MemberState, NodeId, Path, Pattern, PatternMap};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// With more different patterns than these, none that come close to a path are looked for: that
/// compares with each. Guess, for about a millisecond.
const COMPARED_MAX: usize = 256;

/// The announced subscriptions of the members that may be there.
#[derive(Debug, Default)]
pub(crate) struct Announced(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The patterns of each member, one for each of its subscriptions.
    members: BTreeMap<NodeId, Vec<Pattern>>,
    /// Who has each pattern, one for each subscription.
    patterns: BTreeMap<Pattern, Vec<(NodeId, Arc<str>)>>,
    /// Each pattern once.
    map: PatternMap<Pattern>,
}

impl Announced {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts over with these members.
    pub(crate) fn reload(&self, members: &[Member]) {
        let mut inner = self.lock();
        *inner = Inner::default();
        members.iter().for_each(|member| inner.set(member));
    }

    /// A member is as this says.
    pub(crate) fn set(&self, member: &Member) {
        self.lock().set(member);
    }

    /// A member was forgotten.
    pub(crate) fn remove(&self, id: &NodeId) {
        self.lock().replace(*id, &"".into(), Vec::new());
    }

    /// How many subscriptions of the group select `path`.
    pub(crate) fn count(&self, path: &Path) -> usize {
        let inner = self.lock();
        let mut count = 0;
        inner.map.matches(path, &mut |pattern| {
            count += inner.patterns.get(pattern).map_or(0, Vec::len);
        });
        count
    }

    /// A sentence that says that nobody is subscribed to `path`, and which patterns come close.
    pub(crate) fn close_to(&self, path: &Path) -> String {
        let inner = self.lock();
        let is_much = inner.patterns.len() > COMPARED_MAX;
        let known = inner.patterns.keys().take(if is_much { 0 } else { COMPARED_MAX });
        let names = |pattern: &str| -> Vec<Arc<str>> {
            let pattern = Pattern::parse(pattern).ok();
            let members = pattern.and_then(|pattern| inner.patterns.get(&pattern));
            members.into_iter().flatten().map(|(_, name)| Arc::clone(name)).collect()
        };
        close_to(known.map(Pattern::as_str), names, path)
    }
}

impl Inner {
    fn set(&mut self, member: &Member) {
        let patterns = match member.state {
            MemberState::Alive | MemberState::Suspect => {
                announced(member).map(|(_, pattern)| pattern).collect()
            }
            MemberState::Failed | MemberState::Left => Vec::new(),
        };
        self.replace(member.id, &member.name, patterns);
    }

    fn replace(&mut self, id: NodeId, name: &Arc<str>, patterns: Vec<Pattern>) {
        let before = self.members.remove(&id).unwrap_or_default();
        for pattern in &before {
            let Some(members) = self.patterns.get_mut(pattern) else { continue };
            members.retain(|(member, _)| *member != id);
            if members.is_empty() {
                self.patterns.remove(pattern);
                self.map.remove(pattern, pattern);
            }
        }
        for pattern in &patterns {
            let members = self.patterns.entry(pattern.clone()).or_default();
            if members.is_empty() {
                self.map.insert(pattern, pattern.clone());
            }
            members.push((id, Arc::clone(name)));
        }
        if !patterns.is_empty() {
            self.members.insert(id, patterns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_model::MetaEntry;
    use std::time::{Duration, Instant};

    fn member(number: u16, state: MemberState, patterns: &[&str]) -> Member {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        let entry = |(place, pattern): (usize, &&str)| MetaEntry {
            key: format!("{}s{place}", Member::SUBSCRIPTION_KEY).into(),
            value: pattern.as_bytes().into(),
            version: 1,
        };
        Member {
            id: NodeId(id),
            name: format!("n{number}").into(),
            addr: "127.0.0.1:1".parse().unwrap(),
            state,
            why: String::new(),
            conflict: false,
            incarnation: 0,
            generation: 0,
            metadata: patterns.iter().enumerate().map(entry).collect(),
            since: Duration::ZERO,
            rtt: None,
            is_self: false,
        }
    }

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn subscriptions_are_counted_not_members() {
        let known = Announced::default();
        assert_eq!(known.count(&path("a")), 0);
        let alive = MemberState::Alive;
        known.reload(&[member(1, alive, &["a/**", "a/*", "b"]), member(2, alive, &["a/**"])]);
        assert_eq!(known.count(&path("a/x")), 3);
        assert_eq!(known.count(&path("a/x/y")), 2);
        assert_eq!(known.count(&path("b")), 1);
        assert_eq!(known.count(&path("c")), 0);
    }

    #[test]
    fn members_change_go_and_come_back() {
        let known = Announced::default();
        known.set(&member(1, MemberState::Alive, &["a"]));
        known.set(&member(1, MemberState::Suspect, &["a", "a"]));
        assert_eq!(known.count(&path("a")), 2, "two subscriptions may have one pattern");
        known.set(&member(1, MemberState::Failed, &["a", "a"]));
        assert_eq!(known.count(&path("a")), 0);
        known.set(&member(1, MemberState::Alive, &["b"]));
        assert_eq!((known.count(&path("a")), known.count(&path("b"))), (0, 1));
        known.remove(&member(1, MemberState::Alive, &[]).id);
        assert_eq!(known.count(&path("b")), 0);
        let inner = known.lock();
        let is_empty = (inner.members.is_empty(), inner.patterns.is_empty(), inner.map.is_empty());
        assert_eq!(is_empty, (true, true, true));
    }

    #[test]
    fn what_comes_close_is_said_as_long_as_that_is_cheap() {
        let known = Announced::default();
        known.set(&member(1, MemberState::Alive, &["caches/**"]));
        let text = known.close_to(&path("cache/1"));
        assert!(text.contains("\"caches/**\" (n1)"), "{text}");
        let many: Vec<String> = (0..COMPARED_MAX).map(|number| format!("x/{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        known.set(&member(2, MemberState::Alive, &many));
        assert_eq!(known.close_to(&path("cache/1")), "nobody is subscribed to \"cache/1\"");
    }

    /// Shown with `--nocapture`; what is asserted is far above it.
    #[test]
    fn counting_does_not_walk_over_all_members() {
        let known = Announced::default();
        let members: Vec<Member> = (0..10_000)
            .map(|number| {
                let own = format!("own/{number}/**");
                member(number, MemberState::Alive, &["cache/**", "flags/*", &own])
            })
            .collect();
        known.reload(&members);
        let began = Instant::now();
        for _ in 0..1000 {
            assert_eq!(known.count(&path("cache/users/42")), 10_000);
        }
        let each = began.elapsed() / 1000;
        eprintln!("10,000 members with 3 subscriptions each: {each:?} for a count");
        assert!(each < Duration::from_millis(1), "{each:?}");
    }
}
