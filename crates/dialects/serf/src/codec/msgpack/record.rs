//! Structures: declared once, read and written by the same list of fields.

/// Declares a structure of the wire with its fields in the order in which they are written, each
/// with its key, its type and its bound, `omit` where a zero value is left out; and, behind
/// `source`, the keys in the order of the Go structure, which an array of values follows.
macro_rules! record {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_doc:meta])*
                $key:literal $field:ident: $type:ty, $bound:expr $(, $omit:ident)?;
            )*
        }
        source [$($source:literal),* $(,)?]
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $crate::codec::msgpack::Value for $name {
            fn decode(
                reader: &mut $crate::codec::msgpack::Reader<'_>,
                _: $crate::codec::msgpack::Bound,
            ) -> Result<Self, bruit_wire::DecodeError> {
                const SOURCE: &[&str] = &[$($source),*];
                let mut record = Self::default();
                if reader.is_array()? {
                    let count = reader.array($crate::limits::FIELDS)?;
                    for place in 0..count {
                        let key = SOURCE.get(place).copied().unwrap_or_default();
                        record.read_field(key.as_bytes(), reader)?;
                    }
                } else {
                    for _ in 0..reader.map($crate::limits::FIELDS)? {
                        let key = reader.raw($crate::limits::KEY)?;
                        record.read_field(&key, reader)?;
                    }
                }
                Ok(record)
            }

            fn encode<S: bruit_wire::Sink>(
                &self,
                out: &mut $crate::codec::msgpack::Writer<'_, S>,
            ) {
                let mut count = 0;
                $(count += usize::from(record!(@written self.$field $(, $omit)?));)*
                out.map(count);
                $(if record!(@written self.$field $(, $omit)?) {
                    out.text($key);
                    $crate::codec::msgpack::Value::encode(&self.$field, out);
                })*
            }

            fn is_zero(&self) -> bool {
                *self == Self::default()
            }
        }

        impl $name {
            fn read_field(
                &mut self,
                key: &[u8],
                reader: &mut $crate::codec::msgpack::Reader<'_>,
            ) -> Result<(), bruit_wire::DecodeError> {
                $(if key == $key.as_bytes() {
                    self.$field = $crate::codec::msgpack::read(reader, $bound)?;
                    return Ok(());
                })*
                reader.skip()
            }

            /// Reads one, leniently.
            ///
            /// # Errors
            /// What is wrong with the bytes; nothing is kept of them.
            pub fn read(
                reader: &mut $crate::codec::msgpack::Reader<'_>,
            ) -> Result<Self, bruit_wire::DecodeError> {
                $crate::codec::msgpack::read(reader, $crate::limits::RECORD)
            }

            /// Writes it.
            pub fn write<S: bruit_wire::Sink>(
                &self,
                form: $crate::codec::msgpack::Form,
                out: &mut S,
            ) {
                let mut writer = $crate::codec::msgpack::Writer::new(out, form);
                $crate::codec::msgpack::Value::encode(self, &mut writer);
            }
        }

        #[cfg(test)]
        impl $crate::codec::sample::Sample for $name {
            fn sample(random: &mut $crate::codec::sample::Random) -> Self {
                Self { $($field: $crate::codec::sample::Sample::sample(random),)* }
            }
        }

        #[cfg(test)]
        impl $name {
            pub(crate) const KEYS: &[&str] = &[$($key),*];
            pub(crate) const SOURCE_KEYS: &[&str] = &[$($source),*];
        }
    )*};
    (@written $self:ident.$field:ident) => { true };
    (@written $self:ident.$field:ident, omit) => {
        !$crate::codec::msgpack::Value::is_zero(&$self.$field)
    };
}

pub(crate) use record;
