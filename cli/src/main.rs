//! `toneup`: submits and watches as a client; prepares and inspects as an operator.

mod admin;
mod bucket;
mod cancel;
mod catalogue;
mod check;
mod client;
mod completions;
mod database;
mod dead;
mod draw;
mod exit;
mod jobs;
mod migrate;
mod output;
mod progress;
mod prune;
mod queue;
mod snapshot;
mod status;
mod submit;
mod top;
mod vapid;
mod watch;
mod workers;

use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use crate::exit::Ending;
use crate::output::Output;

/// Submit photos to ToneUp, and operate the server
#[derive(Debug, Parser)]
#[command(name = "toneup", version, after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON document on stdout instead of text
    #[arg(long, global = true)]
    json: bool,
    /// Colour mode; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

const HELP: &str = exit::help!(
    "toneup submit selfie.jpg --watch",
    "toneup migrate && toneup bucket",
    "toneup status",
    "toneup jobs list --status queued",
);

#[derive(Debug, Subcommand)]
enum Command {
    Submit(submit::SubmitArgs),
    Watch(watch::WatchArgs),
    Cancel(cancel::CancelArgs),
    Migrate(migrate::MigrateArgs),
    Bucket(bucket::BucketArgs),
    Status(status::StatusArgs),
    Check(check::CheckArgs),
    Prune(prune::PruneArgs),
    Top(top::TopArgs),
    Queue(queue::QueueArgs),
    Jobs(jobs::JobsArgs),
    Dead(dead::DeadArgs),
    Workers(workers::WorkersArgs),
    Limits(workers::LimitsArgs),
    Admin(admin::AdminArgs),
    Completions(completions::CompletionsArgs),
    Vapid(vapid::VapidArgs),
    Catalogue(catalogue::CatalogueArgs),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let output = Output::new(cli.json, cli.color, no_color);
    let ended = run(cli.command, &output).await;
    exit::code(ended, &output)
}

async fn run(command: Command, output: &Output) -> anyhow::Result<Ending> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("the TLS provider is already installed"))?;
    match command {
        Command::Submit(args) => submit::run(args, output).await,
        Command::Watch(args) => watch::run(args, output).await,
        Command::Cancel(args) => cancel::run(args, output).await,
        Command::Migrate(args) => migrate::run(&args, output).await,
        Command::Bucket(args) => bucket::run(args, output).await,
        Command::Check(args) => check::run(args, output).await,
        Command::Prune(args) => prune::run(&args, output).await,
        Command::Status(args) => status::run(&args, output).await,
        Command::Top(args) => top::run(&args, output).await,
        Command::Queue(args) => queue::run(args, output).await,
        Command::Jobs(args) => jobs::run(args, output).await,
        Command::Dead(args) => dead::run(args, output).await,
        Command::Workers(args) => workers::run(args, output).await,
        Command::Limits(args) => workers::limits(args, output).await,
        Command::Admin(args) => admin::run(args, output).await,
        Command::Completions(args) => completions::run(&args, output),
        Command::Vapid(args) => vapid::run(&args, output),
        Command::Catalogue(args) => catalogue::run(args, output).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }
}
