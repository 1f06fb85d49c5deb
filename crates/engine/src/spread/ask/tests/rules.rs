//! One rule each.

use super::super::message::{Group, Parts, Send};
use super::super::{Ask, Asked, Event, Out, Params, QuestionId, Reduce, Refused};
use crate::Instant;
use std::sync::Arc;
use std::time::Duration;

/// (origin, number).
type Question = (u32, u32);

impl QuestionId<u32> for Question {
    fn origin(&self) -> u32 {
        self.0
    }
}

type Engine = Ask<u32, Question, &'static str>;
type Sends = Vec<Send<u32, Question, &'static str>>;

const Q: Question = (1, 7);

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn asked(parent: u32, hops: u8, members_count: usize) -> Asked<u32> {
    let parent = (parent != 0).then_some(parent);
    Asked { parent, reduce: Reduce::Collect, hops, deadline: at(2000), members_count }
}

fn parts(part: &'static str, from: &[(u32, u8)]) -> Parts<u32, Question, &'static str> {
    let groups = vec![Group { part, is_last: true, from: from.to_vec() }];
    Parts { question: Q, groups }
}

fn engine(me: u32) -> (Engine, Out<u32, Question, &'static str>) {
    (Ask::new(Params::default(), me), Out::new(1000))
}

fn sends(out: &mut Out<u32, Question, &'static str>) -> Sends {
    std::iter::from_fn(|| out.pop_send()).collect()
}

fn message(
    to: u32,
    number: u64,
    parts: Parts<u32, Question, &'static str>,
    (patience, until): (u64, u64),
) -> Send<u32, Question, &'static str> {
    let patience = Duration::from_millis(patience);
    Send::Parts { to, number, parts: Arc::new(parts), patience, until: at(until) }
}

#[test]
fn a_small_group_answers_straight_to_the_origin() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 2, 1000), &mut out);
    ask.answer(at(10), &Q, "me", true, &mut out).unwrap();
    assert_eq!(sends(&mut out), [message(1, 2, parts("me", &[(5, 0)]), (0, 2000))]);
    assert_eq!(ask.next_timeout(), Some(at(7000)));
    ask.delivered(at(20), 2, &mut out);
    assert_eq!(sends(&mut out), []);
    assert!(ask.is_clean(), "nobody needs it any more");
}

#[test]
fn a_member_that_may_say_more_or_did_not_arrive_remembers_the_question() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 2, 1000), &mut out);
    ask.answer(at(10), &Q, "one", false, &mut out).unwrap();
    ask.delivered(at(20), 2, &mut out);
    ask.answer(at(30), &Q, "two", true, &mut out).unwrap();
    assert_eq!(sends(&mut out).len(), 2);
    assert_eq!(ask.load().0, 1);
    ask.undelivered(at(2100), 4, &mut out);
    assert_eq!((ask.load().0, ask.stats().lost), (1, 1));
    ask.handle_timeout(at(7000), &mut out);
    assert!(ask.is_clean());
}

#[test]
fn who_passes_parts_of_others_on_remembers_the_question() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 2, 2000), &mut out);
    ask.answer(at(10), &Q, "me", true, &mut out).unwrap();
    ask.handle_timeout(at(80), &mut out);
    ask.delivered(at(90), 2, &mut out);
    ask.finish(at(90), &Q, &mut out);
    assert_eq!(ask.load().0, 1);
    ask.handle_message(at(100), &8, 100, parts("late", &[(8, 0)]), &mut out);
    let together = message(3, 4, parts("late", &[(8, 0)]), (20, 100 + 950));
    assert_eq!(sends(&mut out).last(), Some(&together));
}

#[test]
fn what_is_finished_is_forgotten() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 2, 1000), &mut out);
    ask.finish(at(10), &Q, &mut out);
    assert!(ask.is_clean(), "it has nothing to say");
    assert_eq!(ask.answer(at(20), &Q, "me", true, &mut out), Err(Refused::Unknown));

    let (mut own, mut out) = engine(1);
    own.on_question(at(0), Q, asked(0, 0, 1000), &mut out);
    own.handle_message(at(10), &8, 100, parts("it", &[(8, 0)]), &mut out);
    own.finish(at(20), &Q, &mut out);
    assert!(own.is_clean());
    own.handle_message(at(30), &9, 101, parts("it", &[(9, 0)]), &mut out);
    assert_eq!(sends(&mut out).last(), Some(&Send::Confirm { to: 9, ticket: 101 }));
    assert_eq!(own.stats().late, 1);
    own.finish(at(40), &Q, &mut out);
    assert!(own.is_clean());
}

