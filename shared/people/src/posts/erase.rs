//! Erasing posts and all that hangs on them, a bounded number of rows at a time.

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use super::note_changed;

/// Posts, and comments, that one call looks at.
const AT_ONCE: u32 = 200;

/// Erases posts that their authors have deleted; returns about how many rows.
pub async fn erase_deleted(conn: &mut MySqlConnection, most: u32) -> Result<u64, sqlx::Error> {
    let mut erased = 0;
    for visibility in ["public", "self"] {
        let numbers: Vec<u64> = sqlx::query_scalar!(
            "SELECT number FROM posts FORCE INDEX (posts_newest)
             WHERE visibility = ? AND state = 'deleted' ORDER BY number LIMIT ?",
            visibility,
            AT_ONCE.min(most)
        )
        .fetch_all(&mut *conn)
        .await?;
        erased += erase(&mut *conn, &numbers, most).await?;
    }
    Ok(erased)
}

/// Erases a user's posts; returns about how many rows, 0 when none are left.
pub async fn erase_of_user(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let numbers: Vec<u64> = sqlx::query_scalar!(
        "SELECT number FROM posts WHERE user_id = ? ORDER BY number LIMIT ? FOR UPDATE",
        user,
        AT_ONCE.min(most)
    )
    .fetch_all(&mut *conn)
    .await?;
    if !numbers.is_empty() {
        return erase(conn, &numbers, most).await;
    }
    let delete = sqlx::query!("DELETE FROM authors WHERE user_id = ?", user);
    Ok(delete.execute(conn).await?.rows_affected())
}

/// Erases what hangs on posts, `most` rows at a time, and the posts with the last of it.
async fn erase(conn: &mut MySqlConnection, posts: &[u64], most: u32) -> Result<u64, sqlx::Error> {
    if posts.is_empty() {
        return Ok(0);
    }
    // Without these rows nobody can like or comment any more.
    delete(&mut *conn, "content_counters WHERE kind = 'post' AND target_id IN ", posts, None)
        .await?;
    let liked = "likes WHERE kind = 'post' AND target_id IN ";
    let likes = delete(&mut *conn, liked, posts, Some(most)).await?;
    if likes > 0 {
        return Ok(likes);
    }
    let mut query = QueryBuilder::new("SELECT number FROM comments WHERE post_id IN ");
    bind_list(&mut query, posts.iter().copied());
    query.push(" LIMIT ").push_bind(AT_ONCE.min(most));
    let comments: Vec<u64> = query.build_query_scalar().fetch_all(&mut *conn).await?;
    if !comments.is_empty() {
        return erase_comments(conn, &comments, most).await;
    }
    for what in
        ["mentions WHERE kind = 'post' AND target_id IN ", "post_pictures WHERE post_id IN "]
    {
        delete(&mut *conn, what, posts, None).await?;
    }
    let erased = delete(&mut *conn, "posts WHERE number IN ", posts, None).await?;
    note_changed(conn, posts).await?;
    Ok(erased)
}

/// Erases what hangs on comments, `most` rows at a time, and the comments with the last of it.
pub(crate) async fn erase_comments(
    conn: &mut MySqlConnection,
    comments: &[u64],
    most: u32,
) -> Result<u64, sqlx::Error> {
    if comments.is_empty() {
        return Ok(0);
    }
    let counters = "content_counters WHERE kind = 'comment' AND target_id IN ";
    delete(&mut *conn, counters, comments, None).await?;
    let liked = "likes WHERE kind = 'comment' AND target_id IN ";
    let likes = delete(&mut *conn, liked, comments, Some(most)).await?;
    if likes > 0 {
        return Ok(likes);
    }
    let mentions = "mentions WHERE kind = 'comment' AND target_id IN ";
    delete(&mut *conn, mentions, comments, None).await?;
    delete(conn, "comments WHERE number IN ", comments, None).await
}

async fn delete(
    conn: &mut MySqlConnection,
    from: &str,
    numbers: &[u64],
    most: Option<u32>,
) -> Result<u64, sqlx::Error> {
    let mut query = QueryBuilder::new(format!("DELETE FROM {from}"));
    bind_list(&mut query, numbers.iter().copied());
    if let Some(most) = most {
        query.push(" LIMIT ").push_bind(most);
    }
    Ok(query.build().execute(conn).await?.rows_affected())
}
