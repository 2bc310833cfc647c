//! Retention: reports are deleted after a year.

use std::time::Duration;

use toneup_platform::database::micros;

use crate::http::purge::Purge;

/// Retention of reports, open or closed.
const RETENTION: Duration = Duration::from_hours(365 * 24);

/// The retention rules of reports.
pub(crate) fn purges() -> Vec<Purge> {
    vec![Purge::new("reports", |conn, most| {
        Box::pin(async move {
            let delete = sqlx::query!(
                "DELETE FROM reports WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
                micros(RETENTION),
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    })]
}
