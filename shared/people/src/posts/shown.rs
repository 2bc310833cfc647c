//! Changes of a post's state, with all that counts posts: under the post's lock, then the author's, then the counters'.

use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_jobs::job::JobId;
use toneup_notify::notices::{NewNotice, NoticeKind, tell};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::{PostState, Visibility, note_changed};
use crate::ranking::hotness;

/// A post whose row the transaction has locked; never one that is deleted.
#[derive(Debug, Clone, FromRow)]
pub struct LockedPost {
    /// Its number.
    pub number: u64,
    /// Its public id.
    id: Uuid,
    /// Its author.
    pub user_id: UserId,
    visibility: String,
    state: String,
    /// Time of its creation, in seconds.
    born_at: u64,
}

impl LockedPost {
    /// Returns true for a post of the feed.
    pub fn is_public(&self) -> bool {
        self.visibility == Visibility::Public.as_str()
    }

    fn is_ready(&self) -> bool {
        self.state == PostState::Ready.as_str()
    }
}

const COLUMNS: &str = "SELECT number, id, user_id, visibility, state,
    CAST(TIMESTAMPDIFF(SECOND, '1970-01-01', created_at) AS UNSIGNED) AS born_at FROM posts WHERE state <> 'deleted' AND ";

/// Locks posts, in order of their numbers. `numbers` may be empty.
pub async fn lock(
    conn: &mut MySqlConnection,
    numbers: &[u64],
) -> Result<Vec<LockedPost>, sqlx::Error> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(COLUMNS);
    bind_list(query.push("number IN "), numbers.iter().copied());
    query.push(" ORDER BY number FOR UPDATE");
    query.build_query_as().fetch_all(conn).await
}

/// Locks a post of the user's.
pub async fn lock_own(
    conn: &mut MySqlConnection,
    user: UserId,
    visibility: Visibility,
    id: Uuid,
) -> Result<Option<LockedPost>, sqlx::Error> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push("id = ").push_bind(id).push(" AND user_id = ").push_bind(user);
    query.push(" AND visibility = ").push_bind(visibility.as_str()).push(" FOR UPDATE");
    query.build_query_as().fetch_optional(conn).await
}

/// Locks the posts that pictures belong to, in order of their numbers.
pub async fn lock_of_pictures(
    conn: &mut MySqlConnection,
    pictures: &[JobId],
) -> Result<Vec<LockedPost>, sqlx::Error> {
    if pictures.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("SELECT post_id FROM post_pictures WHERE picture_id IN ");
    bind_list(&mut query, pictures.iter().copied());
    let numbers: Vec<u64> = query.build_query_scalar().fetch_all(&mut *conn).await?;
    lock(conn, &numbers).await
}

/// Gives a post the state that follows from its pictures.
pub async fn settle(conn: &mut MySqlConnection, post: &LockedPost) -> Result<(), sqlx::Error> {
    let states: Vec<String> = sqlx::query_scalar!(
        r#"SELECT COALESCE(p.state, 'deleted') AS "state!: String"
           FROM post_pictures pp LEFT JOIN pictures p ON p.id = pp.picture_id
           WHERE pp.post_id = ?"#,
        post.number
    )
    .fetch_all(&mut *conn)
    .await?;
    change_state(conn, post, PostState::of_pictures(states.iter().map(String::as_str))).await
}

/// Gives a post a state; its author's counts, newest post and the counters of its likes follow.
pub async fn change_state(
    conn: &mut MySqlConnection,
    post: &LockedPost,
    state: PostState,
) -> Result<(), sqlx::Error> {
    if post.state == state.as_str() {
        return Ok(());
    }
    sqlx::query!("UPDATE posts SET state = ? WHERE number = ?", state.as_str(), post.number)
        .execute(&mut *conn)
        .await?;
    match (post.is_ready(), state == PostState::Ready) {
        (false, true) => count_in(&mut *conn, post).await?,
        (true, false) => count_out(&mut *conn, post).await?,
        _ => {}
    }
    if state == PostState::Deleted && post.is_public() {
        sqlx::query!(
            "DELETE FROM content_counters WHERE kind = 'post' AND target_id = ?",
            post.number
        )
        .execute(&mut *conn)
        .await?;
    }
    let was_found = post.is_ready() || state == PostState::Ready;
    if was_found && post.is_public() { note_changed(conn, &[post.number]).await } else { Ok(()) }
}

async fn count_in(conn: &mut MySqlConnection, post: &LockedPost) -> Result<(), sqlx::Error> {
    let (last_post, posts, entries) =
        if post.is_public() { (Some(post.number), 1, 0) } else { (None, 0, 1) };
    sqlx::query!(
        "INSERT INTO authors (user_id, last_post, posts, entries) VALUES (?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE
             last_post = NULLIF(
                 GREATEST(COALESCE(last_post, 0), COALESCE(VALUES(last_post), 0)), 0),
             posts = posts + VALUES(posts), entries = entries + VALUES(entries)",
        post.user_id,
        last_post,
        posts,
        entries,
    )
    .execute(&mut *conn)
    .await?;
    if !post.is_public() {
        return Ok(());
    }
    // A post that was ready before has its row.
    let first = sqlx::query!(
        "INSERT IGNORE INTO content_counters (kind, target_id, born_at, hotness)
         VALUES ('post', ?, ?, ?)",
        post.number,
        post.born_at,
        hotness(post.born_at, 0),
    );
    match first.execute(&mut *conn).await?.rows_affected() {
        0 => Ok(()),
        _ => tell_mentioned(conn, post).await,
    }
}

/// Tells the people whom a post mentions. Nobody is waked: streams and dispatchers find it by the clock.
async fn tell_mentioned(conn: &mut MySqlConnection, post: &LockedPost) -> Result<(), sqlx::Error> {
    let mentioned: Vec<UserId> = sqlx::query_scalar!(
        r#"SELECT user_id AS "user: UserId" FROM mentions WHERE kind = 'post' AND target_id = ?"#,
        post.number
    )
    .fetch_all(&mut *conn)
    .await?;
    let kind = NoticeKind::PostMentioned;
    let notice = |user| NewNotice { user, kind, subject: post.id, actor: post.user_id };
    let news: Vec<NewNotice> = mentioned.into_iter().map(notice).collect();
    if news.is_empty() { Ok(()) } else { tell(conn, &news).await.map(drop) }
}

async fn count_out(conn: &mut MySqlConnection, post: &LockedPost) -> Result<(), sqlx::Error> {
    // Locked before the newest post is looked for: whoever holds the lock has written it.
    sqlx::query!("SELECT posts FROM authors WHERE user_id = ? FOR UPDATE", post.user_id)
        .fetch_optional(&mut *conn)
        .await?;
    let last_post: Option<u64> = sqlx::query_scalar!(
        "SELECT MAX(number) FROM posts FORCE INDEX (posts_author)
         WHERE user_id = ? AND visibility = 'public' AND state = 'ready'",
        post.user_id
    )
    .fetch_one(&mut *conn)
    .await?;
    let (posts, entries) = if post.is_public() { (1, 0) } else { (0, 1) };
    sqlx::query!(
        "UPDATE authors SET last_post = ?, posts = posts - ?, entries = entries - ? WHERE user_id = ?",
        last_post,
        posts,
        entries,
        post.user_id,
    )
    .execute(conn)
    .await
    .map(drop)
}