#[test]
fn a_member_holds_and_passes_equal_parts_on_as_one() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 2, 2000), &mut out);
    ask.answer(at(10), &Q, "me", true, &mut out).unwrap();
    ask.handle_message(at(30), &8, 100, parts("me", &[(8, 0), (9, 0)]), &mut out);
    ask.handle_message(at(40), &8, 100, parts("me", &[(8, 0), (9, 0)]), &mut out);
    assert_eq!(sends(&mut out), []);
    assert_eq!(ask.next_timeout(), Some(at(80)), "four steps of 20 ms");
    ask.handle_timeout(at(80), &mut out);
    let together = parts("me", &[(5, 0), (8, 0), (9, 0)]);
    assert_eq!(sends(&mut out), [message(3, 2, together, (20, 80 + 960))]);
    // Not confirmed to its sender before the origin has it.
    ask.handle_message(at(90), &8, 100, parts("me", &[(8, 0), (9, 0)]), &mut out);
    assert_eq!(sends(&mut out), []);
    ask.delivered(at(90), 2, &mut out);
    assert_eq!(sends(&mut out), [Send::Confirm { to: 8, ticket: 100 }]);
    // Its sender missed that.
    ask.handle_message(at(200), &8, 100, parts("me", &[(8, 0), (9, 0)]), &mut out);
    assert_eq!(sends(&mut out), [Send::Confirm { to: 8, ticket: 100 }]);
    assert_eq!(ask.stats().gathered, 2);
}

#[test]
fn late_parts_are_passed_on_at_once() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 1, 2000), &mut out);
    ask.handle_message(at(100), &8, 100, parts("x", &[(8, 0)]), &mut out);
    assert_eq!(sends(&mut out), [message(3, 2, parts("x", &[(8, 0)]), (0, 1050))]);
}

#[test]
fn a_full_message_is_not_held() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 1, 2000), &mut out);
    let members: Vec<_> = (10..90).map(|member| (member, 0)).collect();
    ask.handle_message(at(1), &8, 100, parts("x", &members), &mut out);
    let sizes: Vec<_> = sends(&mut out)
        .into_iter()
        .map(|send| match send {
            Send::Parts { parts, .. } => parts.count(),
            Send::Confirm { .. } => 0,
        })
        .collect();
    assert_eq!(sizes, [67, 13], "48 + 6 + 67 × 17 = 1,193 bytes");
    // Confirmed once both parts of it are.
    ask.delivered(at(90), 2, &mut out);
    assert_eq!(sends(&mut out), []);
    ask.delivered(at(90), 3, &mut out);
    assert_eq!(sends(&mut out), [Send::Confirm { to: 8, ticket: 100 }]);
}

#[test]
fn what_the_parent_does_not_confirm_goes_to_the_origin() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 9, 2000), &mut out);
    ask.handle_message(at(10), &8, 100, parts("x", &[(8, 0)]), &mut out);
    assert_eq!(sends(&mut out), [message(3, 2, parts("x", &[(8, 0)]), (160, 1005))]);
    ask.undelivered(at(1005), 2, &mut out);
    assert_eq!(sends(&mut out), [message(1, 3, parts("x", &[(8, 0)]), (0, 2000))]);
    ask.answer(at(1006), &Q, "me", true, &mut out).unwrap();
    assert_eq!(sends(&mut out), [message(1, 5, parts("me", &[(5, 0)]), (0, 2000))]);
    ask.delivered(at(90), 3, &mut out);
    assert_eq!(sends(&mut out), [Send::Confirm { to: 8, ticket: 100 }]);
    ask.undelivered(at(2000), 5, &mut out);
    assert_eq!((ask.stats().lost, ask.stats().fallbacks), (1, 1));
}

#[test]
fn what_is_in_flight_to_a_failed_member_goes_to_the_origin() {
    let (mut ask, mut out) = engine(5);
    ask.on_question(at(0), Q, asked(3, 9, 2000), &mut out);
    ask.answer(at(1), &Q, "me", false, &mut out).unwrap();
    sends(&mut out);
    ask.member_gone(at(2), &3, &mut out);
    assert_eq!(sends(&mut out), [message(1, 3, parts_open("me", 0), (0, 2000))]);
    ask.answer(at(3), &Q, "more", false, &mut out).unwrap();
    assert_eq!(sends(&mut out), [message(1, 5, parts_open("more", 1), (0, 2000))]);
    // The origin is given its time.
    ask.member_gone(at(4), &1, &mut out);
    assert_eq!((sends(&mut out), ask.stats().lost), (vec![], 0));
}

