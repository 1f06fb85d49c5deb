//! Scuttlebutt reconciliation.
pub mod message;
