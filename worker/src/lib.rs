//! The worker: takes jobs from the queues, runs the handler of their kind, stores their outcomes.

pub mod config;
pub mod flow;
mod jobs;
pub mod metrics;
mod worker;

pub use worker::start;
