//! A deterministic virtual network that drives any [`Node`](bruit_model::Node).
//!
//! A [`Net`] owns hosts. Each runs one node, made by the host's factory, so that a restart makes
//! a new one. Time is virtual: the net pops the next entry of one queue ordered by (time,
//! sequence number), gives it to a node, and carries away what the node wants sent. Datagrams
//! are delayed, lost, duplicated and reordered as the [`Link`] between two hosts says; streams
//! are ordered and reliable, and a fault shows on them as delay, as a reset or as a timeout.
//!
//! The same seed and the same calls give the same run, to the bit: [`Net::trace_hash`] folds in
//! all that reaches a node and all that it tells. Every fault has a counter in [`Stats`], so
//! that a test can show that the fault happened.
//!
//! It does not know bytes, protocols or real time, and it checks the driver's side of the
//! contract: a node that writes beyond its credit, or that never stops asking for something at
//! one moment, makes it panic. So do calls that a test cannot mean, such as a command to a host
//! that is down.

pub mod calendar;
pub mod check;
pub mod fault;
mod link;
pub mod log;
mod net;
pub mod universe;

pub use link::{CutId, Latency, Link, LinkError, Loss, Quantiles, Sampler};
pub use net::{Boot, Happened, HostId, Net, Recorded, Stats};
