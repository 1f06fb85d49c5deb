//! What an item says, as environment variables.
//!
//! | variable | value |
//! |---|---|
//! | `PATH`, `HOME`, `LANG` | the agent's own; nothing else of the agent's environment |
//! | `BRUIT_ITEM_ID` | the printable id of the item |
//! | `BRUIT_PATH` | its path |
//! | `BRUIT_ORIGIN` | the id of the node that accepted it |
//! | `BRUIT_TIME_UNIX_MS` | when, in milliseconds since 1970-01-01 UTC |
//! | `BRUIT_SUBSCRIPTION` | the name of the subscription |
//! | `BRUIT_METHOD`, `BRUIT_TARGET` | of an invocation |
//! | `BRUIT_HEADER_X_ZONE` | the header `x-zone`; several of one name are joined by `, ` |
//!
//! The names of headers have a prefix, so that no header becomes a variable that means something
//! to a program or a loader.

use bruit_model::{Item, meta};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// How many bytes names and values have in all: a system takes 128 KiB or more, arguments
/// included (`MAX_ARG_STRLEN` and `ARG_MAX` of Linux).
const BYTES_MAX: usize = 64 * 1024;

/// The variables for a program.
#[derive(Debug)]
pub(super) struct Environment {
    /// Names and values.
    pub(super) variables: Vec<(OsString, OsString)>,
    /// How many headers are not among them: those with a NUL, and those past the bound.
    pub(super) left_out: usize,
}

impl Environment {
    /// The variables for `item` and the subscription called `name`.
    pub(super) fn of(item: &Item, name: &str) -> Self {
        let kept = ["PATH", "HOME", "LANG"].into_iter();
        let kept = kept.filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
        let mut variables: Vec<(OsString, OsString)> = kept.collect();
        let mut room = Room { bytes: BYTES_MAX, left_out: 0 };
        variables.iter().for_each(|(name, value)| {
            room.take(name.len() + value.len());
        });
        let ours = [
            ("BRUIT_ITEM_ID", item.id.to_string()),
            ("BRUIT_PATH", item.path.as_str().to_owned()),
            ("BRUIT_ORIGIN", item.id.origin.to_string()),
            ("BRUIT_TIME_UNIX_MS", item.time.unix_millis().to_string()),
            ("BRUIT_SUBSCRIPTION", name.to_owned()),
        ];
        for (name, value) in ours {
            room.take(name.len() + value.len());
            variables.push((name.into(), value.into()));
        }
        let mut more: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for header in &item.headers {
            let name = match &*header.name {
                meta::METHOD => "BRUIT_METHOD".to_owned(),
                meta::TARGET => "BRUIT_TARGET".to_owned(),
                other if other.starts_with(':') => continue,
                other => variable(other),
            };
            if header.value.contains(&0) {
                room.left_out += 1;
                continue;
            }
            // A name is counted with each of its values, and two bytes for what joins them.
            if room.take(name.len() + header.value.len() + 2) {
                let value = more.entry(name).or_default();
                if !value.is_empty() {
                    value.extend_from_slice(b", ");
                }
                value.extend_from_slice(&header.value);
            }
        }
        let more = more.into_iter().map(|(name, value)| (name.into(), OsString::from_vec(value)));
        variables.extend(more);
        Self { variables, left_out: room.left_out }
    }
}

struct Room {
    bytes: usize,
    left_out: usize,
}

impl Room {
    /// Takes room for `bytes`, or counts what does not go in.
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.bytes.checked_sub(bytes);
        match left {
            Some(left) => self.bytes = left,
            None => self.left_out += 1,
        }
        left.is_some()
    }
}

fn variable(header: &str) -> String {
    let letters = header.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }
    });
    "BRUIT_HEADER_".chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::{event, invocation, with};
    use bruit_model::HybridTime;

    fn ours(environment: &Environment) -> Vec<(&str, &str)> {
        let all = environment.variables.iter();
        let all = all.map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap()));
        all.filter(|(name, _)| name.starts_with("BRUIT_")).collect()
    }

    #[test]
    fn an_item_is_told_whole() {
        let mut item = with(
            invocation(7, "PURGE", "/a?b=$(c)"),
            &[
                (meta::HOST, "h"),
                ("x-zone", "eu"),
                ("content-type", "text/plain"),
                ("x-tag", "a"),
                ("x-tag", "b\n`c`"),
            ],
        );
        item.time = HybridTime(1_522_949_784_250 << 16 | 3);
        let environment = Environment::of(&item, "logs");
        let id = item.id.to_string();
        let expected = [
            ("BRUIT_ITEM_ID", &*id),
            ("BRUIT_PATH", "cache/x"),
            ("BRUIT_ORIGIN", "01010101010101010101010101010101"),
            ("BRUIT_TIME_UNIX_MS", "1522949784250"),
            ("BRUIT_SUBSCRIPTION", "logs"),
            ("BRUIT_HEADER_CONTENT_TYPE", "text/plain"),
            ("BRUIT_HEADER_X_TAG", "a, b\n`c`"),
            ("BRUIT_HEADER_X_ZONE", "eu"),
            ("BRUIT_METHOD", "PURGE"),
            ("BRUIT_TARGET", "/a?b=$(c)"),
        ];
        assert_eq!(ours(&environment), expected);
        assert_eq!(environment.left_out, 0);
    }

    #[test]
    fn what_no_variable_can_hold_is_left_out_and_counted() {
        let environment = Environment::of(&with(event(1, "x"), &[("a", "b\0c"), ("d", "e")]), "s");
        assert_eq!(ours(&environment).last(), Some(&("BRUIT_HEADER_D", "e")));
        assert_eq!((ours(&environment).len(), environment.left_out), (6, 1));
    }

    #[test]
    fn the_whole_is_bounded() {
        let large = "v".repeat(20 * 1024);
        let headers = [("a", &*large), ("b", &*large), ("c", &*large), ("d", &*large), ("e", "e")];
        let environment = Environment::of(&with(event(1, "x"), &headers), "s");
        let bytes: usize =
            environment.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= BYTES_MAX, "{bytes}");
        assert_eq!(environment.left_out, 1);
        assert_eq!(ours(&environment).last(), Some(&("BRUIT_HEADER_E", "e")));
    }
}
