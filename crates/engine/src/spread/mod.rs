//! How data items reach every member.

pub mod ask;
pub mod intervals;
pub mod retention;
pub mod rumor;
