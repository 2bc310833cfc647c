//! Operators: how one proves to be one, and the log of what they did.

pub mod actions;
pub mod token;
