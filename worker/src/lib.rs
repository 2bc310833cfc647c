//! The worker: takes analyses from the queue, has them analysed, stores what they come to.

mod analyzer;
pub mod config;
mod consumer;
mod dead;
mod flow;
mod job;
mod leases;
mod settle;
mod worker;

pub use worker::start;
