//! Export of what a user likes.

use futures_util::FutureExt;
use serde_json::json;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 200;

/// The posts that a user likes, those of the lowest numbers first.
pub(crate) fn exports() -> Vec<Export> {
    vec![Export::new("likes", |conn, user, from| {
        async move {
            let after: u64 = from.and_then(|text| text.parse().ok()).unwrap_or(0);
            let likes = list(conn, user, after).await?;
            let whole = likes.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            let next = likes.last().filter(|_| whole).map(|(number, _, _)| number.to_string());
            let format = time::format_description::well_known::Rfc3339;
            let view = |(_, post, since): (u64, Uuid, OffsetDateTime)| {
                json!({ "post": post, "since": since.format(&format).ok() })
            };
            ExportPage::of(likes.into_iter().map(view), next)
        }
        .boxed()
    })]
}

async fn list(
    conn: &mut sqlx::MySqlConnection,
    user: UserId,
    after: u64,
) -> Result<Vec<(u64, Uuid, OffsetDateTime)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.target_id, p.id AS "id: Uuid", l.created_at AS "since: OffsetDateTime"
           FROM likes l JOIN posts p ON p.number = l.target_id
           WHERE l.user_id = ? AND l.kind = 'post' AND l.target_id > ? AND p.state = 'ready'
           ORDER BY l.target_id LIMIT ?"#,
        user,
        after,
        PAGE
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.target_id, row.id, row.since)).collect())
}
