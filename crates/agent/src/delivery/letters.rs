//! Dead letters: what a subscription keeps of the items that it gave up.

use bruit_model::Item;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An item that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it on this agent: the subscription's name, a dot, and a number.
    pub id: String,
    /// The name of the subscription.
    pub subscription: String,
    /// The item.
    pub item: Arc<Item>,
    /// Why, in words, with the last error.
    pub reason: String,
    /// What the consumer answered last, if it ever did.
    pub status: Option<u16>,
    /// How many attempts were made.
    pub attempts: u32,
    /// When it was given up, milliseconds since 1970-01-01 UTC.
    pub unix_millis: u64,
}

impl DeadLetter {
    /// The id of a delivery.
    pub(super) fn id_of(subscription: &str, number: u64) -> String {
        format!("{subscription}.{number}")
    }

    /// What the id of a delivery names: a subscription and a number of it.
    pub(super) fn parse_id(id: &str) -> Option<(&str, u64)> {
        let (subscription, number) = id.rsplit_once('.')?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain && !number.starts_with('0') {
            Some((subscription, number.parse().ok()?))
        } else {
            None
        }
    }
}

/// The dead letters of one subscription, bounded in number and in bytes. Pure.
#[derive(Debug)]
pub(super) struct Letters {
    by_number: BTreeMap<u64, DeadLetter>,
    bytes: usize,
    items_max: usize,
    bytes_max: usize,
    /// How many were dropped because there were too many.
    pub(super) shed: u64,
}

impl Letters {
    /// None yet, and at most so many.
    pub(super) const fn new(items_max: usize, bytes_max: usize) -> Self {
        Self { by_number: BTreeMap::new(), bytes: 0, items_max, bytes_max, shed: 0 }
    }

    /// Keeps one; gives those that must go for it, the oldest first. One that is larger than all
    /// may be together goes itself.
    pub(super) fn keep(&mut self, number: u64, letter: DeadLetter) -> Vec<DeadLetter> {
        let mut gone = Vec::new();
        gone.extend(self.remove(number));
        self.bytes += letter.item.held_bytes();
        self.by_number.insert(number, letter);
        let newest = self.by_number.get(&number).map_or(0, |letter| letter.item.held_bytes());
        if newest > self.bytes_max {
            gone.extend(self.remove(number));
        }
        while self.by_number.len() > self.items_max || self.bytes > self.bytes_max {
            let Some((&oldest, _)) = self.by_number.first_key_value() else { break };
            gone.extend(self.remove(oldest));
        }
        self.shed += gone.len() as u64;
        gone
    }

    /// Removes one.
    pub(super) fn remove(&mut self, number: u64) -> Option<DeadLetter> {
        let letter = self.by_number.remove(&number)?;
        self.bytes -= letter.item.held_bytes();
        Some(letter)
    }

    /// Removes all, the oldest first.
    pub(super) fn drain(&mut self) -> Vec<DeadLetter> {
        self.bytes = 0;
        std::mem::take(&mut self.by_number).into_values().collect()
    }

    /// The one of this number.
    pub(super) fn get(&self, number: u64) -> Option<&DeadLetter> {
        self.by_number.get(&number)
    }

    /// All, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.by_number.values()
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::event;

    fn letter(number: u64, payload_bytes: usize) -> DeadLetter {
        let mut item = event(number, "a");
        item.payload = vec![0; payload_bytes].into();
        DeadLetter {
            id: DeadLetter::id_of("app", number),
            subscription: "app".to_owned(),
            item: Arc::new(item),
            reason: "because".to_owned(),
            status: None,
            attempts: 1,
            unix_millis: 0,
        }
    }

    fn ids<'a>(letters: impl IntoIterator<Item = &'a DeadLetter>) -> Vec<&'a str> {
        letters.into_iter().map(|letter| letter.id.as_str()).collect()
    }

    #[test]
    fn the_oldest_go_first() {
        let mut letters = Letters::new(2, usize::MAX);
        assert_eq!(letters.keep(1, letter(1, 0)), []);
        assert_eq!(letters.keep(3, letter(3, 0)), []);
        assert_eq!(ids(&letters.keep(4, letter(4, 0))), ["app.1"]);
        assert_eq!(ids(letters.iter()), ["app.3", "app.4"]);
        assert_eq!((letters.len(), letters.shed), (2, 1));
        assert_eq!(ids(&letters.remove(3)), ["app.3"]);
        assert_eq!(letters.remove(3), None);
        assert_eq!(ids(&letters.drain()), ["app.4"]);
        assert_eq!((letters.len(), letters.bytes, letters.shed), (0, 0, 1));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let base = letter(1, 0).item.held_bytes();
        let mut letters = Letters::new(100, 3 * base + 300);
        assert_eq!(letters.keep(1, letter(1, 100)), []);
        assert_eq!(letters.keep(2, letter(2, 100)), []);
        assert_eq!(letters.keep(3, letter(3, 100)), []);
        assert_eq!(ids(&letters.keep(4, letter(4, 101))), ["app.1", "app.2"]);
        assert_eq!(letters.bytes, 2 * base + 201);
        let large = 3 * base + 301;
        assert_eq!(ids(&letters.keep(5, letter(5, large))), ["app.5"]);
        assert_eq!(ids(letters.iter()), ["app.3", "app.4"]);
    }

    #[test]
    fn ids_are_taken_apart_as_they_are_made() {
        assert_eq!(DeadLetter::id_of("a.b-1", 12), "a.b-1.12");
        assert_eq!(DeadLetter::parse_id("a.b-1.12"), Some(("a.b-1", 12)));
        for bad in ["", "a", "a.", "a.x", "a.-1", "a.+1", "a.01", "a.0", "a.99999999999999999999"] {
            assert_eq!(DeadLetter::parse_id(bad), None, "{bad}");
        }
    }
}
