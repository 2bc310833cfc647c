//! `toneup check`: compares what is stored twice.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use toneup_people::counters::{Checked, check};

use crate::database;
use crate::draw::Ink;
use crate::exit::{self, Ending};
use crate::output::Output;

/// Check that what is stored twice is the same
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare the counts of likes, comments, follows and posts with the rows that they count
    ///
    /// Reads the tables through, in one snapshot, and changes nothing. Exits with 1 if a count differs.
    #[command(after_help = HELP)]
    Counters,
}

const HELP: &str = exit::help!("toneup check counters", "toneup check counters --json");

/// Runs `toneup check` with these arguments.
pub(crate) async fn run(args: CheckArgs, output: &Output) -> anyhow::Result<Ending> {
    let What::Counters = args.what;
    let pool = database::connect(Duration::ZERO, output).await?;
    let mut connection = pool.acquire().await.context("cannot use the database")?;
    sqlx::raw_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .execute(&mut *connection)
        .await?;
    sqlx::raw_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        .execute(&mut *connection)
        .await?;
    let checked = check(&mut connection).await.map_err(database::explain)?;
    sqlx::raw_sql("COMMIT").execute(&mut *connection).await?;
    // Its isolation is another one than the pool's.
    connection.close().await?;
    output.answer(&checked, |ink| text(&checked, ink))?;
    let is_same = checked.iter().all(|counter| counter.differences.is_empty());
    Ok(if is_same { Ending::Done } else { Ending::ProblemFound })
}

fn text(checked: &[Checked], _: Ink) -> String {
    let mut text = String::new();
    for Checked { counter, differences } in checked {
        let found = match differences.len() {
            0 => "as the rows".to_owned(),
            count => format!("{count} differ"),
        };
        writeln!(text, "{counter:<18} {found}").ok();
        for one in differences {
            writeln!(text, "  {}: {} instead of {}", one.of, one.stored, one.counted).ok();
        }
    }
    text
}
