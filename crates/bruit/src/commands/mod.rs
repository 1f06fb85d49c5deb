//! The commands that talk to an agent, and the small ones that need none.

pub(crate) mod change;
pub(crate) mod keys;
pub(crate) mod listen;
pub(crate) mod lists;
pub(crate) mod members;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod version;
