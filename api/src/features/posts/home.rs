//! The home feed, exact at every request: no copies of posts are kept for followers. The newest posts of those whom somebody
//! follows are among the posts of as many authors, those whose newest post below the cursor is the newest. A later page of
//! somebody who follows many is found among everybody's posts just below the cursor, however deep it is.

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::padded;
use toneup_platform::identity::UserId;

use super::numbers::below;
use crate::http::cursor::ListPage;

/// An author, and the number of the newest post that may be on the page.
type Head = (UserId, u64);

/// Numbers below a cursor within which a page is looked for among everybody's posts. Whoever follows one author in a hundred
/// has a page there; where it is not full, as many rows were read in vain.
const WINDOW: u64 = 4_000;

/// The numbers of the posts on a page, and of one more, newest first.
pub(super) async fn list_home(
    conn: &mut MySqlConnection,
    viewer: UserId,
    page: ListPage,
) -> Result<Vec<u64>, sqlx::Error> {
    let heads = if page.after.is_none() {
        newest_heads(&mut *conn, viewer, page.reach()).await?
    } else {
        let near = list_near(&mut *conn, viewer, below(page), page.reach()).await?;
        if near.len() > page.length() {
            return Ok(near);
        }
        heads_below(&mut *conn, viewer, below(page), page.reach()).await?
    };
    merge(conn, &heads, page.reach()).await
}

/// The authors with the newest posts.
async fn newest_heads(
    conn: &mut MySqlConnection,
    viewer: UserId,
    most: u32,
) -> Result<Vec<Head>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.user_id AS "user: UserId", a.last_post AS "last_post!"
           FROM follows f JOIN authors a ON a.user_id = f.followed_id
           WHERE f.follower_id = ? AND a.last_post IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM restrictions m
                             WHERE m.user_id = ? AND m.subject_id = f.followed_id)
           ORDER BY a.last_post DESC LIMIT ?"#,
        viewer,
        viewer,
        most
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.user, row.last_post)).collect())
}

/// The newest posts within the window below a number. The order of the tables is prescribed, and their keys are: a sort
/// would read the whole window.
async fn list_near(
    conn: &mut MySqlConnection,
    viewer: UserId,
    below: u64,
    most: u32,
) -> Result<Vec<u64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT STRAIGHT_JOIN p.number
         FROM posts p FORCE INDEX (PRIMARY)
         JOIN follows f FORCE INDEX (PRIMARY) ON f.follower_id = ? AND f.followed_id = p.user_id
         WHERE p.number < ? AND p.number >= ? AND p.visibility = 'public' AND p.state = 'ready'
           AND NOT EXISTS (SELECT 1 FROM restrictions m
                           WHERE m.user_id = ? AND m.subject_id = p.user_id)
         ORDER BY p.number DESC LIMIT ?",
    )
    .bind(viewer)
    .bind(below)
    .bind(below.saturating_sub(WINDOW))
    .bind(viewer)
    .bind(most)
    .fetch_all(conn)
    .await
}

/// The authors with the newest posts below a number. Only of those who have posted since is it looked for, from their newest
/// post down: that reads what lies above the number, the pages before.
async fn heads_below(
    conn: &mut MySqlConnection,
    viewer: UserId,
    below: u64,
    most: u32,
) -> Result<Vec<Head>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.user_id AS "user: UserId", IF(a.last_post < ?, a.last_post,
                  (SELECT p.number FROM posts p FORCE INDEX (posts_author)
                   WHERE p.user_id = a.user_id AND p.visibility = 'public'
                     AND p.state = 'ready' AND p.number < ?
                   ORDER BY p.number DESC LIMIT 1)) AS "newest!"
           FROM follows f JOIN authors a ON a.user_id = f.followed_id
           WHERE f.follower_id = ? AND a.last_post IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM restrictions m
                             WHERE m.user_id = ? AND m.subject_id = f.followed_id)
           HAVING `newest!` IS NOT NULL ORDER BY `newest!` DESC LIMIT ?"#,
        below,
        below,
        viewer,
        viewer,
        most
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.user, row.newest)).collect())
}

/// The newest posts of these authors, each from its head down. `heads` are in order: before the post of the n-th there are
/// n - 1 others.
async fn merge(
    conn: &mut MySqlConnection,
    heads: &[Head],
    most: u32,
) -> Result<Vec<u64>, sqlx::Error> {
    if heads.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("");
    for (place, (author, newest)) in (0..).zip(padded(heads.iter().copied())) {
        if place > 0 {
            query.push(" UNION ALL ");
        }
        // What is only padded contributes nothing.
        let is_real = usize::try_from(place).is_ok_and(|place| place < heads.len());
        let limit = if is_real { most.saturating_sub(place) } else { 0 };
        query.push(
            "(SELECT number FROM posts FORCE INDEX (posts_author)
              WHERE visibility = 'public' AND state = 'ready' AND user_id = ",
        );
        query.push_bind(author).push(" AND number <= ").push_bind(newest);
        query.push(" ORDER BY number DESC LIMIT ").push_bind(limit).push(")");
    }
    query.push(" ORDER BY number DESC LIMIT ").push_bind(most);
    query.build_query_scalar().fetch_all(conn).await
}
