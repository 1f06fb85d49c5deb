//! Laws over random inputs.

use super::*;

fn random_update(rng: &mut Rng) -> Update<u32, &'static str> {
    let id = u32::try_from(rng.below(4)).unwrap();
    let incarnation = 1 + rng.below(4);
    match rng.below(4) {
        0 => alive(id, incarnation),
        1 => suspect(id, incarnation, 1 + u32::try_from(rng.below(3)).unwrap()),
        2 => failed(id, incarnation, 1 + u32::try_from(rng.below(3)).unwrap()),
        _ => left(id, incarnation),
    }
}

fn check_consistency(swim: &Node) {
    let mut counts = [0; 4];
    for member in swim.members() {
        counts[member.state as usize] += 1;
    }
    assert_eq!(swim.counts(), counts);
    let live: Vec<u32> =
        swim.members().filter(|m| m.state.is_live() && m.id != 0).map(|m| m.id).collect();
    assert_eq!(swim.live_peers(), live);
    assert_eq!(swim.get(&0).unwrap().state, State::Alive);
}

#[test]
fn statements_never_lower_the_table_whatever_their_order() {
    for seed in 0..400 {
        let mut rng = Rng::from_seed(seed);
        let (mut swim, mut out) = node(Params::lan(), 0);
        for _ in 0..60 {
            let update = random_update(&mut rng);
            let id = *update.subject();
            let before = swim.get(&id).map(|m| (m.incarnation, m.state));
            let own_before = swim.incarnation();
            if rng.chance(1, 4) {
                swim.merge(Instant::ZERO, &9, [update.clone()], &mut out);
            } else {
                swim.handle_update(Instant::ZERO, &9, update.clone(), &mut out);
            }
            check_consistency(&swim);
            assert!(swim.incarnation() >= own_before);
            let after = swim.get(&id).map(|m| (m.incarnation, m.state));
            if let (Some(before), Some(after)) = (before, after)
                && id != 0
            {
                assert!(after >= before, "seed {seed}: {before:?} {update:?} {after:?}");
                if !before.1.is_live() && after.1.is_live() {
                    assert!(after.0 > before.0, "seed {seed}: revived without a later life");
                }
            }
        }
    }
}

#[test]
fn the_order_of_statements_does_not_matter() {
    for seed in 0..200 {
        let mut rng = Rng::from_seed(seed);
        let mut updates: Vec<_> = (0..12).map(|_| random_update(&mut rng)).collect();
        updates.retain(|update| *update.subject() != 0);
        let run = |updates: &[Update<u32, &'static str>]| {
            let (mut swim, mut out) = node(Params::lan(), 0);
            (1..4).for_each(|id| swim.handle_update(Instant::ZERO, &id, alive(id, 1), &mut out));
            for update in updates {
                swim.handle_update(Instant::ZERO, &9, update.clone(), &mut out);
            }
            (1..4).map(|id| state(&swim, id).unwrap()).collect::<Vec<_>>()
        };
        let first = run(&updates);
        for _ in 0..5 {
            rng.shuffle(&mut updates);
            assert_eq!(run(&updates), first, "seed {seed}");
        }
    }
}

#[test]
fn random_messages_keep_the_machine_sound() {
    for seed in 0..50 {
        let mut rng = Rng::from_seed(seed);
        let (mut swim, mut out) = node(Params::lan(), 0);
        let mut now = Instant::ZERO;
        for _ in 0..400 {
            now = now + rng.duration_below(MS * 700);
            let from = 1 + u32::try_from(rng.below(4)).unwrap();
            let seq = Seq(swim.next_seq.wrapping_sub(u32::try_from(rng.below(4)).unwrap()));
            let target = u32::try_from(rng.below(5)).unwrap();
            let message = match rng.below(5) {
                0 => Message::Ping { seq, target },
                1 => Message::PingReq { seq, target, wants_nack: rng.chance(1, 2) },
                2 => Message::Ack { seq },
                3 => Message::Nack { seq },
                _ => Message::Gossip,
            };
            swim.handle_update(now, &from, random_update(&mut rng), &mut out);
            swim.handle_message(now, &from, message, &mut out);
            swim.handle_timeout(now, &mut out);
            for (to, _) in sends(&mut out) {
                fill(&mut swim, to, 100);
            }
            check_consistency(&swim);
            assert!(swim.next_timeout().is_none_or(|next| next > now), "no busy loop");
            assert!(swim.local_health() < 8);
            assert_eq!(swim.suspicions.len(), swim.counts()[1]);
        }
    }
}
