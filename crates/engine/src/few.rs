//! An ordered map for what is usually one or two.

use std::collections::BTreeMap;

/// Up to so many entries lie in an array.
const FEW: usize = 8;

/// A map that is a sorted array while it holds few entries, and a tree beyond. Empty, it is 24
/// bytes and nothing on the heap; with one entry, it is that entry, where a tree would take room
/// for eleven.
#[derive(Clone, Debug)]
pub(crate) enum FewMap<K, V> {
    Few(Vec<(K, V)>),
    Many(BTreeMap<K, V>),
}

impl<K: Ord, V> FewMap<K, V> {
    pub(crate) const fn new() -> Self {
        Self::Few(Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        match self {
            Self::Few(few) => few.iter().any(|(other, _)| other == key),
            Self::Many(many) => many.contains_key(key),
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self {
            Self::Few(few) => few.iter_mut().find(|(other, _)| other == key).map(|(_, v)| v),
            Self::Many(many) => many.get_mut(key),
        }
    }

    /// Adds or replaces.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let few = match self {
            Self::Many(many) => {
                many.insert(key, value);
                return;
            }
            Self::Few(few) => few,
        };
        match few.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(place) => few[place].1 = value,
            Err(_) if few.len() == FEW => {
                let mut many: BTreeMap<K, V> = std::mem::take(few).into_iter().collect();
                many.insert(key, value);
                *self = Self::Many(many);
            }
            Err(place) => {
                if few.is_empty() {
                    few.reserve_exact(1);
                }
                few.insert(place, (key, value));
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let removed = match self {
            Self::Few(few) => {
                let place = few.iter().position(|(other, _)| other == key)?;
                few.remove(place).1
            }
            Self::Many(many) => many.remove(key)?,
        };
        if self.len() == 0 {
            *self = Self::new();
        }
        Some(removed)
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        let few = few.into_iter().flatten().map(|(key, value)| (key, value));
        few.chain(many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn it_agrees_with_a_tree() {
        let mut rng = Rng::from_seed(1);
        let (mut map, mut tree) = (FewMap::new(), BTreeMap::new());
        for step in 0..20_000_u32 {
            let key = rng.below(14);
            if rng.chance(1, 2) {
                map.insert(key, step);
                tree.insert(key, step);
            } else {
                assert_eq!(map.remove(&key), tree.remove(&key));
            }
            assert_eq!(map.get_mut(&key), tree.get_mut(&key));
            assert_eq!(map.contains_key(&key), tree.contains_key(&key));
            assert!(map.len() == tree.len() && map.iter().eq(tree.iter()));
        }
    }
}
