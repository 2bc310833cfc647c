//! Arithmetic on recorded measurements. Pure.

pub mod percentiles;
pub mod steps;
pub mod usage;
