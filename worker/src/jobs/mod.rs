//! The handlers: one module for each kind of job.

pub(crate) mod analysis;
mod attempt;
pub(crate) mod person_deletion;
pub(crate) mod photo_deletion;
pub(crate) mod picture;
pub(crate) mod picture_deletion;
