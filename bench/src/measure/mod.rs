//! Arithmetic on recorded measurements. Pure.

pub(crate) mod memory;
pub mod percentiles;
pub mod steps;
pub mod usage;
