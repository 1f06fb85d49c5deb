//! Which subscriptions come close to a path that nobody is subscribed to.

use super::announced;
use crate::config::distance;
use bruit_model::{Members, Path};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many patterns are named.
const PATTERNS_MAX: usize = 3;
/// How many agents are named for each.
const NAMES_MAX: usize = 3;
/// How many letters may differ in all segments that a pattern spells out. Guess.
const LETTERS_MAX: usize = 3;

/// A sentence that says that nobody is subscribed to `path`, and which patterns come close.
pub(crate) fn close_patterns(members: &dyn Members, path: &Path) -> String {
    let mut known: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
    for member in members.iter() {
        for (_, pattern) in announced(&member) {
            let names = known.entry(pattern.as_str().to_owned()).or_default();
            names.push(Arc::clone(&member.name));
        }
    }
    close_to(known.keys().map(String::as_str), |pattern| known[pattern].clone(), path)
}

/// As [`close_patterns`], of these patterns; `names` gives the names of the agents that have one.
pub(crate) fn close_to<'a>(
    known: impl Iterator<Item = &'a str>,
    names: impl Fn(&str) -> Vec<Arc<str>>,
    path: &Path,
) -> String {
    let mut close: Vec<(usize, &str)> = known
        .map(|pattern| (letters_apart(pattern, path), pattern))
        .filter(|(letters, _)| *letters <= LETTERS_MAX)
        .collect();
    close.sort_unstable();
    let mut text = format!("nobody is subscribed to \"{path}\"");
    for (place, (_, pattern)) in close.iter().take(PATTERNS_MAX).enumerate() {
        text += if place == 0 { "; subscriptions that come close: " } else { ", " };
        let names = names(pattern);
        let more = if names.len() > NAMES_MAX { ", …" } else { "" };
        let names: Vec<&str> = names.iter().take(NAMES_MAX).map(|name| &**name).collect();
        text += &format!("\"{pattern}\" ({}{more})", names.join(", "));
    }
    text
}

/// How many letters the segments that a pattern spells out differ from those of the path.
fn letters_apart(pattern: &str, path: &Path) -> usize {
    let mut segments = path.as_str().split('/');
    let mut letters = 0;
    for wanted in pattern.split('/') {
        match wanted {
            "**" => return letters,
            "*" => letters += usize::from(segments.next().is_none()),
            literal => letters += distance(literal, segments.next().unwrap_or_default()),
        }
    }
    letters + segments.map(|segment| segment.len() + 1).sum::<usize>()
}