fn parts_open(part: &'static str, number: u8) -> Parts<u32, Question, &'static str> {
    let groups = vec![Group { part, is_last: false, from: vec![(5, number)] }];
    Parts { question: Q, groups }
}

#[test]
fn the_origin_takes_each_part_once_and_none_after_the_deadline() {
    let (mut ask, mut out) = engine(1);
    ask.on_question(at(0), Q, asked(0, 0, 2000), &mut out);
    ask.answer(at(1), &Q, "me", true, &mut out).unwrap();
    ask.handle_message(at(2), &8, 100, parts("x", &[(8, 0), (9, 0)]), &mut out);
    ask.handle_message(at(3), &9, 200, parts("x", &[(9, 0), (9, 1)]), &mut out);
    ask.handle_message(at(2000), &8, 101, parts("x", &[(8, 1)]), &mut out);
    let confirms: Vec<_> = [(8, 100), (9, 200), (8, 101)]
        .into_iter()
        .map(|(to, ticket)| Send::Confirm { to, ticket })
        .collect();
    assert_eq!(sends(&mut out), confirms);
    let answer = |part, from| Event::Answer { question: Q, part, is_last: true, from };
    let events: Vec<_> = std::iter::from_fn(|| out.pop_event()).collect();
    let expected =
        [answer("me", vec![1]), answer("x", vec![8]), answer("x", vec![9]), answer("x", vec![9])];
    assert_eq!(events, expected);
    assert_eq!((ask.stats().received, ask.stats().duplicates, ask.stats().late), (4, 1, 1));
}

#[test]
fn a_tally_names_all_that_are_new() {
    let (mut ask, mut out) = engine(1);
    ask.on_question(at(0), Q, Asked { reduce: Reduce::Tally, ..asked(0, 0, 9) }, &mut out);
    ask.handle_message(at(2), &8, 100, parts("x", &[(8, 0), (9, 0)]), &mut out);
    ask.handle_message(at(2), &8, 101, parts("x", &[(9, 0), (4, 0), (5, 0)]), &mut out);
    let answer = |from| Event::Answer { question: Q, part: "x", is_last: true, from };
    let events: Vec<_> = std::iter::from_fn(|| out.pop_event()).collect();
    assert_eq!(events, [answer(vec![8, 9]), answer(vec![4, 5])]);
}

#[test]
fn a_node_gives_its_last_part_once_and_only_to_what_it_was_asked() {
    let (mut ask, mut out) = engine(5);
    assert_eq!(ask.answer(at(0), &Q, "a", false, &mut out), Err(Refused::Unknown));
    ask.on_question(at(0), Q, asked(1, 1, 9), &mut out);
    ask.answer(at(0), &Q, "a", false, &mut out).unwrap();
    ask.answer(at(0), &Q, "b", true, &mut out).unwrap();
    assert_eq!(ask.answer(at(0), &Q, "c", true, &mut out), Err(Refused::Over));
    assert_eq!(ask.answer(at(2000), &Q, "c", true, &mut out), Err(Refused::Unknown));
    let other = (2, 2);
    ask.on_question(at(0), other, asked(1, 1, 9), &mut out);
    for _ in 0..256 {
        ask.answer(at(0), &other, "a", false, &mut out).unwrap();
    }
    assert_eq!(ask.answer(at(0), &other, "a", false, &mut out), Err(Refused::Over));
}

#[test]
fn parts_of_an_unknown_question_go_straight_to_its_origin() {
    let (mut ask, mut out) = engine(5);
    ask.handle_message(at(0), &8, 100, parts("x", &[(8, 0)]), &mut out);
    assert_eq!(sends(&mut out), [message(1, 2, parts("x", &[(8, 0)]), (0, 5000))]);
    ask.delivered(at(90), 2, &mut out);
    assert_eq!(sends(&mut out), [Send::Confirm { to: 8, ticket: 100 }]);
    assert_eq!(ask.answer(at(1), &Q, "me", true, &mut out), Err(Refused::Unknown));
    // The question itself comes by repair.
    ask.on_question(at(2), Q, asked(4, 4, 2000), &mut out);
    ask.answer(at(3), &Q, "me", true, &mut out).unwrap();
    ask.handle_timeout(at(42), &mut out);
    assert_eq!(sends(&mut out), [message(4, 4, parts("me", &[(5, 0)]), (60, 42 + 979))]);
    ask.handle_timeout(at(10_000), &mut out);
    assert!(ask.is_clean());
}

#[test]
fn what_exceeds_a_bound_is_shed_and_counted() {
    let params = Params {
        questions_max: 4,
        own_questions_max: 2,
        parts_max: 20,
        bytes_max: 400,
        ..Params::default()
    };
    let (mut ask, mut out): (Engine, _) = (Ask::new(params, 5), Out::new(1000));
    for number in 0..2 {
        assert!(ask.may_ask());
        ask.on_question(at(0), (5, number), asked(0, 0, 2000), &mut out);
    }
    assert!(!ask.may_ask());
    for number in 0..9 {
        ask.on_question(at(0), (1, number), asked(3, 1, 2000), &mut out);
    }
    assert_eq!((ask.load().0, ask.stats().questions_shed), (4, 7));
    let crowd: Vec<_> = (0..20).map(|member| (member, 0)).collect();
    ask.handle_message(at(1), &8, 1, parts("x", &crowd), &mut out);
    assert_eq!((ask.stats().shed, ask.load().1), (20, 0));
    // 5 + 1 + 17 × 14 = 244 bytes: a second time is too much.
    let fits = |first: u32| -> Vec<_> { (first..first + 14).map(|member| (member, 0)).collect() };
    ask.handle_message(at(1), &8, 2, parts("x", &fits(100)), &mut out);
    ask.handle_message(at(1), &8, 3, parts("x", &fits(200)), &mut out);
    assert_eq!((ask.stats().shed, ask.load()), (34, (4, 15, 244)));
    assert_eq!(sends(&mut out), [], "what was shed is not confirmed");
    ask.handle_timeout(at(60_000), &mut out);
    assert!(ask.is_clean(), "{:?}", ask.load());
    assert_eq!(ask.stats().lost, 14);
}
