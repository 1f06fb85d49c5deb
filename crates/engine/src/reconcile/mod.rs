//! How two members find out what one of them lacks.

pub mod buckets;
pub mod scuttlebutt;
