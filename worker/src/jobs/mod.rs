//! The handlers: one module for each kind of job.

pub(crate) mod analysis;
pub(crate) mod photo_deletion;
