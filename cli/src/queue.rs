//! `toneup queue`: the depth of the queue, and the workers' intake.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use toneup_operate::actions::set_intake;
use toneup_platform::database::Database;

use crate::database;
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::snapshot::{self, Acting};

/// Show the queue, pause the workers' intake and resume it
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct QueueArgs {
    #[command(subcommand)]
    command: QueueCommand,
}

#[derive(Debug, Subcommand)]
enum QueueCommand {
    /// Show the number of waiting jobs
    Depth,
    /// Pause the workers' intake, also across restarts, until `resume`; running jobs finish
    Pause(Acting),
    /// Resume the workers' intake
    Resume(Acting),
}

const HELP: &str = exit::help!(
    "toneup queue depth --json | jq .queued",
    "toneup queue pause --as dana",
    "toneup queue resume",
);

/// Runs `toneup queue` with these arguments.
pub(crate) async fn run(args: QueueArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = database::connect(Duration::ZERO, output).await?;
    let (paused, acting) = match args.command {
        QueueCommand::Depth => {
            let (queue, _) = snapshot::queue(&pool).await?;
            output.answer(&queue, |_| {
                let waiting = format!("{} queued, {} held back", queue.queued, queue.held);
                format!("{waiting}, {} running", queue.running)
            })?;
            return Ok(Ending::Done);
        }
        QueueCommand::Pause(acting) => (true, acting),
        QueueCommand::Resume(acting) => (false, acting),
    };
    let set = set_intake(&Database::from(pool), acting.actor(), paused).await;
    set.map_err(database::explain)?;
    output.answer(&json!({ "paused": paused }), |_| {
        let now = if paused { "paused: workers finish what they have" } else { "open" };
        format!("the intake is {now}")
    })?;
    Ok(Ending::Done)
}
