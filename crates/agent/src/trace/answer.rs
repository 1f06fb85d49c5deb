//! The question, and what this agent answers to it.
//!
//! Layout of the question: version (1 byte, 0x01), whether the item is to be described (1, 0x01
//! yes, 0x00 no), the item's printable id (the rest, in capitals).

use super::log::{Ended, Offered, TEXT_BYTES_MAX};
use super::record::{Described, Record, Seen, Via};
use super::{cut, log, unix_nanos};
use crate::delivery::{DeliveryState, Wanted};
use crate::shared::Shared;
use bruit_model::{ItemId, ItemTrace};
use bruit_runtime::Stopped;
use bytes::Bytes;
use std::time::Duration;

const VERSION: u8 = 0x01;
/// The longest printable id, in bytes: 8 letters, a dash, a number of 64 bits.
const ID_BYTES_MAX: usize = 29;
/// Of how many deliveries that have not ended it is looked how far they are. Guess.
const PENDING_MAX: usize = 8;
/// How many of those that wait at a subscription are looked through, from the oldest on. Guess.
const WAITING_MAX: usize = 1000;

/// What is asked about an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// Its printable id.
    pub(crate) id: String,
    /// Whether whoever asks does not hold it, and wants to know what it is.
    pub(crate) describe: bool,
}

impl Question {
    /// Whether a text can be an item's printable id, in capitals.
    pub(crate) fn is_id(text: &str) -> bool {
        text.len() <= ID_BYTES_MAX
            && text.split_once('-').is_some_and(|(label, seq)| {
                let letters = label.bytes().all(|letter| letter.is_ascii_alphanumeric());
                label.len() == 8
                    && letters
                    && !seq.is_empty()
                    && seq.bytes().all(|digit| digit.is_ascii_digit())
            })
    }

    /// The message.
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = vec![VERSION, u8::from(self.describe)];
        bytes.extend(self.id.as_bytes());
        bytes.into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let [VERSION, describe @ (0 | 1), id @ ..] = bytes else { return None };
        let id = std::str::from_utf8(id).ok().filter(|id| Self::is_id(id))?.to_owned();
        Some(Self { id, describe: *describe == 1 })
    }
}

/// Answers a question of another agent; `None` if it is not understood.
pub(crate) async fn answer(shared: &Shared, question: &[u8]) -> Option<Bytes> {
    let question = Question::decode(question)?;
    let record = look_up(shared, question).await.ok()?;
    Some(record.encode())
}

/// What this agent knows.
pub(crate) async fn look_up(shared: &Shared, question: Question) -> Result<Record, Stopped> {
    let Question { id: printable, describe } = question;
    let logged = shared.traces.log.find(&printable);
    let (held, trace) = shared
        .node
        .with(move |node, _| {
            let held = node.items().find(&printable);
            let held = held.filter(|item| !item.path.as_str().starts_with('$'));
            let id = held.as_ref().map(|item| item.id).or(logged);
            (held, id.and_then(|id| node.item_trace(&id)))
        })
        .await?;
    let id = held.as_ref().map(|item| item.id).or(logged);
    let offered = id.and_then(|id| Some((id, shared.traces.log.get(&id)?)));
    let described = || match (&held, &offered) {
        (Some(item), _) => Some(Described::of_item(item)),
        (None, Some((id, offered))) => Some(Described::of_offered(*id, offered)),
        (None, None) => None,
    };
    let described = describe.then(described).flatten();
    let mut seen = id.and_then(|_| seen(trace, offered));
    if let (Some(id), Some(seen)) = (id, &mut seen) {
        pending(shared, &id.to_string(), seen);
    }
    Ok(Record {
        now_unix_nanos: unix_nanos(),
        log_since_unix_nanos: shared.traces.log.since(),
        is_cut: false,
        described,
        seen,
    })
}

/// Puts together what the node and the log remember.
fn seen(trace: Option<ItemTrace>, offered: Option<(ItemId, Offered)>) -> Option<Seen> {
    let offered = offered.map(|(_, offered)| offered);
    let received = match (&trace, &offered) {
        (Some(trace), _) => trace.received.0,
        (None, Some(offered)) => offered.unix_nanos,
        (None, None) => return None,
    };
    let is_offered = offered.is_some();
    let (matching, deliveries) = offered.map_or_else(Default::default, |offered| {
        let matching = offered.deliveries.len() + offered.left_out;
        let waited = Duration::from_nanos(offered.unix_nanos.saturating_sub(received));
        let mut deliveries = offered.deliveries;
        deliveries.iter_mut().for_each(|each| each.count_from_earlier(waited));
        (u16::try_from(matching).unwrap_or(u16::MAX), deliveries)
    });
    Some(Seen {
        received_unix_nanos: received,
        via: trace.map(|trace| match trace {
            ItemTrace { from: None, .. } => Via::Local,
            ItemTrace { repaired: true, .. } => Via::Repair,
            ItemTrace { style, .. } => Via::Style(style),
        }),
        hops: trace.map_or(0, |trace| trace.hops),
        copies: trace.map_or(0, |trace| trace.copies),
        from: trace.and_then(|trace| trace.from),
        is_offered,
        matching,
        deliveries,
    })
}

/// Asks delivery how far those are that have not ended.
fn pending(shared: &Shared, item: &str, seen: &mut Seen) {
    let open = seen.deliveries.iter_mut().filter(|each| each.ended == Ended::Queued);
    for delivery in open.take(PENDING_MAX) {
        for state in [DeliveryState::InFlight, DeliveryState::Queued] {
            let subscription = Some(delivery.subscription.to_string());
            let wanted = Wanted { state: Some(state), subscription, limit: WAITING_MAX };
            let found = shared.delivery.deliveries(&wanted);
            let Some(record) = found.into_iter().find(|record| record.item == item) else {
                continue;
            };
            if state == DeliveryState::InFlight {
                delivery.ended = Ended::InFlight;
            }
            (delivery.status, delivery.attempts) = (record.status, record.attempts);
            delivery.reason = cut(&record.reason.unwrap_or_default(), TEXT_BYTES_MAX).into();
            break;
        }
    }
}

impl log::Delivery {
    /// Counts its times from `by` earlier on.
    fn count_from_earlier(&mut self, by: Duration) {
        self.after = self.after.map(|after| after + by);
        self.tries.iter_mut().for_each(|each| each.at += by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bruit_model::NodeId;

    #[test]
    fn the_question_is_pinned_and_others_are_refused() {
        let question = Question { id: "9M4K2TQ7-12".to_owned(), describe: true };
        let bytes = question.encode();
        assert_eq!(&bytes[..], b"\x01\x019M4K2TQ7-12");
        assert_eq!(Question::decode(&bytes), Some(question));
        for bad in [
            &b""[..],
            b"\x01",
            b"\x01\x01",
            b"\x02\x019M4K2TQ7-12",
            b"\x01\x029M4K2TQ7-12",
            b"\x01\x019M4K2TQ7-",
            b"\x01\x019M4K2TQ7",
            b"\x01\x009M4K2T\xff7-12",
            b"\x01\x009M4K2T/7-12",
            b"\x01\x009M4K2TQ7-123456789012345678901",
        ] {
            assert_eq!(Question::decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn every_printable_id_can_be_asked_about() {
        for seq in [0, 1, u64::MAX] {
            let id = ItemId { origin: NodeId([3; 16]), start: 4, seq };
            assert!(Question::is_id(&id.to_string()), "{id}");
        }
    }
}
