//! The label: a name in front of everything, by which clusters on one network stay apart.
//!
//! Source: memberlist `label.go`.

use super::message::Kind;
use bruit_wire::{DecodeError, Sink};

/// The name of a cluster; empty: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label(Vec<u8>);

impl Label {
    /// The most bytes of a label (memberlist `LabelMaxSize`).
    pub const BYTES_MAX: usize = 255;

    /// Takes `text` as a label; `None` if it is longer than [`Label::BYTES_MAX`].
    pub fn new(text: &str) -> Option<Self> {
        (text.len() <= Self::BYTES_MAX).then(|| Self(text.as_bytes().to_vec()))
    }

    /// Its bytes, which are authenticated with what is sealed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes it adds.
    pub const fn overhead(&self) -> usize {
        if self.0.is_empty() { 0 } else { 2 + self.0.len() }
    }

    /// Writes it, unless it is empty.
    pub fn write<S: Sink>(&self, out: &mut S) {
        if let Ok(length @ 1..) = u8::try_from(self.0.len()) {
            out.put(&[Kind::HasLabel.byte(), length]);
            out.put(&self.0);
        }
    }
}

/// Takes the label off: it (empty if there is none) and what follows.
///
/// # Errors
/// [`DecodeError::Truncated`]; [`DecodeError::Invalid`] for a label of no bytes.
pub fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok((&[], bytes)) };
    if first != Kind::HasLabel.byte() {
        return Ok((&[], bytes));
    }
    let (&length, rest) = rest.split_first().ok_or(DecodeError::Truncated)?;
    if length == 0 {
        return Err(DecodeError::Invalid("label: it is empty"));
    }
    rest.split_at_checked(length.into()).ok_or(DecodeError::Truncated)
}
