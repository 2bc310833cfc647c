//! Export of what a user has reported.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 200;

struct Row {
    id: Uuid,
    kind: String,
    target: Uuid,
    reason: String,
    description: String,
}

/// The list of reports.
pub(crate) fn exports() -> Vec<Export> {
    vec![Export::new("reports", |conn, user, from| {
        async move {
            let after: Option<Uuid> = from.and_then(|text| text.parse().ok());
            let rows = list(conn, user, after.unwrap_or_default()).await?;
            let whole = rows.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            let next = rows.last().filter(|_| whole).map(|last| last.id.to_string());
            let view = |row: Row| {
                json!({
                    "id": row.id,
                    "kind": row.kind,
                    "target": row.target,
                    "reason": row.reason,
                    "description": row.description,
                })
            };
            ExportPage::of(rows.into_iter().map(view), next)
        }
        .boxed()
    })]
}

async fn list(
    conn: &mut MySqlConnection,
    user: UserId,
    after: Uuid,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: Uuid", kind, target_id AS "target: Uuid", reason, description
           FROM reports WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?"#,
        user,
        after,
        PAGE
    )
    .fetch_all(conn)
    .await
}
