//! Which members a query is for.

use crate::codec::msgpack::{Form, Reader, Value as _, Writer, read, record};
use crate::limits::{NAMES, TEXT};
use bruit_wire::{DecodeError, Sink as _};
use bytes::Bytes;

const NODES: u8 = 0;
const TAG: u8 = 1;

record! {
    /// Members whose tag fits.
    pub struct TagFilter {
        /// A regular expression (RE2) that is found somewhere in the tag's value.
        "Expr" expression: String, TEXT;
        /// The tag; a member without it has an empty value.
        "Tag" tag: String, TEXT;
    }
    source ["Tag", "Expr"]
}

/// One filter of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Members of these names.
    Nodes(Vec<String>),
    /// Members whose tag fits.
    Tag(TagFilter),
}

impl Filter {
    /// Reads one of a query's filters.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] for an empty one, which a Serf in Go would fail on;
    /// [`DecodeError::Invalid`] for an unknown one; what else is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&kind, body) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let reader = &mut Reader::new(body);
        match kind {
            NODES => read(reader, NAMES).map(Self::Nodes),
            TAG => TagFilter::read(reader).map(Self::Tag),
            _ => Err(DecodeError::Invalid("type of a filter")),
        }
    }

    /// As one of a query's filters.
    pub fn encode(&self, form: Form) -> Bytes {
        let mut out = Vec::new();
        match self {
            Self::Nodes(names) => {
                out.u8(NODES);
                names.encode(&mut Writer::new(&mut out, form));
            }
            Self::Tag(filter) => {
                out.u8(TAG);
                filter.write(form, &mut out);
            }
        }
        out.into()
    }
}
