//! Export of a user's comments.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 200;

struct Row {
    number: u64,
    id: Uuid,
    post: Uuid,
    text: String,
    created_at: OffsetDateTime,
}

/// The list of comments.
pub(crate) fn exports() -> Vec<Export> {
    vec![Export::new("comments", |conn, user, from| {
        async move {
            let after: u64 = from.and_then(|text| text.parse().ok()).unwrap_or(0);
            let rows = list(conn, user, after).await?;
            let whole = rows.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            let next = rows.last().filter(|_| whole).map(|last| last.number.to_string());
            let view = |row: Row| {
                json!({
                    "id": row.id,
                    "post": row.post,
                    "text": row.text,
                    "createdAt": row.created_at.format(&Rfc3339).ok(),
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
    after: u64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT c.number, c.id AS "id: Uuid", p.id AS "post: Uuid", c.text,
                  c.created_at AS "created_at: OffsetDateTime"
           FROM comments c JOIN posts p ON p.number = c.post_id
           WHERE c.user_id = ? AND c.number > ? ORDER BY c.number LIMIT ?"#,
        user,
        after,
        PAGE
    )
    .fetch_all(conn)
    .await
}
