//! Conditions on what an item says of itself.
//!
//! ```text
//! method=PURGE            the method of an invocation
//! kind=event              event, or invocation
//! origin=<node id>        the node that accepted it
//! header:x-zone=eu-*      a header; one of its values, if it has several
//! ce:type=com.example.*   an attribute of a CloudEvent, in whatever content mode
//!
//! …=VALUE    it is there and is VALUE, in which * stands for any run of characters
//! …!=VALUE   the opposite: it is not there, or is something else
//! header:x-zone, !header:x-zone, ce:subject, !ce:subject    it is there, it is not there
//! ```
//!
//! Names of headers and attributes are compared in lower case; values as they are, but for the
//! digits of a node id.

use super::cloudevents::{self, Attributes};
use crate::config::nearest;
use bruit_model::{Item, NodeId, meta};
use http::{HeaderName, Method};
use std::fmt;

const BYTES_MAX: usize = 256;

/// Conditions that must all hold for an item to be delivered. None hold for every item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    conditions: Vec<Condition>,
}

/// The text is not a condition. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// More conditions than the limit.
    #[error("a filter has at most {} conditions", Filter::CONDITIONS_MAX)]
    TooMany,
    /// A condition over the limit; its beginning.
    #[error("{0:?}… is too long: a condition has at most {BYTES_MAX} bytes")]
    TooLong(String),
    /// It asks for what items do not have.
    #[error("no condition is about {about:?}; did you mean {nearest}?")]
    Unknown {
        /// What it asks for.
        about: String,
        /// What looks most like it, as a condition.
        nearest: &'static str,
    },
    /// There is no value, where there must be one.
    #[error("{0:?} has no value; write {0}=VALUE or {0}!=VALUE")]
    NoValue(String),
    /// `!` before what has a value.
    #[error("{0:?}: write != for what is not to be, as in method!=GET")]
    Negated(String),
    /// Not a method.
    #[error("method: {0:?} is not the name of a method")]
    Method(String),
    /// Neither an event nor an invocation.
    #[error("kind: {0:?} is not one of event, invocation")]
    Kind(String),
    /// Not a node.
    #[error("origin: {0:?} is not a node id, 32 hexadecimal digits; * stands for any run of them")]
    Origin(String),
    /// Not the name of a header.
    #[error("header: {0:?} is not the name of a header")]
    Header(String),
    /// Not the name of an attribute.
    #[error("ce: {0:?} is not the name of an attribute, which has only a-z and 0-9")]
    Attribute(String),
}

/// What a condition is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Method,
    Kind,
    Origin,
    Header(String),
    Attribute(String),
}

/// What is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Present,
    Absent,
    Is(String),
    IsNot(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    subject: Subject,
    wanted: Wanted,
}

impl Filter {
    /// The most conditions.
    pub const CONDITIONS_MAX: usize = 16;
    /// The longest condition, in bytes.
    pub const CONDITION_BYTES_MAX: usize = BYTES_MAX;

    /// Takes conditions.
    ///
    /// # Errors
    /// See [`FilterError`].
    pub fn parse(texts: &[String]) -> Result<Self, FilterError> {
        if texts.len() > Self::CONDITIONS_MAX {
            return Err(FilterError::TooMany);
        }
        let conditions = texts.iter().map(|text| Condition::parse(text));
        Ok(Self { conditions: conditions.collect::<Result<_, _>>()? })
    }

    /// Whether all conditions hold for `item`.
    pub fn selects(&self, item: &Item) -> bool {
        self.conditions.is_empty() || self.selects_seen(&Seen::of(item))
    }

    /// [`Filter::selects`] for an item that several filters look at.
    pub(super) fn selects_seen(&self, seen: &Seen<'_>) -> bool {
        // Attributes last, since a body may have to be read for them.
        let of_kind = |is_costly: bool| {
            let conditions = self.conditions.iter();
            conditions.filter(move |condition| condition.is_costly() == is_costly)
        };
        of_kind(false).chain(of_kind(true)).all(|condition| condition.holds(seen))
    }

    /// The conditions as texts, in the order in which they were given.
    pub fn texts(&self) -> Vec<String> {
        self.conditions.iter().map(ToString::to_string).collect()
    }
}

/// The conditions, with `and` between them.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(" and "))
    }
}

/// An item that filters look at; what is costly to find out is found out once.
pub(super) struct Seen<'a> {
    item: &'a Item,
    attributes: Attributes<'a>,
}

impl<'a> Seen<'a> {
    pub(super) const fn of(item: &'a Item) -> Self {
        Self { item, attributes: Attributes::of(item) }
    }
}

