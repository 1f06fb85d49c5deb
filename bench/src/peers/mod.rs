//! The systems that are measured.

pub(crate) mod bruit;
pub(crate) mod serf;
