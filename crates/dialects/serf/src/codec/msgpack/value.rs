//! What can stand in a field of a message.

use super::{Reader, Writer};
use bruit_wire::{DecodeError, Limit, Sink};
use bytes::Bytes;

/// How much of a value is taken: `count` for its own length or number of elements, `each` for
/// those of its elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) count: Limit,
    pub(crate) each: Limit,
}

impl Bound {
    /// For what has no elements.
    pub(crate) const fn of(what: &'static str, max: usize) -> Self {
        let limit = Limit { what, max };
        Self { count: limit, each: limit }
    }

    /// For what has elements that are bounded like `each`.
    pub(crate) const fn many(what: &'static str, max: usize, each: Self) -> Self {
        Self { count: Limit { what, max }, each: each.count }
    }

    const fn element(self) -> Self {
        Self { count: self.each, each: self.each }
    }
}

/// What can stand in a field. Its default is Go's zero value, which `nil` and absence mean too.
pub(crate) trait Value: Default + Sized {
    fn decode(reader: &mut Reader<'_>, bound: Bound) -> Result<Self, DecodeError>;

    fn encode<S: Sink>(&self, out: &mut Writer<'_, S>);

    /// Whether it is Go's zero value, which some fields leave out.
    fn is_zero(&self) -> bool;
}

/// Reads a value, `nil` as its default.
pub(crate) fn read<T: Value>(reader: &mut Reader<'_>, bound: Bound) -> Result<T, DecodeError> {
    if reader.nil()? { Ok(T::default()) } else { T::decode(reader, bound) }
}

macro_rules! number {
    ($($type:ty, $wide:ty, $read:ident, $write:ident, $max:expr;)*) => {$(
        impl Value for $type {
            fn decode(reader: &mut Reader<'_>, _: Bound) -> Result<Self, DecodeError> {
                let value = $read(reader, $max)?;
                Self::try_from(value).map_err(|_| DecodeError::Invalid("number of this width"))
            }

            fn encode<S: Sink>(&self, out: &mut Writer<'_, S>) {
                out.$write(<$wide>::from(*self));
            }

            fn is_zero(&self) -> bool {
                *self == 0
            }
        }
    )*};
}

fn unsigned(reader: &mut Reader<'_>, max: u64) -> Result<u64, DecodeError> {
    reader.uint(max)
}

fn signed(reader: &mut Reader<'_>, _: u64) -> Result<i64, DecodeError> {
    reader.int()
}

number! {
    u8, u64, unsigned, uint, 0xff;
    u16, u64, unsigned, uint, 0xffff;
    u32, u64, unsigned, uint, 0xffff_ffff;
    u64, u64, unsigned, uint, u64::MAX;
    i32, i64, signed, int, 0;
    i64, i64, signed, int, 0;
}

macro_rules! plain {
    ($($type:ty, $reader:ident, $bound:ident => $read:expr, $value:ident, $out:ident => $write:expr,
       $zero:expr;)*) => {$(
        impl Value for $type {
            fn decode($reader: &mut Reader<'_>, $bound: Bound) -> Result<Self, DecodeError> {
                $read
            }

            fn encode<S: Sink>(&self, $out: &mut Writer<'_, S>) {
                let $value = self;
                $write;
            }

            fn is_zero(&self) -> bool {
                let $value = self;
                $zero
            }
        }
    )*};
}

plain! {
    bool, reader, _bound => reader.bool(), value, out => out.bool(*value), !*value;
    f64, reader, _bound => reader.float(), value, out => out.float(*value), *value == 0.0;
    String, reader, bound => reader.text(bound.count), value, out => out.text(value),
        value.is_empty();
    Bytes, reader, bound => reader.raw(bound.count).map(|raw| Self::copy_from_slice(&raw)),
        value, out => out.bytes(value), value.is_empty();
}

/// `None` is `nil`, which Go tells from what is empty.
impl<T: Value> Value for Option<T> {
    fn decode(reader: &mut Reader<'_>, bound: Bound) -> Result<Self, DecodeError> {
        if reader.nil()? { Ok(None) } else { T::decode(reader, bound).map(Some) }
    }

    fn encode<S: Sink>(&self, out: &mut Writer<'_, S>) {
        match self {
            Some(value) => value.encode(out),
            None => out.nil(),
        }
    }

    fn is_zero(&self) -> bool {
        self.as_ref().is_none_or(Value::is_zero)
    }
}

impl<T: Value> Value for Vec<T> {
    fn decode(reader: &mut Reader<'_>, bound: Bound) -> Result<Self, DecodeError> {
        let count = reader.array(bound.count)?;
        (0..count).map(|_| read(reader, bound.element())).collect()
    }

    fn encode<S: Sink>(&self, out: &mut Writer<'_, S>) {
        out.array(self.len());
        self.iter().for_each(|value| value.encode(out));
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

/// A map with text as keys, in the order in which it came: Go writes maps in a random one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs<T>(pub Vec<(String, T)>);

impl<T> Pairs<T> {
    /// What is kept under `key`: of several, the last, as in Go.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl<T> FromIterator<(String, T)> for Pairs<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<T: Value> Value for Pairs<T> {
    fn decode(reader: &mut Reader<'_>, bound: Bound) -> Result<Self, DecodeError> {
        let count = reader.map(bound.count)?;
        let pair = |_| Ok((read(reader, bound.element())?, read(reader, bound.element())?));
        (0..count).map(pair).collect()
    }

    fn encode<S: Sink>(&self, out: &mut Writer<'_, S>) {
        out.map(self.0.len());
        for (key, value) in &self.0 {
            out.text(key);
            value.encode(out);
        }
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}
