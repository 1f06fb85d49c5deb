//! Distributions against their formulas, and what lies between hosts.

mod draws;
mod ways;
