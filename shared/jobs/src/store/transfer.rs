//! Jobs that change hands. Only those that have ended: a worker knows the owner of what it runs.

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;

/// Gives at most `most` ended jobs of a kind to another user; returns how many.
pub async fn move_finished(
    conn: &mut MySqlConnection,
    kind: &str,
    from: UserId,
    to: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let moved = sqlx::query!(
        "UPDATE jobs SET user_id = ?
         WHERE user_id = ? AND kind = ? AND finished_at IS NOT NULL LIMIT ?",
        to,
        from,
        kind,
        most,
    );
    Ok(moved.execute(conn).await?.rows_affected())
}

/// Returns true if a user has any job of a kind.
pub async fn has_jobs(
    conn: &mut MySqlConnection,
    kind: &str,
    user: UserId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT 1 AS found FROM jobs WHERE user_id = ? AND kind = ? LIMIT 1",
        user,
        kind
    )
    .fetch_optional(conn)
    .await
    .map(|found| found.is_some())
}
