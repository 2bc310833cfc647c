//! Commit and rollback of operators' actions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use sqlx::MySqlPool;
use toneup_operate::intake::{read_intake, set_intake};
use toneup_platform::database::Database;

/// Pauses the intake in a transaction that ends with `ending`; `true` if it is paused afterwards.
async fn paused_after(db: MySqlPool, ending: Result<(), sqlx::Error>) -> bool {
    let pool = Database::from(db);
    let succeeds = ending.is_ok();
    let done = pool.in_transaction(async |conn| {
        set_intake(conn, true, "somebody").await?;
        ending
    });
    assert_eq!(done.await.is_ok(), succeeds);
    read_intake(&mut pool.acquire().await.unwrap()).await.unwrap().paused
}

#[sqlx::test(migrations = "../../migrations")]
async fn work_that_ends_well_counts(db: MySqlPool) {
    assert!(paused_after(db, Ok(())).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn work_that_ends_in_an_error_leaves_nothing_behind(db: MySqlPool) {
    assert!(!paused_after(db, Err(sqlx::Error::RowNotFound)).await);
}
