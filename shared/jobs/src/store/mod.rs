//! Statements of the engine: every transition of a job, each a guarded change under the row's lock, in the caller's
//! transaction.
//!
//! Locks are taken in one order: what [`crate::kind::Endings::lock`] takes, then jobs by id.

pub mod audit;
pub mod claim;
pub mod dead_letters;
pub mod due;
pub mod erase;
pub mod fairness;
pub mod finish;
pub mod forget;
pub mod idempotency;
pub mod lease;
pub mod load;
pub mod purge;
pub mod read;
pub mod search;
pub mod submit;
pub mod transfer;
pub mod transitions;
