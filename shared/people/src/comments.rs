//! Deleting comments: at once for their readers, in slices for what hangs on them.

use std::collections::BTreeSet;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use crate::posts::erase::erase_comments;

/// Comments that one call looks at.
const AT_ONCE: u32 = 200;

#[derive(FromRow)]
struct Comment {
    number: u64,
    post_id: u64,
    thread: u64,
}

/// Deletes comments: what they said and by whom, and their part in counts; in the caller's transaction. Replies to them
/// stay.
pub async fn remove(conn: &mut MySqlConnection, numbers: &[u64]) -> Result<(), sqlx::Error> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut query =
        QueryBuilder::new("SELECT number, post_id, thread FROM comments WHERE number IN ");
    bind_list(&mut query, numbers.iter().copied());
    let comments: Vec<Comment> = query.build_query_as().fetch_all(&mut *conn).await?;
    let threads = comments.iter().map(|comment| comment.thread).filter(|thread| *thread > 0);
    let own = comments.iter().map(|comment| comment.number);
    lock_counters(&mut *conn, "comment", own.chain(threads).collect()).await?;
    let posts = comments.iter().map(|comment| comment.post_id).collect();
    lock_counters(&mut *conn, "post", posts).await?;
    for comment in &comments {
        let deleted = sqlx::query!(
            "UPDATE comments SET user_id = UNHEX(REPEAT('0', 32)), text = '', edited_at = NULL,
                                 deleted_at = NOW(3)
             WHERE number = ? AND deleted_at IS NULL",
            comment.number
        );
        // Somebody else may have deleted it before this got its lock.
        if deleted.execute(&mut *conn).await?.rows_affected() == 0 {
            continue;
        }
        for (kind, number) in [("comment", comment.thread), ("post", comment.post_id)] {
            sqlx::query!(
                "UPDATE content_counters SET comments = comments - 1 WHERE kind = ? AND target_id = ?",
                kind,
                number
            )
            .execute(&mut *conn)
            .await?;
        }
        sqlx::query!(
            "DELETE FROM mentions WHERE kind = 'comment' AND target_id = ?",
            comment.number
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Locks counters of one kind, in order; returns the numbers of those that are there. Comments come before posts.
pub async fn lock_counters(
    conn: &mut MySqlConnection,
    kind: &str,
    numbers: BTreeSet<u64>,
) -> Result<Vec<u64>, sqlx::Error> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("SELECT target_id FROM content_counters WHERE kind = ");
    query.push_bind(kind).push(" AND target_id IN ");
    bind_list(&mut query, numbers.into_iter());
    query.push(" ORDER BY target_id FOR UPDATE");
    query.build_query_scalar().fetch_all(conn).await
}

/// Erases comments that are deleted and have no replies (any more); returns about how many rows.
pub async fn erase_deleted(conn: &mut MySqlConnection, most: u32) -> Result<u64, sqlx::Error> {
    let numbers: Vec<u64> = sqlx::query_scalar!(
        "SELECT c.number FROM comments c FORCE INDEX (comments_deleted)
         LEFT JOIN content_counters n ON n.kind = 'comment' AND n.target_id = c.number
         WHERE c.deleted_at IS NOT NULL AND (n.comments IS NULL OR n.comments = 0)
         ORDER BY c.deleted_at LIMIT ?",
        AT_ONCE.min(most)
    )
    .fetch_all(&mut *conn)
    .await?;
    erase_comments(conn, &numbers, most).await
}

/// Deletes a user's comments and mentions; returns how many, 0 when none are left.
pub async fn erase_of_user(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let numbers: Vec<u64> = sqlx::query_scalar!(
        "SELECT number FROM comments WHERE user_id = ? ORDER BY number LIMIT ?",
        user,
        AT_ONCE.min(most)
    )
    .fetch_all(&mut *conn)
    .await?;
    remove(&mut *conn, &numbers).await?;
    let mentions = sqlx::query!("DELETE FROM mentions WHERE user_id = ? LIMIT ?", user, most);
    let mentions = mentions.execute(conn).await?.rows_affected();
    Ok(mentions + u64::try_from(numbers.len()).unwrap_or(u64::MAX))
}
