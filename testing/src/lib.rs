//! Test support: real services with a namespace of their own for every test, so that tests run in parallel, and clients
//! that behave as ours do.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot get what it needs fails, and says where"
)]

mod analyzer;
mod client;
pub mod configuration;
mod database;
pub mod house;
mod jobs;
mod stack;
mod support;
mod tls;

pub use analyzer::RunningAnalyzer;
pub use client::{Answer, Client, problem_of};
pub use database::EncryptedDatabase;
pub use jobs::{
    DEAD_QUEUE, EXCHANGE, JOBS_KEY, JOBS_QUEUE, end_analyses, end_batch, insert_analyses,
    make_pictures, new_analysis, season,
};
pub use stack::{Running, Stack, redis};
pub use support::{SOON, eventually, photo, repository};
pub use tls::{Authority, Terminated};
