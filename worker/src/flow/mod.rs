//! How much work is taken at a time.

pub(crate) mod window;
