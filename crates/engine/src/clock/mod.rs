//! Clocks that order events without agreeing on the time.

pub mod hybrid;
