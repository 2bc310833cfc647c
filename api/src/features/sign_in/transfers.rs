//! The analyses of guests who signed in to an account that they had already: they move there, each once it has ended.

use std::time::Duration;

use sqlx::MySqlConnection;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_colour::analysis::ANALYSIS;
use toneup_colour::personal_colours;
use toneup_jobs::store::transfer::{has_jobs, move_finished};
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::identity::UserId;

/// Time between two looks for transfers that are due.
const POLL: Duration = Duration::from_secs(2);
/// Time between two looks at one guest.
const PAUSE: Duration = Duration::from_secs(5);
/// Time for which a guest's last access token may still submit something.
const LINGER: Duration = Duration::from_mins(20);
/// Analyses that one transaction moves.
const CHUNK: u32 = 500;

/// Begins a transfer, in the transaction that signs the guest in: what has ended is at the account at once, as far as one
/// transaction goes; the rest follows.
pub(super) async fn begin(
    conn: &mut MySqlConnection,
    guest: UserId,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT IGNORE INTO guest_transfers (guest_id, user_id, due_at, created_at)
         VALUES (?, ?, NOW(3), NOW(3))",
        guest,
        user,
    )
    .execute(&mut *conn)
    .await?;
    move_some(conn, guest, user).await.map(drop)
}

/// Moves what has ended until `draining`.
pub(super) async fn run(pool: Database, draining: CancellationToken) {
    while draining.run_until_cancelled(sleep(POLL)).await.is_some() {
        loop {
            let moving = retry_deadlock(|| pool.in_transaction(async |conn| advance(conn).await));
            match bounded(moving).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "cannot move a guest's analyses");
                    break;
                }
            }
        }
    }
}

/// Moves ended analyses, and the colour of the latest; returns how many.
async fn move_some(
    conn: &mut MySqlConnection,
    guest: UserId,
    user: UserId,
) -> Result<u64, sqlx::Error> {
    let moved = move_finished(conn, ANALYSIS, guest, user, CHUNK).await?;
    personal_colours::transfer(conn, guest, user).await?;
    Ok(moved)
}

/// Moves some analyses of the guest who has waited longest; `false` if nobody waits.
pub(super) async fn advance(conn: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    let due = sqlx::query!(
        r#"SELECT guest_id AS "guest: UserId", user_id AS "user: UserId",
                  created_at < NOW(3) - INTERVAL ? SECOND AS "is_old!: bool"
           FROM guest_transfers WHERE due_at <= NOW(3)
           ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"#,
        LINGER.as_secs(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(due) = due else { return Ok(false) };
    let moved = move_some(conn, due.guest, due.user).await?;
    if due.is_old && !has_jobs(conn, ANALYSIS, due.guest).await? {
        sqlx::query!("DELETE FROM guest_transfers WHERE guest_id = ?", due.guest)
            .execute(conn)
            .await?;
        return Ok(true);
    }
    let pause = if moved == u64::from(CHUNK) { Duration::ZERO } else { PAUSE };
    sqlx::query!(
        "UPDATE guest_transfers SET due_at = NOW(3) + INTERVAL ? SECOND WHERE guest_id = ?",
        pause.as_secs(),
        due.guest,
    )
    .execute(conn)
    .await?;
    Ok(true)
}
