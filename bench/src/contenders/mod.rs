//! Contenders written for the measurement: the engine without the product, and a row queue. Each is a front, which accepts
//! jobs and pushes results, and a worker.

pub mod engine;
mod front;
pub mod rows;
mod work;

use std::net::SocketAddr;

use clap::{Args, Subcommand, ValueEnum};

/// A contender's process.
#[derive(Debug, Args)]
pub struct Options {
    /// Which contender
    #[command(subcommand)]
    contender: Contender,
}

#[derive(Debug, Subcommand)]
enum Contender {
    /// The job engine with one kind of job, configured like the worker
    Engine {
        /// Which process
        role: Role,
        /// Address of the front
        #[arg(long, env = "LISTEN", default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// A table that workers poll with `SKIP LOCKED`
    Rows {
        /// Which process
        role: Role,
        #[command(flatten)]
        options: Box<rows::Options>,
    },
}

/// A contender's two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Accepts jobs and pushes results
    Front,
    /// Works on jobs
    Worker,
}

/// Runs the process until it is killed.
pub async fn run(options: Options) -> anyhow::Result<()> {
    match options.contender {
        Contender::Engine { role: Role::Front, listen } => engine::front(listen).await,
        Contender::Engine { role: Role::Worker, .. } => engine::worker().await,
        Contender::Rows { role: Role::Front, options } => rows::front(&options).await,
        Contender::Rows { role: Role::Worker, options } => rows::worker(*options).await,
    }
}
