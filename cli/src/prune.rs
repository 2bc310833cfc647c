//! `toneup prune`: deletes ended analyses by age, in slices.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use tokio::time::sleep;
use toneup_colour::prune::{count_prunable, prune};

use crate::database;
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::progress::Work;

/// Analyses deleted by one transaction, whose locks the rest of the system may wait for.
const SLICE: u32 = 500;
/// Pause between two slices, in which others use the database.
const PAUSE: Duration = Duration::from_millis(20);

/// Delete analyses that ended long ago: results, histories, events, dead letters and, by jobs, photos
///
/// In slices of 500, beside normal operation; safe to interrupt and to repeat. `ANALYSIS_RETENTION` makes the api do the
/// same continually.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct PruneArgs {
    /// Least time since the end of an analysis
    #[arg(long, value_parser = humantime::parse_duration)]
    older_than: Duration,
    /// Count what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

const HELP: &str =
    exit::help!("toneup prune --older-than 90d --dry-run", "toneup prune --older-than 90d",);

/// Runs `toneup prune` with these arguments.
pub(crate) async fn run(args: &PruneArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = database::connect(Duration::ZERO, output).await?;
    let mut connection = pool.acquire().await.context("cannot use the database")?;
    let counted = count_prunable(&mut connection, args.older_than).await;
    let found = counted.map_err(database::explain)?;
    let mut deleted = 0;
    if !args.dry_run {
        let mut progress = output.progress();
        let mut show = progress.work(Some(found), Work::Rows);
        loop {
            let slice = prune(&mut connection, args.older_than, SLICE).await;
            let slice = slice.map_err(database::explain)?;
            deleted += slice;
            show(deleted);
            if slice < u64::from(SLICE) {
                break;
            }
            sleep(PAUSE).await;
        }
    }
    let age = humantime::format_duration(args.older_than);
    output.answer(&json!({ "found": found, "deleted": deleted }), |_| {
        if args.dry_run {
            format!("{found} analyses ended more than {age} ago; nothing was deleted")
        } else {
            format!("{deleted} analyses that ended more than {age} ago are deleted")
        }
    })?;
    Ok(Ending::Done)
}
