//! The job engine: durable, fenced, fair jobs of any kind on MySQL and RabbitMQ.
//!
//! A job is one row, which is its own outbox and its own timer. What distinguishes one kind of job from another is a value
//! ([`kind::Kind`]): its name, its queue, its retry rules, its limits, and what belongs to the transaction that ends it.
//! Nothing else in this crate asks for the kind.
//!
//! - [`store`] holds the statements: every transition of a job, each a guarded change under the row's lock.
//! - [`broker`] carries references to jobs through RabbitMQ; a message may be lost or repeated at any time.
//! - [`engine`] commits transitions, then publishes their messages and hints.
//! - [`run`] takes jobs from a queue, hands them to a [`run::Handler`] and writes their outcomes.

pub mod broker;
pub mod config;
pub mod document;
pub mod engine;
pub mod hints;
pub mod job;
pub mod kind;
pub mod metrics;
pub mod outcome;
pub mod run;
pub mod share;
pub mod store;
pub mod submitter;
pub mod sweep;
