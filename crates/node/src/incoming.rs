//! Frames coming in: one function call for each kind.

use crate::NativeNode;
use bruit_engine::membership::swim::message::Message as Probe;
use bruit_engine::spread::rumor::message::Message as Rumor;
use bruit_model::{NodeId, Now, Rejected, StreamId};
use bruit_wire::{Frame, Subject};
use std::net::SocketAddr;

/// Room for so many frames of a message is kept for the next.
const FRAMES_KEPT: usize = 32;

/// By which way a frame came, or is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To a member, at the address it announces.
    Member(NodeId),
    /// By datagram at this address.
    Addr(SocketAddr, NodeId),
    /// On this stream.
    Stream(StreamId),
}

impl NativeNode {
    /// Handles all frames of an authentic datagram or stream message.
    ///
    /// # Errors
    /// `Malformed` if one of them is: none has had an effect.
    pub(crate) fn handle_frames(
        &mut self,
        now: Now,
        route: Route,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        let mut frames = std::mem::take(&mut self.frames);
        let decoded = bruit_wire::decode_all(bytes, &mut frames);
        if let Ok(unknown_count) = decoded {
            self.counters.frames_unknown += unknown_count as u64;
            // What a message says is judged by what is known, so updates beside it come first.
            if frames.len() > 1 {
                frames.sort_by_key(|frame| !matches!(frame, Frame::Update(_)));
            }
            frames.drain(..).for_each(|frame| self.on_frame(now, route, from, frame));
        }
        if frames.capacity() <= FRAMES_KEPT {
            self.frames = frames;
        }
        Ok(decoded.map(drop)?)
    }

    fn on_frame(&mut self, now: Now, route: Route, from: NodeId, frame: Frame) {
        match frame {
            Frame::Ping { seq, target, summary: _ } => {
                if target == self.id {
                    self.on_probe(now, from, Probe::Ping { seq, target: self.id });
                    self.answer_ping(now, route, seq);
                }
            }
            Frame::Ack { seq, summary } => {
                self.on_probe(now, from, Probe::Ack { seq });
                self.compare_summary(now, route, from, summary);
            }
            Frame::PingReq { seq, target, wants_nack } => {
                self.on_probe(now, from, Probe::PingReq { seq, target, wants_nack });
            }
            Frame::Nack { seq } => self.on_probe(now, from, Probe::Nack { seq }),
            Frame::Update(update) => self.on_update(now, from, update),
            Frame::State { updates, wants_answer } => {
                self.on_state(now, route, from, updates, wants_answer);
            }
            Frame::Buckets { subject: Subject::Members, sums } => {
                self.on_member_buckets(now, route, &sums);
            }
            Frame::Buckets { subject: Subject::Items, sums } => {
                self.on_item_buckets(now, route, &sums);
            }
            Frame::MemberDigests { buckets, digests, wants_answer } => {
                self.on_member_digests(now, route, buckets, &digests, wants_answer);
            }
            Frame::Delta(delta) => self.on_delta(now, delta),
            other @ (Frame::Item { .. }
            | Frame::Announce(_)
            | Frame::Fetch(_)
            | Frame::PullRequest
            | Frame::Feedback { .. }
            | Frame::ItemDigests { .. }
            | Frame::Want(_)
            | Frame::Gone(_)
            | Frame::Tell { .. }
            | Frame::Told { .. }
            | Frame::Answers { .. }) => self.on_item_frame(now, route, from, other),
        }
    }

    fn on_item_frame(&mut self, now: Now, route: Route, from: NodeId, frame: Frame) {
        match frame {
            Frame::Item { item, wants_feedback, repair } => {
                self.on_item(now, from, item, wants_feedback, repair);
            }
            Frame::Announce(keys) => self.on_rumor(now, from, Rumor::Announce { keys }),
            Frame::Fetch(keys) => self.on_rumor(now, from, Rumor::Fetch { keys }),
            Frame::PullRequest => self.on_rumor(now, from, Rumor::PullRequest),
            Frame::Feedback { id, known } => {
                self.on_rumor(now, from, Rumor::Feedback { key: id, known });
            }
            Frame::ItemDigests { buckets, runs, wants_answer } => {
                self.on_item_digests(now, route, buckets, &runs, wants_answer);
            }
            Frame::Want(runs) => self.on_want(now, route, &runs),
            Frame::Gone(runs) => self.on_gone(now, &runs),
            Frame::Tell { token, bytes } => {
                self.send_by(now, route, &Frame::Told { token });
                self.on_tell(from, token, bytes);
            }
            Frame::Told { token } => self.on_told(now, from, token),
            Frame::Answers { token, answers } => {
                self.on_answers(now, from, token, answers);
            }
            Frame::Ping { .. }
            | Frame::PingReq { .. }
            | Frame::Ack { .. }
            | Frame::Nack { .. }
            | Frame::Update(_)
            | Frame::State { .. }
            | Frame::Buckets { .. }
            | Frame::MemberDigests { .. }
            | Frame::Delta(_) => {}
        }
    }
}
