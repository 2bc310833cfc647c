//! `toneup workers` and `toneup limits`: the running replicas, and their limits and load at the analyzers.

use std::time::Duration;

use anyhow::{anyhow, ensure};
use clap::{Args, Subcommand};
use serde_json::json;
use toneup_operate::actions::{DrainError, drain_replica};
use toneup_operate::replicas::{AnalyzerView, Program, Replica, ReplicaId, analyzers};
use toneup_platform::database::Database;

use crate::database;
use crate::draw::{self, Ink};
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::snapshot::{self, Acting, since};

/// List the running workers, or drain one
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct WorkersArgs {
    /// List the apis too
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    command: Option<WorkersCommand>,
}

#[derive(Debug, Subcommand)]
enum WorkersCommand {
    Drain(DrainArgs),
}

/// Drain one worker or api: it finishes what it has and ends, as with SIGTERM
///
/// Its supervisor may start another one.
#[derive(Debug, Args)]
struct DrainArgs {
    /// Identifier of the replica
    id: ReplicaId,
    #[command(flatten)]
    acting: Acting,
}

/// Show the workers' limits and requests at each analyzer
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct LimitsArgs {}

const HELP: &str = exit::help!(
    "toneup workers --all",
    "toneup workers drain 5b0e9a0c-6d0c-4f5e-9a57-0d2f0d3b7a10 --as dana",
    "toneup limits --json",
);

/// Runs `toneup workers` with these arguments.
pub(crate) async fn run(args: WorkersArgs, output: &Output) -> anyhow::Result<Ending> {
    if let Some(WorkersCommand::Drain(args)) = args.command {
        return drain(&args, output).await;
    }
    let mut replicas = snapshot::replicas(&snapshot::registry()?).await?;
    replicas.retain(|replica| args.all || replica.program == Program::Worker);
    output.answer(&replicas, |ink| list_text(&replicas, ink))?;
    Ok(Ending::Done)
}

async fn drain(args: &DrainArgs, output: &Output) -> anyhow::Result<Ending> {
    let registry = snapshot::registry()?;
    let known = snapshot::replicas(&registry).await?;
    ensure!(known.iter().any(|replica| replica.id == args.id), "there is no replica {}", args.id);
    let database = Database::from(database::connect(Duration::ZERO, output).await?);
    let asked = drain_replica(&database, &registry, args.acting.actor(), args.id).await;
    let asked = asked.map_err(|error| match error {
        DrainError::Database(error) => database::explain(error),
        DrainError::Redis(error) => anyhow!(error).context("cannot send the request through Redis"),
    })?;
    ensure!(asked, "replica {} has just gone", args.id);
    let target = args.id.to_string();
    output.answer(&json!({ "asked": args.id }), |_| {
        format!("{target} starts to drain within about two seconds")
    })?;
    Ok(Ending::Done)
}

/// Runs `toneup limits` with these arguments.
pub(crate) async fn limits(_: LimitsArgs, output: &Output) -> anyhow::Result<Ending> {
    let replicas = snapshot::replicas(&snapshot::registry()?).await?;
    let views = analyzers(&replicas);
    output.answer(&views, |ink| limits_text(&views, ink))?;
    Ok(Ending::Done)
}

fn list_text(replicas: &[Replica], ink: Ink) -> String {
    if replicas.is_empty() {
        return "no replica has reported".to_owned();
    }
    let rows: Vec<_> = replicas.iter().map(row).collect();
    draw::rows(["ID", "PROGRAM", "STATE", "VERSION", "HOST", "UP", "LOAD"], &rows, ink)
}

pub(crate) fn row(replica: &Replica) -> [String; 7] {
    let program = match replica.program {
        Program::Api => "api",
        Program::Worker => "worker",
    };
    let load = match &replica.load {
        Some(load) => {
            format!("{} of {} at work, {} waiting", load.in_flight, load.limit, load.waiting)
        }
        None => format!("{} streams", replica.streams.unwrap_or_default()),
    };
    [
        replica.id.to_string(),
        program.to_owned(),
        replica.activity.as_str().to_owned(),
        draw::clean(&replica.version),
        draw::clean(&replica.host),
        draw::span(since(replica.started_at)),
        load,
    ]
}

fn limits_text(views: &[AnalyzerView], ink: Ink) -> String {
    if views.is_empty() {
        return "no worker knows of an analyzer".to_owned();
    }
    let row = |view: &AnalyzerView| {
        [
            draw::clean(&view.instance),
            if view.breaker_open { "away" } else { "ready" }.to_owned(),
            view.slots.map_or_else(|| "-".to_owned(), |slots| slots.to_string()),
            view.limit.to_string(),
            view.in_flight.to_string(),
        ]
    };
    let rows: Vec<_> = views.iter().map(row).collect();
    draw::rows(["ANALYZER", "STATE", "SLOTS", "LIMIT", "IN FLIGHT"], &rows, ink)
}
