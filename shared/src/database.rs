//! The connection pool to MySQL or MariaDB.

use std::future::Future;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions};
use sqlx::{ConnectOptions, Executor, MySql, MySqlPool, QueryBuilder};

use crate::config::DatabaseConfig;

/// Migrations of `migrations/`, embedded so that a binary can always bring a database to what it needs.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Opens a pool. No connection is made yet: a process starts, and says that it is not ready, without its database.
pub fn pool(config: &DatabaseConfig) -> Result<MySqlPool, sqlx::Error> {
    let options: MySqlConnectOptions = config.database_url.expose_secret().parse()?;
    let options = options.log_statements(tracing::log::LevelFilter::Trace);
    Ok(pool_options()
        .max_connections(config.database_max_connections)
        .acquire_timeout(config.database_acquire_timeout)
        .connect_lazy_with(options))
}

/// Pool options whose connections behave alike on MySQL and MariaDB, whatever the server's defaults are.
pub fn pool_options() -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .idle_timeout(Duration::from_mins(5))
        .max_lifetime(Duration::from_mins(30))
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    .await?;
                connection
                    .execute(
                        "SET SESSION innodb_lock_wait_timeout = 5, sql_mode = 'ONLY_FULL_GROUP_BY,\
                         STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
                         ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
                    )
                    .await?;
                Ok(())
            })
        })
}

/// A duration as SQL takes it: `INTERVAL ? MICROSECOND`.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Appends `(?, ?, …)`. `values` must not be empty: `IN ()` is no SQL.
pub(crate) fn bind_list<T>(query: &mut QueryBuilder<MySql>, values: impl Iterator<Item = T>)
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql>,
{
    query.push("(");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// How often a transaction that lost a deadlock is repeated.
const DEADLOCK_RETRIES: u32 = 3;

/// Runs a whole transaction, and runs it again when InnoDB chose it as a deadlock's victim (error 1213), which rolled it
/// back whole.
pub async fn retry_deadlock<T, F>(mut transaction: impl FnMut() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut tries = 0;
    loop {
        match transaction().await {
            Err(error) if is_deadlock(&error) && tries < DEADLOCK_RETRIES => tries += 1,
            done => return done,
        }
    }
}

fn is_deadlock(error: &sqlx::Error) -> bool {
    const ER_LOCK_DEADLOCK: u16 = 1213;
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .is_some_and(|error| error.number() == ER_LOCK_DEADLOCK)
}
