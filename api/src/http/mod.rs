//! The HTTP edge that every feature uses. It imports no feature and nothing of the composition root.

pub(crate) mod cors;
pub mod extract;
pub mod limits;
pub mod measure;
pub(crate) mod page;
pub mod problem;
pub(crate) mod server;
