//! `toneup migrate`: migrates the database to the schema of this release.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use sqlx::migrate::{Migrate, MigrateError};
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};
use tokio::time::{Instant, sleep};
use toneup_operate::migrations::MIGRATOR;

use crate::draw;
use crate::exit::{self, Ending};
use crate::output::Output;

/// Statement that bounds the wait for a table's metadata lock to 1 s. Later statements queue behind a waiting schema
/// change, and a submit waits 1.5 s at most.
const LOCK_WAIT: &str = "SET SESSION lock_wait_timeout = 1";
const LET_OTHERS_GO: Duration = Duration::from_millis(500);

/// Bring the database of `DATABASE_URL` to the schema this release needs
///
/// Safe to repeat, and to start from many places at once: one of them migrates while the others wait.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct MigrateArgs {
    /// Longest wait for the database, for another migration to end, and for tables that are in use
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

const HELP: &str = exit::help!(
    "DATABASE_URL=mysql://toneup:…@127.0.0.1:3306/toneup toneup migrate",
    "toneup migrate --wait 5m --json",
);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Migrated {
    /// Current version of the schema.
    version: i64,
    applied: Vec<Applied>,
}

#[derive(Debug, Serialize)]
struct Applied {
    version: i64,
    description: String,
}

/// Runs `toneup migrate` with these arguments.
pub(crate) async fn run(args: &MigrateArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = crate::database::connect(args.wait, output).await?;
    let mut connection = pool.acquire().await.context("cannot connect to the database")?;
    lock(&mut connection, args.wait).await?;
    let migrated = migrate(&mut connection, args.wait).await?;
    // The lock goes with the connection.
    drop(connection);
    pool.close().await;
    output.answer(&migrated, |_| migrated.text())?;
    Ok(Ending::Done)
}

/// Excludes concurrent migrations. sqlx's own lock asks for an unlimited wait, which MariaDB treats as none.
async fn lock(connection: &mut MySqlConnection, wait: Duration) -> anyhow::Result<()> {
    let taken: Option<i64> = sqlx::query_scalar(
        "SELECT GET_LOCK(CONCAT('toneup-migrate-', LEFT(SHA2(DATABASE(), 256), 40)), ?)",
    )
    .bind(wait.as_secs())
    .fetch_one(connection)
    .await
    .context("cannot lock the database")?;
    ensure!(taken == Some(1), "another migration is running, and has not ended in {wait:?}");
    Ok(())
}

async fn migrate(connection: &mut MySqlConnection, wait: Duration) -> anyhow::Result<Migrated> {
    let table = &MIGRATOR.table_name;
    connection.ensure_migrations_table(table).await.context("cannot read the schema's version")?;
    let before = connection.list_applied_migrations(table).await?;
    apply(connection, Instant::now() + wait).await.context("cannot migrate the database")?;
    let applied = MIGRATOR
        .iter()
        .filter(|migration| before.iter().all(|before| before.version != migration.version))
        .map(|migration| Applied {
            version: migration.version,
            description: migration.description.to_string(),
        })
        .collect();
    let version = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    Ok(Migrated { version, applied })
}

/// Applies the pending migrations, while others use the tables.
async fn apply(connection: &mut MySqlConnection, give_up: Instant) -> Result<(), MigrateError> {
    connection.execute(LOCK_WAIT).await?;
    // A migration is one statement: one that got no lock has changed nothing, and only its record must be removed.
    let unmark = format!("DELETE FROM {} WHERE success = FALSE", MIGRATOR.table_name);
    loop {
        let ran = MIGRATOR.run(&mut *connection).await;
        if !ran.as_ref().is_err_and(is_in_use) {
            return ran;
        }
        connection.execute(AssertSqlSafe(unmark.clone())).await?;
        if Instant::now() >= give_up {
            return ran;
        }
        sleep(LET_OTHERS_GO).await;
    }
}

fn is_in_use(error: &MigrateError) -> bool {
    const ER_LOCK_WAIT_TIMEOUT: u16 = 1205;
    let MigrateError::ExecuteMigration(error, _) = error else { return false };
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .is_some_and(|error| error.number() == ER_LOCK_WAIT_TIMEOUT)
}

impl Migrated {
    fn text(&self) -> String {
        if self.applied.is_empty() {
            return format!("schema is up to date (version {})", self.version);
        }
        let lines = self.applied.iter().map(|applied| {
            format!("applied {:04} {}", applied.version, draw::words(&applied.description))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_applied_is_listed() {
        let nothing = Migrated { version: 6, applied: Vec::new() };
        assert_eq!(nothing.text(), "schema is up to date (version 6)");
        let applied = Applied { version: 4, description: "create jobs".to_owned() };
        let one = Migrated { version: 4, applied: vec![applied] };
        assert_eq!(one.text(), "applied 0004 create jobs");
    }
}
