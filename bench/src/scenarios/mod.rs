//! The scenarios, one file each.

mod burst;
mod catalogue;
mod change;
mod chat;
mod common;
mod document;
mod identity;
mod overhead;
mod peers;
mod push;
mod real;
mod replicas;
mod scale;
mod social;
mod start;
mod tenants;

use clap::ValueEnum;

use self::common::Bench;
use crate::report::Report;
use crate::report::table::say;
use crate::site::Services;

/// Scenarios of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// The first server's load test, beside the first server's design
    Document,
    /// More submits than the analyzer can take, then none
    Burst,
    /// 1 to 16 workers, with and without headers
    Replicas,
    /// Capacity that changes under load
    Change,
    /// One user's thousand jobs and fifty others' one
    Tenants,
    /// From a result to the request at a webhook
    Push,
    /// The real analyzer alone, and through the pipeline
    Real,
    /// The first requests after a start, beside those that follow
    Start,
    /// Posted ID tokens, access tokens, and following
    Identity,
    /// 100 workers, millions of rows, thousands of users
    Scale,
    /// An analyzer that costs nothing, beside other job systems
    Overhead,
    /// Products: the file of embeddings, search, suggestions, recommendations
    Catalogue,
    /// Feed, posts and likes, under load and under faults
    Social,
    /// Conversations, beside Node's Socket.IO
    Chat,
}

/// Runs one scenario, or all. A failure does not keep the others from running.
pub async fn run(chosen: Option<Scenario>, quick: bool, services: &Services) -> anyhow::Result<()> {
    let bench = Bench { services, quick };
    let all = Scenario::value_variants();
    let mut failed = 0;
    for &scenario in all.iter().filter(|&&one| chosen.is_none_or(|chosen| chosen == one)) {
        let ran = match scenario {
            Scenario::Document => Box::pin(document::run(&bench)).await,
            Scenario::Burst => Box::pin(burst::run(&bench)).await,
            Scenario::Replicas => Box::pin(replicas::run(&bench)).await,
            Scenario::Change => Box::pin(change::run(&bench)).await,
            Scenario::Tenants => Box::pin(tenants::run(&bench)).await,
            Scenario::Push => Box::pin(push::run(&bench)).await,
            Scenario::Real => Box::pin(real::run(&bench)).await,
            Scenario::Start => Box::pin(start::run(&bench)).await,
            Scenario::Identity => Box::pin(identity::run(&bench)).await,
            Scenario::Scale => Box::pin(scale::run(&bench)).await,
            Scenario::Overhead => Box::pin(overhead::run(&bench)).await,
            Scenario::Catalogue => Box::pin(catalogue::run(&bench)).await,
            Scenario::Social => Box::pin(social::run(&bench)).await,
            Scenario::Chat => Box::pin(chat::run(&bench)).await,
        };
        if let Err(error) = ran.and_then(Report::finish) {
            failed += 1;
            say(&format!("{scenario:?}: {error:#}"))?;
        }
    }
    anyhow::ensure!(failed == 0, "{failed} of the scenarios could not be measured");
    Ok(())
}
