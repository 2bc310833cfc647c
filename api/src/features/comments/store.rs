//! Writing comments, each in one transaction that locks the counters that it changes: the comment's that is replied to, then
//! the post's.

use sqlx::MySqlConnection;
use toneup_notify::notices::{NewNotice, NoticeKind, Told, tell};
use toneup_people::comments::lock_counters;
use toneup_people::posts::Visibility;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::read::find;
use crate::features::people::{Mentioned, store_mentions};
use crate::features::posts;
use crate::http::idempotency::{Claimed, RequestKey, claim};

/// A comment to be written.
#[derive(Debug)]
pub(super) struct NewComment {
    pub(super) id: Uuid,
    pub(super) user: UserId,
    pub(super) post: Uuid,
    pub(super) parent: Option<Uuid>,
    pub(super) text: String,
}

/// The outcome of writing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is stored, and these are told.
    Done(Vec<Told>),
    /// The same request has written this.
    Repeated(Uuid),
    /// Another request had the key.
    KeyReused,
    /// There is no such post for the user.
    NoPost,
    /// The post has no such comment for the user, or it is a reply.
    NoParent,
}

/// Stores a comment, unless a request with this key has written one.
pub(super) async fn insert(
    conn: &mut MySqlConnection,
    new: &NewComment,
    key: Option<&RequestKey>,
) -> Result<Written, sqlx::Error> {
    let post = posts::find(&mut *conn, new.user, Visibility::Public, new.post).await?;
    let Some(post) = post else { return Ok(Written::NoPost) };
    let parent = match new.parent {
        None => None,
        Some(id) => match find(&mut *conn, new.user, id).await? {
            Some(found) if found.post == new.post && found.parent.is_none() => Some(found),
            _ => return Ok(Written::NoParent),
        },
    };
    if let Some(key) = key {
        match claim(&mut *conn, new.user, "comment", key, new.id).await? {
            Claimed::First => {}
            Claimed::Repeated(id) => return Ok(Written::Repeated(id)),
            Claimed::Reused => return Ok(Written::KeyReused),
        }
    }
    let thread = parent.as_ref().map_or(0, |parent| parent.number);
    let threads = parent.iter().map(|parent| parent.number).collect();
    let locked = lock_counters(&mut *conn, "comment", threads).await?;
    // It may have been deleted before this got its lock.
    if let Some(parent) = &parent
        && (locked.is_empty() || is_deleted(&mut *conn, parent.number).await?)
    {
        return Ok(Written::NoParent);
    }
    if lock_counters(&mut *conn, "post", [post.number].into()).await?.is_empty() {
        return Ok(Written::NoPost);
    }
    let number = insert_row(&mut *conn, new, post.number, thread).await?;
    let mentioned = store_mentions(&mut *conn, new.user, ("comment", number), &new.text).await?;
    let parent_author = parent.and_then(|parent| Some((parent.id, parent.user_id?)));
    let news = news(new, post.user_id, parent_author, &mentioned);
    Ok(Written::Done(tell(conn, &news).await?))
}

async fn is_deleted(conn: &mut MySqlConnection, number: u64) -> Result<bool, sqlx::Error> {
    let live = sqlx::query_scalar!(
        "SELECT number FROM comments WHERE number = ? AND deleted_at IS NULL",
        number
    );
    Ok(live.fetch_optional(conn).await?.is_none())
}

async fn insert_row(
    conn: &mut MySqlConnection,
    new: &NewComment,
    post: u64,
    thread: u64,
) -> Result<u64, sqlx::Error> {
    let insert = sqlx::query!(
        "INSERT INTO comments (id, post_id, thread, user_id, text, created_at)
         VALUES (?, ?, ?, ?, ?, NOW(3))",
        new.id,
        post,
        thread,
        new.user,
        new.text,
    );
    let number = insert.execute(&mut *conn).await?.last_insert_id();
    sqlx::query!("INSERT INTO content_counters (kind, target_id) VALUES ('comment', ?)", number)
        .execute(&mut *conn)
        .await?;
    for (kind, target) in [("comment", thread), ("post", post)] {
        sqlx::query!(
            "UPDATE content_counters SET comments = comments + 1 WHERE kind = ? AND target_id = ?",
            kind,
            target
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(number)
}

/// Whom a comment tells of itself: once each, of what concerns them most.
fn news(
    new: &NewComment,
    host: UserId,
    parent: Option<(Uuid, UserId)>,
    mentioned: &[Mentioned],
) -> Vec<NewNotice> {
    let mut news: Vec<NewNotice> = Vec::new();
    let mut add = |user, kind, subject| {
        if news.iter().all(|one| one.user != user) {
            news.push(NewNotice { user, kind, subject, actor: new.user });
        }
    };
    if let Some((parent, author)) = parent {
        add(author, NoticeKind::CommentReplied, parent);
    }
    for person in mentioned {
        add(person.user, NoticeKind::CommentMentioned, new.id);
    }
    add(host, NoticeKind::PostCommented, new.post);
    news
}

/// Changes a comment of the user's; `false` if there is none.
pub(super) async fn change(
    conn: &mut MySqlConnection,
    user: UserId,
    number: u64,
    text: &str,
) -> Result<bool, sqlx::Error> {
    let update = sqlx::query!(
        "UPDATE comments SET text = ?, edited_at = NOW(3)
         WHERE number = ? AND user_id = ? AND deleted_at IS NULL",
        text,
        number,
        user
    );
    Ok(update.execute(conn).await?.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_once_of_what_concerns_them_most() {
        let user = |n| UserId(Uuid::from_u128(n));
        let (id, post, parent) = (Uuid::from_u128(10), Uuid::from_u128(11), Uuid::from_u128(12));
        let new = NewComment { id, user: user(1), post, parent: Some(parent), text: String::new() };
        let mentioned = [2, 3].map(|n| Mentioned { user: user(n) });
        let kinds = |host, parent| -> Vec<(UserId, NoticeKind, Uuid)> {
            let news = news(&new, host, parent, &mentioned);
            news.into_iter().map(|one| (one.user, one.kind, one.subject)).collect()
        };
        let all = kinds(user(4), Some((parent, user(2))));
        assert_eq!(
            all,
            [
                (user(2), NoticeKind::CommentReplied, parent),
                (user(3), NoticeKind::CommentMentioned, id),
                (user(4), NoticeKind::PostCommented, post),
            ]
        );
        assert_eq!(kinds(user(3), None).len(), 2, "the host is mentioned");
    }
}
