//! Retention: idempotency keys are deleted once they may be used again.

use super::settings::AnalysesSettings;
use crate::http::purge::{Purge, micros};

/// The retention rules of analyses; analyses themselves are never deleted.
pub(crate) fn purges(settings: &AnalysesSettings) -> Vec<Purge> {
    let ttl = settings.idempotency_ttl;
    let keys = Purge::new("idempotency_keys", move |conn, most| {
        Box::pin(async move {
            let delete = sqlx::query!(
                "DELETE FROM idempotency_keys WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
                micros(ttl),
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    });
    vec![keys]
}
