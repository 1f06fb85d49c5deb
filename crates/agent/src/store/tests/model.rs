//! The store against a model of it, over many runs and failures.

use super::*;
use bruit_engine::Rng;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
struct Model {
    order: u64,
    pending: BTreeMap<(String, u64), u64>,
    dead: BTreeMap<(String, u64), (u64, u64)>,
    paused: BTreeMap<String, String>,
}

impl Model {
    fn pending(&self) -> Vec<(&str, u64)> {
        let mut rows: Vec<_> = self.pending.iter().map(|(key, order)| (order, key)).collect();
        rows.sort_by_key(|(order, key)| (**order, *key));
        rows.into_iter().map(|(_, (name, seq))| (name.as_str(), *seq)).collect()
    }

    fn dead(&self) -> Vec<LoadedDead> {
        let mut rows: Vec<_> = self.dead.iter().collect();
        rows.sort_by_key(|(_, (order, _))| *order);
        rows.into_iter()
            .map(|((name, seq), (_, number))| letter(name, &item(*seq), *number))
            .collect()
    }

    /// Tells model and store the same.
    fn step(&mut self, store: &Arc<Store>, rng: &mut Rng) {
        self.order += 1;
        let names = ["a", "b", "c"];
        let picked = names[usize::try_from(rng.below(3)).unwrap()];
        let seq = 1 + rng.below(30);
        let key = (picked.to_owned(), seq);
        match rng.below(12) {
            0..=4 => {
                let some = &names[..usize::try_from(rng.below(4)).unwrap()];
                let told: Vec<_> = some.iter().map(|each| name(each)).collect();
                store.offered(&item(seq), &told);
                for each in some {
                    self.pending.insert(((*each).to_owned(), seq), self.order);
                }
            }
            5..=7 => {
                drop(store.ended(id(seq), &name(picked), None));
                self.pending.remove(&key);
            }
            8 => {
                let dead = letter(picked, &item(seq), self.order);
                drop(store.ended(id(seq), &name(picked), Some(&dead)));
                self.pending.remove(&key);
                self.dead.insert(key, (self.order, self.order));
            }
            9 => {
                store.dead_letter_gone(id(seq), &name(picked));
                self.dead.remove(&key);
            }
            10 => {
                store.paused(&name(picked), Some("gone"));
                self.paused.insert(picked.to_owned(), "gone".to_owned());
            }
            _ if rng.below(3) == 0 => {
                store.unsubscribed(&name(picked));
                self.pending.retain(|(name, _), _| name != picked);
                self.dead.retain(|(name, _), _| name != picked);
                self.paused.remove(picked);
            }
            _ => {
                store.paused(&name(picked), None);
                self.paused.remove(picked);
            }
        }
    }
}

#[test]
fn it_holds_what_the_model_holds() {
    for seed in 0..20 {
        let mut rng = Rng::from_seed(seed);
        let (disk, mut model) = (Disk::default(), Model::default());
        for run in 0..10 {
            let (thread, loaded) = on(&disk);
            let store = thread.store();
            assert_eq!(pending(&loaded), model.pending(), "seed {seed}, run {run}");
            assert_eq!(loaded.dead, model.dead(), "seed {seed}, run {run}");
            assert_eq!(loaded.paused, model.paused, "seed {seed}, run {run}");
            let held: std::collections::BTreeSet<u64> =
                model.pending.keys().chain(model.dead.keys()).map(|(_, seq)| *seq).collect();
            let one = u64::try_from(bytes_of_one()).unwrap();
            assert_eq!(store.status().bytes, held.len() as u64 * one, "seed {seed}, run {run}");
            for _ in 0..rng.below(60) {
                model.step(&store, &mut rng);
                match rng.below(10) {
                    0 => drop(wait(store.remove_subscription("none").kept())),
                    1 => disk.set_room(Some(usize::try_from(rng.below(20_000)).unwrap())),
                    _ => {}
                }
            }
            disk.set_room(None);
            // Closing writes what waits, also what could not be written before.
            drop(thread);
        }
    }
}

fn bytes_of_one() -> usize {
    let mut bytes = Vec::new();
    bruit_wire::encode_item(&item(1), &mut bytes);
    bytes.len()
}
