//! Questions: items that are answered, to the node that asked.

use crate::NativeNode;
use bruit_engine::spread::ask::message::{Group, Parts};
use bruit_engine::{Deadlines, Instant};
use bruit_model::{Ask, CommandError, Event, Item, ItemId, NodeId, Now, Reduce};
use bruit_wire::{Answers, Frame};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Questions remembered; the oldest is forgotten first.
const QUESTIONS_MAX: usize = 1024;
/// Parts of answers that an origin remembers, to know repetitions.
const PARTS_MAX: usize = 65_536;
/// How much longer than its timeout a question is remembered, and one of Bruit's own held.
pub(crate) const MARGIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Question {
    reduce: Reduce,
    /// How many parts this node has given.
    given: u8,
    is_over: bool,
    /// What came, where this node asked.
    seen: BTreeSet<(NodeId, u8)>,
}

#[derive(Debug, Default)]
pub(crate) struct Asks {
    questions: BTreeMap<ItemId, Question>,
    ends: Deadlines<ItemId>,
    parts: usize,
    pub(crate) shed_count: u64,
}

impl Asks {
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.ends.next()
    }

    fn forget(&mut self, id: &ItemId) {
        if let Some(question) = self.questions.remove(id) {
            self.parts -= question.seen.len();
        }
    }
}

impl NativeNode {
    /// Notes an item that is a question.
    pub(crate) fn note_question(&mut self, now: Now, item: &Item) {
        let Some(ask) = item.ask() else { return };
        while self.asks.questions.len() >= QUESTIONS_MAX
            && let Some(at) = self.asks.ends.next()
            && let Some((_, oldest)) = self.asks.ends.pop_due(at)
        {
            self.asks.shed_count += 1;
            self.asks.forget(&oldest);
        }
        let (given, is_over, seen) = (0, false, BTreeSet::new());
        let question = Question { reduce: ask.reduce, given, is_over, seen };
        self.asks.questions.insert(item.id, question);
        self.asks.ends.set(item.id, now.mono + ask.timeout + MARGIN);
    }

    pub(crate) fn answer(
        &mut self,
        now: Now,
        to: ItemId,
        part: Bytes,
        is_last: bool,
    ) -> Result<(), CommandError> {
        if part.len() > Ask::PART_BYTES_MAX {
            let (what, given, limit) = ("the answer's length", part.len(), Ask::PART_BYTES_MAX);
            return Err(CommandError::TooLarge { what, given, limit });
        }
        let known = self.asks.questions.get_mut(&to);
        let question = known.filter(|question| !question.is_over).ok_or_else(|| {
            CommandError::Invalid(format!("{to} is not a question that can still be answered"))
        })?;
        let ordinal = question.given;
        question.given = ordinal.saturating_add(1);
        question.is_over = is_last || ordinal == u8::MAX;
        let group = Group { part, is_last, from: vec![(self.id, ordinal)] };
        let answers = Arc::new(Answers { question: to, groups: vec![group] });
        if to.origin == self.id {
            self.on_answers(now, &answers);
            return Ok(());
        }
        self.send_confirmed(now, to.origin, |token| Frame::Answers { token, answers })
    }

    pub(crate) fn on_answers(&mut self, _now: Now, answers: &Answers) {
        let Parts { question: to, groups } = answers;
        let own = self.id;
        let known = self.asks.questions.get_mut(to).filter(|_| to.origin == own);
        let Some(question) = known else {
            self.asks.shed_count += 1;
            return;
        };
        let mut events = Vec::new();
        for Group { part, is_last, from } in groups {
            let room = PARTS_MAX.saturating_sub(self.asks.parts);
            let is_new = |each: &&(NodeId, u8)| question.seen.insert(**each);
            let new: Vec<NodeId> = from.iter().take(room).filter(is_new).map(|it| it.0).collect();
            self.asks.parts += new.len();
            let at_once = match question.reduce {
                Reduce::Collect => 1,
                Reduce::Tally => usize::MAX,
            };
            for members in new.chunks(at_once) {
                events.push(Event::Answer {
                    to: *to,
                    from: members[0],
                    part: part.clone(),
                    is_last: *is_last,
                    count: members.len() as u64,
                    also_from: members.iter().take(Ask::NAMED_MAX).skip(1).copied().collect(),
                });
            }
        }
        for event in events {
            self.event(event);
        }
    }

    pub(crate) fn forget_questions(&mut self, now: Now) {
        while let Some((_, id)) = self.asks.ends.pop_due(now.mono) {
            self.asks.forget(&id);
        }
    }
}
