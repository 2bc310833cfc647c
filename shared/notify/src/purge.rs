//! Retention of deliveries and their attempts.

use std::time::Duration;

use sqlx::MySqlConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::ChannelKind;

/// Deletes deliveries older than `retention` and their attempts, at most `most` of each; returns the number of deleted
/// rows.
pub async fn purge(
    conn: &mut MySqlConnection,
    retention: Duration,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let bound = earliest_id(OffsetDateTime::now_utc() - retention);
    let attempts =
        sqlx::query!("DELETE FROM push_attempts WHERE delivery_id < ? LIMIT ?", bound, most);
    let deliveries = sqlx::query!("DELETE FROM push_deliveries WHERE id < ? LIMIT ?", bound, most);
    let deleted = attempts.execute(&mut *conn).await?.rows_affected();
    Ok(deleted.max(deliveries.execute(conn).await?.rows_affected()))
}

/// Deletes callbacks with nothing left to send whose subject is older than `retention`, at most `most`; returns their number.
pub async fn purge_callbacks(
    conn: &mut MySqlConnection,
    retention: Duration,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let delete = sqlx::query(
        "DELETE FROM push_targets WHERE channel = ? AND due_at IS NULL AND id < ? LIMIT ?",
    );
    let bound = earliest_id(OffsetDateTime::now_utc() - retention);
    let delete = delete.bind(ChannelKind::Callback.as_str()).bind(bound).bind(most);
    Ok(delete.execute(conn).await?.rows_affected())
}

/// Smallest `UUIDv7` of a point in time.
fn earliest_id(moment: OffsetDateTime) -> Uuid {
    let milliseconds =
        u128::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_before_and_after_a_moment_lie_on_either_side_of_it() {
        let now = OffsetDateTime::now_utc();
        let second = Duration::from_secs(1);
        assert!(earliest_id(now - second) < Uuid::now_v7());
        assert!(Uuid::now_v7() < earliest_id(now + 10 * second));
    }
}
