//! The HTTP edge that every feature uses. It imports no feature and nothing of the composition root.

pub(crate) mod arrival;
pub mod client_address;
pub(crate) mod conditional;
pub(crate) mod cors;
pub(crate) mod cursor;
pub(crate) mod export;
pub mod extract;
pub(crate) mod idempotency;
pub mod identity;
pub(crate) mod language;
pub mod limits;
pub mod measure;
pub(crate) mod page;
pub mod problem;
pub mod purge;
pub(crate) mod server;
mod small_reads;
pub(crate) mod text;