impl Condition {
    fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > Filter::CONDITION_BYTES_MAX {
            return Err(FilterError::TooLong(text.chars().take(40).collect()));
        }
        let Some((subject, value)) = text.split_once('=') else {
            let (bare, wanted) = match text.strip_prefix('!') {
                Some(bare) => (bare, Wanted::Absent),
                None => (text, Wanted::Present),
            };
            return match Subject::parse(bare)? {
                subject @ (Subject::Header(_) | Subject::Attribute(_)) => {
                    Ok(Self { subject, wanted })
                }
                Subject::Method | Subject::Kind | Subject::Origin => {
                    Err(FilterError::NoValue(bare.to_owned()))
                }
            };
        };
        if subject.starts_with('!') {
            return Err(FilterError::Negated(text.to_owned()));
        }
        let (subject, is_wanted) = match subject.strip_suffix('!') {
            Some(subject) => (subject, false),
            None => (subject, true),
        };
        let subject = Subject::parse(subject)?;
        let value = subject.value(value)?;
        let wanted = if is_wanted { Wanted::Is(value) } else { Wanted::IsNot(value) };
        Ok(Self { subject, wanted })
    }

    const fn is_costly(&self) -> bool {
        matches!(self.subject, Subject::Attribute(_))
    }

    fn holds(&self, seen: &Seen<'_>) -> bool {
        let subject = &self.subject;
        match &self.wanted {
            Wanted::Present => subject.any(seen, &|_| true),
            Wanted::Absent => !subject.any(seen, &|_| true),
            Wanted::Is(value) => subject.any(seen, &|found| glob(value.as_bytes(), found)),
            Wanted::IsNot(value) => !subject.any(seen, &|found| glob(value.as_bytes(), found)),
        }
    }
}

/// As [`Filter::parse`] takes it.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, wanted } = self;
        match wanted {
            Wanted::Present => subject.fmt(f),
            Wanted::Absent => write!(f, "!{subject}"),
            Wanted::Is(value) => write!(f, "{subject}={value}"),
            Wanted::IsNot(value) => write!(f, "{subject}!={value}"),
        }
    }
}

impl Subject {
    fn parse(text: &str) -> Result<Self, FilterError> {
        const KNOWN: [&str; 5] = ["method", "kind", "origin", "header", "ce"];
        const EXAMPLES: [&str; 5] =
            ["method=PURGE", "kind=event", "origin=<node id>", "header:x-zone=eu-*", "ce:type=a.b"];
        let (about, name) = match text.split_once(':') {
            Some((about, name)) => (about, Some(name)),
            None => (text, None),
        };
        match (about, name) {
            ("method", None) => Ok(Self::Method),
            ("kind", None) => Ok(Self::Kind),
            ("origin", None) => Ok(Self::Origin),
            ("header", Some(name)) => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => Ok(Self::Header(name.as_str().to_owned())),
                Err(_) => Err(FilterError::Header(name.to_owned())),
            },
            ("ce", Some(name)) => {
                let lower = name.to_ascii_lowercase();
                let is_name = cloudevents::is_name(&lower);
                let bad = || FilterError::Attribute(name.to_owned());
                if is_name { Ok(Self::Attribute(lower)) } else { Err(bad()) }
            }
            _ => {
                let near = nearest(&about.to_ascii_lowercase(), &KNOWN);
                let index = KNOWN.iter().position(|known| Some(*known) == near);
                let nearest = EXAMPLES[index.unwrap_or_default()];
                Err(FilterError::Unknown { about: text.to_owned(), nearest })
            }
        }
    }

    /// `text` as a value of it.
    fn value(&self, text: &str) -> Result<String, FilterError> {
        let own = || text.to_owned();
        match self {
            Self::Method => {
                let is_method = Method::from_bytes(text.as_bytes()).is_ok();
                if is_method { Ok(own()) } else { Err(FilterError::Method(own())) }
            }
            Self::Kind => {
                let is_kind = matches!(text, "event" | "invocation");
                if is_kind { Ok(own()) } else { Err(FilterError::Kind(own())) }
            }
            Self::Origin => {
                let lower = text.to_ascii_lowercase();
                let is_part = lower.contains('*')
                    && lower.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'*');
                let is_origin = is_part || lower.parse::<NodeId>().is_ok();
                if is_origin { Ok(lower) } else { Err(FilterError::Origin(own())) }
            }
            Self::Header(_) | Self::Attribute(_) => Ok(own()),
        }
    }

    /// Whether `is_wanted` of one of the values that the item has for it.
    fn any(&self, seen: &Seen<'_>, is_wanted: &dyn Fn(&[u8]) -> bool) -> bool {
        let item = seen.item;
        match self {
            Self::Method => item.header(meta::METHOD).is_some_and(|method| is_wanted(method)),
            Self::Kind => is_wanted(if item.is_invocation() { b"invocation" } else { b"event" }),
            Self::Origin => is_wanted(item.id.origin.to_string().as_bytes()),
            Self::Header(name) => item
                .headers
                .iter()
                .filter(|header| header.name.eq_ignore_ascii_case(name))
                .any(|header| is_wanted(&header.value)),
            Self::Attribute(name) => {
                seen.attributes.get(name).is_some_and(|value| is_wanted(value.as_bytes()))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("method"),
            Self::Kind => f.write_str("kind"),
            Self::Origin => f.write_str("origin"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Attribute(name) => write!(f, "ce:{name}"),
        }
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any run of bytes. Each part between stars
/// is looked for once, from where the one before ended, so that no input is exponential.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|&byte| byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return first == text };
    let Some(rest) = text.strip_prefix(first) else { return false };
    let Some(mut rest) = rest.strip_suffix(last) else { return false };
    for part in parts.filter(|part| !part.is_empty()) {
        let Some(start) = rest.windows(part.len()).position(|window| window == part) else {
            return false;
        };
        rest = &rest[start + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests;
