//! Lists of posts, by their numbers: each a range of one index.

use sqlx::{MySqlConnection, QueryBuilder};
use time::{OffsetDateTime, PlainDateTime};
use toneup_people::posts::Visibility;
use toneup_platform::identity::UserId;

use super::read::{Way, push_unrestricted};
use crate::http::cursor::{ListPage, Place};

/// The number just above the first one of a page.
pub(super) fn below(page: ListPage) -> u64 {
    // Numbers begin at 1 and fit a signed column.
    page.after.map_or(u64::MAX >> 1, |(number, _)| number)
}

/// A user's own posts or entries, newest first, in whatever state they are.
pub(super) async fn list_own(
    conn: &mut MySqlConnection,
    user: UserId,
    visibility: Visibility,
    page: ListPage,
) -> Result<Vec<u64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT number FROM posts FORCE INDEX (posts_own)
         WHERE user_id = ? AND visibility = ? AND number < ? AND state <> 'deleted'
         ORDER BY number DESC LIMIT ?",
        user,
        visibility.as_str(),
        below(page),
        page.reach()
    )
    .fetch_all(conn)
    .await
}

/// A user's posts that are shown, newest first.
pub(super) async fn list_of(
    conn: &mut MySqlConnection,
    user: UserId,
    visibility: Visibility,
    page: ListPage,
) -> Result<Vec<u64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT number FROM posts FORCE INDEX (posts_author)
         WHERE user_id = ? AND visibility = ? AND state = 'ready' AND number < ?
         ORDER BY number DESC LIMIT ?",
        user,
        visibility.as_str(),
        below(page),
        page.reach()
    )
    .fetch_all(conn)
    .await
}

/// Everybody's posts for `viewer`, newest first.
pub(super) async fn list_newest(
    conn: &mut MySqlConnection,
    viewer: UserId,
    page: ListPage,
) -> Result<Vec<u64>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT p.number FROM posts p FORCE INDEX (posts_newest)
         WHERE p.visibility = 'public' AND p.state = 'ready' AND p.number < ",
    );
    query.push_bind(below(page)).push(" AND ");
    push_unrestricted(&mut query, viewer, "p.user_id", Way::Listed);
    query.push(" ORDER BY p.number DESC LIMIT ").push_bind(page.reach());
    query.build_query_scalar().fetch_all(conn).await
}

/// Posts that a user likes, those liked last first; each with the time in µs.
pub(super) async fn list_liked(
    conn: &mut MySqlConnection,
    user: UserId,
    page: ListPage,
) -> Result<Vec<Place>, sqlx::Error> {
    let (time, number) = page.after.unwrap_or((u64::MAX >> 12, 0));
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time) * 1000);
    let time = time.map_err(|error| sqlx::Error::Encode(error.into()))?;
    // As a date, which goes beyond the timestamps of MariaDB.
    let time = PlainDateTime::new(time.date(), time.time());
    let rows = sqlx::query!(
        r#"SELECT created_at AS "since: OffsetDateTime", target_id
           FROM likes FORCE INDEX (likes_of_user)
           WHERE user_id = ? AND kind = 'post'
             AND created_at <= ? AND (created_at < ? OR target_id < ?)
           ORDER BY created_at DESC, target_id DESC LIMIT ?"#,
        user,
        time,
        time,
        number,
        page.reach()
    );
    let micros = |since: OffsetDateTime| u64::try_from(since.unix_timestamp_nanos() / 1000);
    let place = |since, number| (micros(since).unwrap_or_default(), number);
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| place(row.since, row.target_id)).collect())
}

/// Number of posts that a user likes, as far as anybody looks.
pub(crate) async fn count_liked(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<u64, sqlx::Error> {
    const FAR: u32 = 10_000;
    sqlx::query_scalar!(
        r#"SELECT CAST(COUNT(*) AS UNSIGNED) AS "count!: u64"
           FROM (SELECT 1 FROM likes FORCE INDEX (likes_of_user)
                 WHERE user_id = ? AND kind = 'post' LIMIT ?) some"#,
        user,
        FAR
    )
    .fetch_one(conn)
    .await
}
