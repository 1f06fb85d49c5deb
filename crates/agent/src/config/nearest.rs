//! Which known word a mistyped one was meant to be.

/// The word of `known` with the smallest edit distance to `word`; the first of equals.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().min_by_key(|candidate| distance(word, candidate)).copied()
}

/// How many letters to insert, remove or replace to make `b` of `a` (Levenshtein 1966), with the
/// table of Wagner and Fischer kept as one row. Texts are cut at 64 letters.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    const LETTERS_MAX: usize = 64;
    let b: Vec<char> = b.chars().take(LETTERS_MAX).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().take(LETTERS_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_textbook() {
        for (a, b, expected) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("key_file", "key-file", 1),
            ("same", "same", 0),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_closest_word_wins() {
        assert_eq!(nearest("subscibe", &["bind", "subscribe", "tag"]), Some("subscribe"));
        assert_eq!(nearest("x", &[]), None);
    }
}
