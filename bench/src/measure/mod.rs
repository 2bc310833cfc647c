//! Arithmetic on what was recorded. Pure.

pub mod percentiles;
pub mod steps;
pub mod usage;
