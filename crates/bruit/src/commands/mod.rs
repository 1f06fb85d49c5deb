//! The commands that talk to an agent, and the small ones that need none.

mod cloudevent;
mod stream;
mod watch;

pub(crate) mod change;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod deliveries;
pub(crate) mod keys;
pub(crate) mod listen;
pub(crate) mod man;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod reload;
pub(crate) mod send;
pub(crate) mod sim;
pub(crate) mod status;
pub(crate) mod subs;
pub(crate) mod tail;
pub(crate) mod topics;
pub(crate) mod trace;
pub(crate) mod version;
