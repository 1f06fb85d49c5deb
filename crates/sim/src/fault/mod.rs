//! Plans of faults, applied to a [`crate::Net`] as virtual time passes.
//!
//! A [`Plan`] is a list of entries, each a time and a [`Fault`] or a piece of [`Work`]; it can be
//! written by hand, made from [`Rates`], or drawn from a seed ([`Swarm`]). A [`Player`] applies it
//! and counts what really happened, apart from what was moot, such as a crash of a host that was
//! down. A [`Trial`] is one run: a plan, then peace, then the demand that all comes to agree; when
//! it fails, [`shrink`] drops entries while it still does.
//!
//! [`Work`] and faults are lines of text (`text.rs`), so that a failing run can be kept, read,
//! edited and replayed.

mod act;
mod plan;
mod player;
mod rates;
mod shrink;
mod swarm;
mod text;
mod trial;

#[cfg(test)]
mod tests;

pub use act::{Act, Disk, Fault, Work};
pub use plan::{Entry, Plan};
pub use player::Player;
pub use rates::{Flapping, Rates, Starving};
pub use shrink::{Shrunk, shrink};
pub use swarm::{Kind, Swarm};
pub use text::{ParsePlanError, link_from_text, link_to_text};
pub(crate) use text::{seconds, seconds_from};
pub use trial::{Outcome, Setup, Trial};
