//! What is found is what each pattern by itself would select.

use super::*;
use proptest::prelude::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn map(texts: &[&'static str]) -> PatternMap<&'static str> {
    let mut map = PatternMap::default();
    texts.iter().for_each(|text| map.insert(&pattern(text), *text));
    map
}

fn found<T: Clone>(map: &PatternMap<T>, path: &str) -> Vec<T> {
    let mut found = Vec::new();
    map.matches(&Path::parse(path).unwrap(), &mut |value| found.push(value.clone()));
    found
}

#[test]
fn stars_and_literals_are_found_in_a_fixed_order() {
    let texts = ["a/b", "a/*", "**", "a/**", "a/**/b", "*/b", "a/b/c", "*", "b/**", "**/**"];
    let expected = vec!["**", "**/**", "*/b", "a/**", "a/**/b", "a/*", "a/b"];
    assert_eq!(found(&map(&texts), "a/b"), expected);
    let mut reversed = texts;
    reversed.reverse();
    assert_eq!(found(&map(&reversed), "a/b"), expected);
    assert_eq!(found(&map(&texts), "c"), ["**", "**/**", "*"]);
    assert_eq!(found(&map(&["a", "b/*"]), "c/d"), [""; 0]);
}

#[test]
fn a_pattern_that_matches_several_ways_is_found_once() {
    let map = map(&["**/a/**/a/**", "**/**/**", "**/*/**"]);
    assert_eq!(found(&map, "a/a/a/a/a"), ["**/**/**", "**/*/**", "**/a/**/a/**"]);
}

#[test]
fn values_are_kept_apart_and_removed_one_by_one() {
    let mut map = PatternMap::default();
    for value in [3, 1, 2, 1] {
        map.insert(&pattern("a/**"), value);
    }
    map.insert(&pattern("a/**/b/*/c"), 7);
    assert_eq!((map.len(), found(&map, "a")), (5, vec![3, 1, 2, 1]));
    assert!(!map.remove(&pattern("a/**"), &9));
    assert!(!map.remove(&pattern("a"), &1));
    assert!(!map.remove(&pattern("x/*/y"), &1));
    assert!(map.remove(&pattern("a/**"), &1));
    assert_eq!((map.len(), found(&map, "a/x/b/y/c")), (4, vec![3, 2, 1, 7]));
    assert!(map.remove(&pattern("a/**/b/*/c"), &7));
    for value in [3, 2, 1] {
        assert!(map.remove(&pattern("a/**"), &value));
    }
    assert!(map.is_empty());
    assert!(map.root.is_empty(), "empty branches are gone");
    assert_eq!(found(&map, "a"), []);
}

/// As many places as there can be, with what makes a backtracking match take 2^20 steps and more.
#[test]
fn the_longest_path_and_many_stars_are_cheap() {
    let path = vec!["a"; 512].join("/");
    let mut map = PatternMap::default();
    let stars = "**/a/".repeat(12);
    for last in ["a", "b", "*", "**"] {
        map.insert(&pattern(&format!("{stars}{last}")), last);
    }
    assert_eq!(found(&map, &path), ["**", "*", "a"]);
    assert_eq!(found(&map, &format!("{}b", &path[..1022])), ["**", "*", "b"]);
    assert_eq!(found(&map, &format!("{}b", "c/".repeat(511))), [""; 0]);
}

/// Few letters, so that segments repeat and branches are shared.
fn segments(letters: &'static str, count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let segment = prop::sample::select(letters.split(' ').collect::<Vec<_>>());
    prop::collection::vec(segment, count).prop_map(|segments| segments.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn it_agrees_with_each_pattern(
        patterns in prop::collection::vec(segments("a b ab * **", 1..8), 0..40),
        paths in prop::collection::vec(segments("a b ab c", 1..9), 1..8),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut held: Vec<(Pattern, usize)> =
            patterns.iter().map(|text| pattern(text)).zip(0..).collect();
        let mut map = PatternMap::default();
        held.iter().for_each(|(pattern, value)| map.insert(pattern, *value));
        for index in removed {
            if held.is_empty() {
                break;
            }
            let (pattern, value) = held.swap_remove(index.index(held.len()));
            prop_assert!(map.remove(&pattern, &value));
            prop_assert!(!map.remove(&pattern, &value));
        }
        prop_assert_eq!(map.len(), held.len());
        for path in paths {
            let path = Path::parse(&path).unwrap();
            let mut expected: Vec<usize> = held
                .iter()
                .filter(|(pattern, _)| pattern.matches(&path))
                .map(|(_, value)| *value)
                .collect();
            let mut found = Vec::new();
            map.matches(&path, &mut |value| found.push(*value));
            expected.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn it_agrees_on_long_paths(
        text in segments("a b * **", 1..20),
        path in segments("a a a a a a a a a b", 60..512),
    ) {
        let (pattern, path) = (pattern(&text), Path::parse(&path).unwrap());
        let mut map = PatternMap::default();
        map.insert(&pattern, ());
        let mut count = 0;
        map.matches(&path, &mut |()| count += 1);
        prop_assert_eq!(count, usize::from(pattern.matches(&path)));
    }
}
