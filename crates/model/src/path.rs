//! Item paths and the patterns that select them.

use std::fmt;
use std::sync::Arc;

/// Where an item belongs: segments separated by `/`, as in `cache/users/42`. Neither leading nor
/// trailing slash, no empty segment, no control character, at most [`Path::BYTES_MAX`] bytes.
/// Bytes are taken as they came in the request (percent-encoding is not undone).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<str>);

/// The text is not an item path. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Longer than the limit.
    #[error("a path has at most {} bytes", Path::BYTES_MAX)]
    TooLong,
    /// Nothing in it.
    #[error("a path has at least one segment, like cache/users/42")]
    Empty,
    /// A control character in it.
    #[error("a path has no control characters")]
    Control,
}

impl Path {
    /// The longest path, in bytes.
    pub const BYTES_MAX: usize = 1024;

    /// Takes `text` as a path; leading and trailing slashes are dropped and runs of them folded.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > Self::BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PathError::Control);
        }
        let mut folded = String::with_capacity(text.len());
        for segment in text.split('/').filter(|segment| !segment.is_empty()) {
            if !folded.is_empty() {
                folded.push('/');
            }
            folded.push_str(segment);
        }
        if folded.is_empty() { Err(PathError::Empty) } else { Ok(Self(folded.into())) }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Selects paths: `*` is any one segment, `**` any number of them, also none; other segments
/// stand for themselves. `cache/**` selects `cache`, `cache/a` and `cache/a/b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

/// The text is not a pattern. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It breaks a rule of paths.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Longer than the limit.
    #[error("a pattern has at most {} bytes", Pattern::BYTES_MAX)]
    TooLong,
    /// `*` inside a segment.
    #[error("* and ** stand for whole segments: write cache/*/users, not cache/a*")]
    Star,
}

impl Pattern {
    /// The longest pattern, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Selects every path.
    pub fn root() -> Self {
        Self("**".into())
    }

    /// Takes `text` as a pattern, slashes folded as in [`Path::parse`].
    ///
    /// # Errors
    /// See [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let Path(text) = Path::parse(text)?;
        if text.len() > Self::BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        if text.split('/').any(|segment| segment.contains('*') && !matches!(segment, "*" | "**")) {
            return Err(PatternError::Star);
        }
        Ok(Self(text))
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it selects `path`. Time is linear in the path for each `**`.
    pub fn matches(&self, path: &Path) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let segments: Vec<&str> = path.0.split('/').collect();
        glob(&pattern, &segments)
    }

    /// Orders patterns that select the same path: the more literal segments, the more specific.
    pub fn specificity(&self) -> (usize, usize) {
        let literal = self.0.split('/').filter(|segment| !segment.contains('*')).count();
        let single = self.0.split('/').filter(|segment| *segment == "*").count();
        (literal, single)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Greedy wildcard match with one point to come back to, so that no input is exponential.
fn glob(pattern: &[&str], path: &[&str]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(at) {
            Some(&"**") => {
                retry = Some((at + 1, here));
                at += 1;
                continue;
            }
            Some(&segment) if here < path.len() && (segment == "*" || segment == path[here]) => {
                at += 1;
                here += 1;
                continue;
            }
            None if here == path.len() => return true,
            Some(_) | None => {}
        }
        let Some((after, from)) = retry else { return false };
        if from >= path.len() {
            return false;
        }
        retry = Some((after, from + 1));
        (at, here) = (after, from + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(&Path::parse(path).unwrap())
    }

    #[test]
    fn stars_stand_for_segments() {
        for (pattern, path, expected) in [
            ("**", "a", true),
            ("cache/**", "cache", true),
            ("cache/**", "cache/a/b", true),
            ("cache/**", "caches/a", false),
            ("cache/*", "cache", false),
            ("cache/*", "cache/a", true),
            ("cache/*", "cache/a/b", false),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**/z", "a/b/c/y", false),
            ("a/**/b/**/c", "a/b/b/x/c", true),
            ("**/a/*", "x/a/a/a", true),
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
        ] {
            assert_eq!(selects(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn slashes_are_folded_and_bad_texts_refused() {
        assert_eq!(Path::parse("//a//b/").unwrap().as_str(), "a/b");
        assert_eq!(Path::parse("/"), Err(PathError::Empty));
        assert_eq!(Path::parse("a\u{7}b"), Err(PathError::Control));
        assert_eq!(Path::parse(&"a".repeat(1025)), Err(PathError::TooLong));
        assert!(Path::parse(&"a".repeat(1024)).is_ok());
        assert_eq!(Pattern::parse("a*"), Err(PatternError::Star));
        assert_eq!(Pattern::parse(&"a".repeat(65)), Err(PatternError::TooLong));
    }

    #[test]
    fn literal_segments_make_a_pattern_more_specific() {
        let rank = |text| Pattern::parse(text).unwrap().specificity();
        assert!(rank("a/b/**") > rank("a/**"));
        assert!(rank("a/*") > rank("a/**"));
        assert!(rank("a/**") > rank("**"));
    }
}
