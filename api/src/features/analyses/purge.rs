//! Retention: idempotency keys are deleted once they may be used again, deletions of photos once nobody asks about them.

use std::time::Duration;

use toneup_colour::photo_deletion::PHOTO_DELETION;
use toneup_jobs::store::purge::purge_succeeded;
use toneup_platform::database::micros;

use super::settings::AnalysesSettings;
use crate::http::purge::Purge;

/// Retention of a deletion that succeeded: long enough for operators to look it up.
const DELETIONS: Duration = Duration::from_hours(7 * 24);

/// The retention rules of analyses; analyses themselves are never deleted.
pub(crate) fn purges(settings: &AnalysesSettings) -> Vec<Purge> {
    vec![purge_keys(settings.idempotency_ttl), purge_deletions()]
}

fn purge_keys(ttl: Duration) -> Purge {
    Purge::new("idempotency_keys", move |conn, most| {
        Box::pin(async move {
            let delete = sqlx::query!(
                "DELETE FROM idempotency_keys WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
                micros(ttl),
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    })
}

/// One row for each analysis, and of no use afterwards.
fn purge_deletions() -> Purge {
    Purge::new("jobs", |conn, most| {
        Box::pin(purge_succeeded(conn, PHOTO_DELETION, DELETIONS, most))
    })
}
