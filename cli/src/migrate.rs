//! `toneup migrate`: brings the database to the schema that this release needs.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use sqlx::MySqlConnection;
use sqlx::migrate::Migrate;
use toneup_shared::database::MIGRATOR;

use crate::draw;
use crate::exit::{self, Ending};
use crate::output::Output;

/// Bring the database of `DATABASE_URL` to the schema this release needs
///
/// Safe to repeat, and to start from many places at once: one of them migrates while the others wait.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct MigrateArgs {
    /// How long to wait for the database, and for another migration to end
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
    /// The schema's version now.
    version: i64,
    applied: Vec<Applied>,
}

#[derive(Debug, Serialize)]
struct Applied {
    version: i64,
    description: String,
}

/// Runs the command.
pub(crate) async fn run(args: &MigrateArgs, output: &Output) -> anyhow::Result<Ending> {
    let pool = crate::database::connect(args.wait, output).await?;
    let mut connection = pool.acquire().await.context("cannot connect to the database")?;
    lock(&mut connection, args.wait).await?;
    let migrated = migrate(&mut connection).await?;
    // The lock goes with the connection.
    drop(connection);
    pool.close().await;
    output.answer(&migrated, |_| migrated.text())?;
    Ok(Ending::Done)
}

/// Keeps other migrations out. sqlx asks for its own lock with an endless wait, which MariaDB takes for none at all.
async fn lock(connection: &mut MySqlConnection, wait: Duration) -> anyhow::Result<()> {
    let taken: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(CONCAT('toneup-migrate-', MD5(DATABASE())), ?)")
            .bind(wait.as_secs())
            .fetch_one(connection)
            .await
            .context("cannot lock the database")?;
    ensure!(taken == Some(1), "another migration is running, and has not ended in {wait:?}");
    Ok(())
}

async fn migrate(connection: &mut MySqlConnection) -> anyhow::Result<Migrated> {
    let table = &MIGRATOR.table_name;
    connection.ensure_migrations_table(table).await.context("cannot read the schema's version")?;
    let before = connection.list_applied_migrations(table).await?;
    MIGRATOR.run(&mut *connection).await.context("cannot migrate the database")?;
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
        let applied = Applied { version: 3, description: "create analyses".to_owned() };
        let one = Migrated { version: 3, applied: vec![applied] };
        assert_eq!(one.text(), "applied 0003 create analyses");
    }
}
