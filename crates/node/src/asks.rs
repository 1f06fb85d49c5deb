//! Questions: the `ask` engine between items and frames.
//!
//! A question is an item with the header `:ask`, and spreads as its style says; the engine does
//! the rest. Its messages are confirmed ones, as those of `tell.rs` are; the confirmation comes
//! from the engine of the receiver, once the origin has what it brought.

use crate::NativeNode;
use bruit_engine::spread::ask::message::Send;
use bruit_engine::spread::ask::{self, Asked, Event as Answered, Params, Refused};
use bruit_model::{Ask, CommandError, Event, Item, ItemId, NodeId, Now};
use bruit_wire::{ANSWER_GROUP_BYTES, ANSWER_MEMBER_BYTES, ANSWERS_BYTES, Answers, Frame};
use bytes::Bytes;
use std::sync::Arc;

/// The largest message of answers, whatever datagrams may hold: the count of different parts in it
/// stays within the wire's limit.
const MESSAGE_BYTES_MAX: usize = 16 << 10;

pub(crate) type AskOut = ask::Out<NodeId, ItemId, Bytes>;

/// The engine's settings for a node whose datagrams hold so much plaintext.
pub(crate) fn params(config: &crate::Config, plaintext_max: usize) -> Params {
    Params {
        direct_members_max: config.ask_direct_members_max,
        hold_step: config.profile.hold_step(),
        message_bytes_max: plaintext_max.min(MESSAGE_BYTES_MAX),
        message_bytes: ANSWERS_BYTES,
        group_bytes: ANSWER_GROUP_BYTES,
        member_bytes: ANSWER_MEMBER_BYTES,
        ..Params::default()
    }
}

impl NativeNode {
    /// Notes an item that is a question. Whoever sent its first copy is the way to its origin.
    ///
    /// Its time counts from now: clocks differ, and spreading takes a small part of it.
    pub(crate) fn note_question(&mut self, now: Now, item: &Item, parent: Option<NodeId>) {
        let Some(Ask { timeout, reduce }) = item.ask() else { return };
        let members_count = self.swim.live_peers().len() + 1;
        let (hops, deadline) = (item.hops, now.mono + timeout);
        let asked = Asked { parent, reduce, hops, deadline, members_count };
        self.asks.on_question(now.mono, item.id, asked, &mut self.asks_out);
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
        let answered = self.asks.answer(now.mono, &to, part, is_last, &mut self.asks_out);
        answered.map_err(|refused| match refused {
            Refused::Unknown | Refused::Over => CommandError::Invalid(refused.to_string()),
            Refused::Full => CommandError::Busy("the table of answers"),
        })
    }

    pub(crate) fn on_answers(&mut self, now: Now, from: NodeId, token: u64, answers: Arc<Answers>) {
        let answers = Arc::unwrap_or_clone(answers);
        self.asks.handle_message(now.mono, &from, token, answers, &mut self.asks_out);
    }

    /// Hands the engine's sends to the confirmed messages, and its events on.
    pub(crate) fn settle_asks(&mut self, now: Now) {
        while let Some(event) = self.asks_out.pop_event() {
            let Answered::Answer { question: to, part, is_last, from: members } = event;
            let Some(&from) = members.first() else { continue };
            let count = members.len() as u64;
            let also_from = members.into_iter().take(Ask::NAMED_MAX).skip(1).collect();
            self.event(Event::Answer { to, from, part, is_last, count, also_from });
        }
        while let Some(send) = self.asks_out.pop_send() {
            match send {
                Send::Confirm { to, ticket } => self.send(now, to, &Frame::Told { token: ticket }),
                Send::Parts { to, number, parts, patience, until } => {
                    let is_sent = self.send_answers(now, to, number, parts, (patience, until));
                    if is_sent.is_err() {
                        self.asks.undelivered(now.mono, number, &mut self.asks_out);
                    }
                }
            }
        }
    }
}
