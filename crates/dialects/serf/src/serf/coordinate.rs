//! Network coordinates, which ride on acks.
//!
//! Source: serf `coordinate/coordinate.go`, `serf/ping_delegate.go`.

use crate::codec::msgpack::{Form, Reader, record};
use crate::limits::{DIMENSIONS, RECORD};
use bruit_wire::DecodeError;
use bytes::Bytes;

/// The only version of an ack's payload.
const VERSION: u8 = 1;

record! {
    /// Where a member is, such that distances are round-trip times. In seconds.
    pub struct Coordinate {
        /// Corrects the distance by what was observed.
        "Adjustment" adjustment: f64, RECORD;
        /// How sure it is of itself; less is surer. No unit.
        "Error" error: f64, RECORD;
        /// The way to the network's core.
        "Height" height: f64, RECORD;
        /// Where it is in the core: with Serf, in 8 dimensions.
        "Vec" vector: Vec<f64>, DIMENSIONS;
    }
    source ["Vec", "Error", "Adjustment", "Height"]
}

impl Coordinate {
    /// Reads an ack's payload.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for another version or a number that is not finite; what else is
    /// wrong with the bytes.
    pub fn from_payload(payload: &[u8]) -> Result<Self, DecodeError> {
        let (&version, body) = payload.split_first().ok_or(DecodeError::Truncated)?;
        if version != VERSION {
            return Err(DecodeError::Invalid("version of a coordinate"));
        }
        let coordinate = Self::read(&mut Reader::new(body))?;
        let fixed = [coordinate.adjustment, coordinate.error, coordinate.height];
        if !fixed.iter().chain(&coordinate.vector).all(|number| number.is_finite()) {
            return Err(DecodeError::Invalid("coordinate: it is not finite"));
        }
        Ok(coordinate)
    }

    /// Writes an ack's payload.
    pub fn to_payload(&self) -> Bytes {
        let mut out = vec![VERSION];
        self.write(Form::GOSSIP, &mut out);
        out.into()
    }
}
