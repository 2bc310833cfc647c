//! Database connection of operators' commands, with errors that name the cause.

use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow};
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};
use sqlx::{Connection, MySqlConnection, MySqlPool};
use tokio::time::{Instant, sleep, timeout};
use toneup_platform::config::{DatabaseConfig, Settings};
use toneup_platform::database::Database;
use toneup_platform::retry::Backoff;

use crate::exit::Unreachable;
use crate::output::Output;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connects to the database of `DATABASE_URL`, retrying for `wait` until it responds.
pub(crate) async fn connect(wait: Duration, output: &Output) -> anyhow::Result<MySqlPool> {
    let config: DatabaseConfig = Settings::from_env().section()?;
    let database = Database::open(&config).context("DATABASE_URL: expected mysql://…")?;
    let pool = database.pool();
    let options = pool.connect_options();
    let place = format!("the database at {}:{}", options.get_host(), options.get_port());
    let give_up = Instant::now() + wait;
    let mut failures = 0;
    // A connection of its own first: the pool would say that it timed out, and not why.
    while let Err(error) = probe(&options).await {
        if !is_outage(&error) {
            return Err(anyhow!(error).context(format!("cannot use {place}")));
        }
        failures += 1;
        let pause = Backoff::RECONNECT.pause(failures);
        if Instant::now() + pause >= give_up {
            return Err(Unreachable::new(place, error).into());
        }
        if failures == 1 {
            output.note(&format!("waiting for {place}"));
        }
        sleep(pause).await;
    }
    Ok(pool)
}

async fn probe(options: &MySqlConnectOptions) -> Result<(), sqlx::Error> {
    match timeout(CONNECT_TIMEOUT, MySqlConnection::connect_with(options)).await {
        Ok(connected) => connected?.close().await,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

/// True if waiting may help: the server does not respond, has too many connections, or is shutting down.
fn is_outage(error: &sqlx::Error) -> bool {
    const ER_CON_COUNT_ERROR: u16 = 1040;
    const ER_SERVER_SHUTDOWN: u16 = 1053;
    match error {
        sqlx::Error::Database(_) => {
            matches!(number(error), Some(ER_CON_COUNT_ERROR | ER_SERVER_SHUTDOWN))
        }
        sqlx::Error::Configuration(_) => false,
        _ => true,
    }
}

/// Explains a failed query: a database without its tables needs `toneup migrate`.
pub(crate) fn explain(error: sqlx::Error) -> anyhow::Error {
    const ER_NO_SUCH_TABLE: u16 = 1146;
    let is_empty = number(&error) == Some(ER_NO_SUCH_TABLE);
    let hint = if is_empty {
        "the database has no tables yet: run `toneup migrate`"
    } else {
        "cannot read the database"
    };
    anyhow!(error).context(hint)
}

/// Error number of the server.
fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(error.number())
}
