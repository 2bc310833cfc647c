//! Sessions of connections: how each begins, how old it grows, when it is tested.

use std::time::Duration;

use sqlx::{Executor, MySqlConnection};

/// Age at which a connection is replaced.
pub(super) const LIFETIME: Duration = Duration::from_mins(30);
/// Idle time after which a pooled connection is closed: the pool lends the one that has rested longest, so that even
/// one statement in two seconds keeps several open.
pub(super) const IDLE: Duration = Duration::from_secs(6);
/// Time since its last response within which a connection is used without a test.
pub(super) const FRESH: Duration = Duration::from_secs(1);
/// Longest time that a test may take.
pub(super) const TEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Makes a new connection behave alike on MySQL and MariaDB, whatever the server's defaults are.
pub(super) async fn prepare(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    connection
        .execute(
            "SET SESSION innodb_lock_wait_timeout = 5, sql_mode = 'ONLY_FULL_GROUP_BY,\
             STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
             ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
        )
        .await?;
    Ok(())
}
