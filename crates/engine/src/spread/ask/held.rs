//! Parts that wait to be passed on, and how they are packed.

use super::Params;
use super::message::Group;
use std::collections::BTreeMap;

/// What a node holds of one question.
#[derive(Clone, Debug)]
pub(super) struct Held<M, P> {
    /// Equal parts together.
    groups: BTreeMap<(P, bool), Vec<(M, u8)>>,
    /// What all that takes in a message.
    bytes: usize,
    /// Messages that brought it: who sent them, and their tickets.
    pub(super) sources: Vec<(M, u64)>,
    /// What it counts as against [`Params::bytes_max`].
    pub(super) counted_bytes: usize,
}

impl<M, P> Default for Held<M, P> {
    fn default() -> Self {
        Self { groups: BTreeMap::new(), bytes: 0, sources: Vec::new(), counted_bytes: 0 }
    }
}

impl<M: Clone, P: Clone + Ord + AsRef<[u8]>> Held<M, P> {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn add(&mut self, params: &Params, group: &Group<M, P>) {
        let part_bytes = params.group_bytes + group.part.as_ref().len();
        let from = self.groups.entry((group.part.clone(), group.is_last)).or_insert_with(|| {
            self.bytes += part_bytes;
            Vec::new()
        });
        from.extend_from_slice(&group.from);
        self.bytes += params.member_bytes * group.from.len();
    }

    /// Whether a message would be full.
    pub(super) fn fills(&self, params: &Params) -> bool {
        params.message_bytes + self.bytes >= params.message_bytes_max
    }

    /// Takes everything out, in messages that fit.
    pub(super) fn pack(&mut self, params: &Params) -> Vec<Vec<Group<M, P>>> {
        let room_max = params.message_bytes_max.saturating_sub(params.message_bytes);
        let (mut messages, mut message) = (Vec::new(), Vec::new());
        let mut room = room_max;
        for ((part, is_last), mut from) in std::mem::take(&mut self.groups) {
            let part_bytes = params.group_bytes + part.as_ref().len();
            while !from.is_empty() {
                let fits = room.saturating_sub(part_bytes) / params.member_bytes.max(1);
                if fits == 0 && !message.is_empty() {
                    messages.push(std::mem::take(&mut message));
                    room = room_max;
                    continue;
                }
                let rest = from.split_off(fits.clamp(1, from.len()));
                room = room.saturating_sub(part_bytes + params.member_bytes * from.len());
                message.push(Group { part: part.clone(), is_last, from });
                from = rest;
            }
        }
        if !message.is_empty() {
            messages.push(message);
        }
        self.bytes = 0;
        messages
    }
}

/// What `groups` count as against [`Params::bytes_max`].
pub(super) fn bytes_of<M, P: AsRef<[u8]>>(params: &Params, groups: &[Group<M, P>]) -> usize {
    let of_group = |group: &Group<M, P>| {
        params.group_bytes + group.part.as_ref().len() + params.member_bytes * group.from.len()
    };
    groups.iter().map(of_group).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(part: &str, from: &[u32]) -> Group<u32, Vec<u8>> {
        let from = from.iter().map(|member| (*member, 0)).collect();
        Group { part: part.as_bytes().to_vec(), is_last: true, from }
    }

    #[test]
    fn equal_parts_travel_once_and_messages_stay_within_their_size() {
        let params = Params {
            message_bytes_max: 100,
            message_bytes: 10,
            group_bytes: 5,
            member_bytes: 20,
            ..Params::default()
        };
        let mut held = Held::default();
        held.add(&params, &group("aaaaa", &[1]));
        assert!(!held.fills(&params), "10 + 5 + 5 + 20");
        held.add(&params, &group("aaaaa", &[2, 3]));
        assert!(!held.fills(&params));
        held.add(&params, &group("aaaaa", &[4, 5]));
        held.add(&params, &group("b", &[6]));
        assert!(held.fills(&params));
        let messages = held.pack(&params);
        // 90 bytes of room: 10 for the part, 4 members of 20. Then 10 + 20, and 6 + 20.
        let expected =
            vec![vec![group("aaaaa", &[1, 2, 3, 4])], vec![group("aaaaa", &[5]), group("b", &[6])]];
        assert_eq!(messages, expected);
        assert!(held.is_empty() && held.pack(&params).is_empty());
        assert_eq!(bytes_of(&params, &messages[1]), 56);
    }

    #[test]
    fn a_part_that_is_too_large_travels_alone() {
        let params = Params { message_bytes_max: 60, ..Params::default() };
        let mut held = Held::default();
        let large = "x".repeat(100);
        held.add(&params, &group(&large, &[1, 2]));
        held.add(&params, &group("a", &[3]));
        let expected =
            vec![vec![group("a", &[3])], vec![group(&large, &[1])], vec![group(&large, &[2])]];
        assert_eq!(held.pack(&params), expected);
    }
}
