//! Questions: gathering what members answer.

pub mod message;
