//! Who is in the group.

pub mod swim;
