//! Retention: idempotency keys are deleted once they may be used again, deletions of photos once nobody asks about them,
//! dead letters and, if so configured, analyses by their age.

use std::time::Duration;

use toneup_colour::photo_deletion::PHOTO_DELETION;
use toneup_colour::prune::prune;
use toneup_jobs::store::purge::{purge_dead_letters, purge_succeeded};
use toneup_platform::database::micros;

use super::settings::AnalysesSettings;
use crate::http::purge::Purge;

/// Retention of a deletion that succeeded: long enough for operators to look it up.
const DELETIONS: Duration = Duration::from_hours(7 * 24);
/// Retention of dead letters that no operator has replayed or dropped.
const DEAD_LETTERS: Duration = Duration::from_hours(90 * 24);

/// The retention rules of analyses; analyses themselves are deleted only where a retention is set.
pub(crate) fn purges(settings: &AnalysesSettings) -> Vec<Purge> {
    let mut purges = vec![
        purge_keys(settings.idempotency_ttl),
        purge_deletions(),
        Purge::new("dead_letters", |conn, most| {
            Box::pin(purge_dead_letters(conn, DEAD_LETTERS, most))
        }),
    ];
    purges.extend(settings.analysis_retention.map(|retention| {
        Purge::new("jobs", move |conn, most| Box::pin(prune(conn, retention, most)))
    }));
    purges
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
