//! What search has to learn of posts.

use sqlx::{MySqlConnection, QueryBuilder};

/// Notes in the caller's transaction that posts of the feed have changed, in the log that search follows
/// (`catalogue_changes`). Late in the transaction: readers look back for a few seconds only.
pub async fn note_changed(conn: &mut MySqlConnection, numbers: &[u64]) -> Result<(), sqlx::Error> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("INSERT INTO catalogue_changes (kind, subject, changed_at) ");
    query.push_values(numbers, |mut row, number| {
        row.push("'post'").push_bind(number.to_string()).push("NOW(3)");
    });
    query.build().execute(conn).await.map(drop)
}
