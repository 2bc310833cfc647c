//! Operators' pages: the queue, the jobs, the dead letters, the replicas. Every action is recorded in the audit log.

mod dead;
mod jobs;
mod log;
mod operator;
mod overview;
mod products;
mod replicas;
mod reports;
mod routes;
mod series;
mod state;

pub(crate) use self::routes::routes;
pub use self::state::{AdminState, Dependencies};
