//! Retention: the log of changes is kept for a day, which is more than an api lags behind.

use std::time::Duration;

use toneup_catalogue::product::changes;

use crate::http::purge::Purge;

/// How long entries are kept.
pub(super) const RETENTION: Duration = Duration::from_hours(24);

/// The retention rules of the catalogue.
pub(crate) fn purges() -> Vec<Purge> {
    vec![Purge::new("catalogue_changes", |conn, most| {
        Box::pin(async move { changes::purge(conn, RETENTION, most).await })
    })]
}
