//! Retention: events, deliveries and attempts are deleted after their time.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::settings::NotificationsSettings;
use crate::http::purge::{Purge, micros};

/// The retention rules of notifications.
pub fn purges(settings: &NotificationsSettings) -> Vec<Purge> {
    vec![
        purge_events(settings.event_retention),
        purge_attempts(settings.retention),
        purge_deliveries(settings.retention),
    ]
}

/// Events, which clients replay when they reconnect. The analyses stay.
fn purge_events(retention: Duration) -> Purge {
    Purge::new("analysis_events", move |conn, most| {
        Box::pin(async move {
            let delete = sqlx::query!(
                "DELETE FROM analysis_events WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
                micros(retention),
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    })
}

fn purge_attempts(retention: Duration) -> Purge {
    Purge::new("push_attempts", move |conn, most| {
        Box::pin(async move {
            let bound = earliest_id(OffsetDateTime::now_utc() - retention);
            let delete = sqlx::query!(
                "DELETE FROM push_attempts WHERE delivery_id < ? LIMIT ?",
                bound,
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    })
}

fn purge_deliveries(retention: Duration) -> Purge {
    Purge::new("push_deliveries", move |conn, most| {
        Box::pin(async move {
            let bound = earliest_id(OffsetDateTime::now_utc() - retention);
            let delete =
                sqlx::query!("DELETE FROM push_deliveries WHERE id < ? LIMIT ?", bound, most);
            Ok(delete.execute(conn).await?.rows_affected())
        })
    })
}

/// The smallest `UUIDv7` of a moment.
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
