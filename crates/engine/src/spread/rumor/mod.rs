//! Rumor mongering.
mod config;
pub mod message;

pub use config::{DIRECT_MEMBERS_MAX, Spread, StopRule, Style};
