//! Creating, changing and deleting posts, each in one transaction.

use sqlx::MySqlConnection;
use toneup_jobs::job::JobId;
use toneup_people::pictures::{Purpose, delete_all, order_all};
use toneup_people::posts::{
    LockedPost, PostState, Visibility, change_state, lock, lock_own, note_changed, settle,
};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::draft::{CheckedPicture, Source};
use crate::features::people::store_mentions;
use crate::http::idempotency::{Claimed, RequestKey, claim};

/// A post to be created.
#[derive(Debug)]
pub(super) struct NewPost {
    pub(super) id: Uuid,
    pub(super) user: UserId,
    pub(super) visibility: Visibility,
    /// Empty for posts of the feed.
    pub(super) title: String,
    pub(super) text: String,
    pub(super) pictures: Vec<CheckedPicture>,
}

/// A change of a post; what is `None` stays.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) title: Option<String>,
    pub(super) text: Option<String>,
    pub(super) pictures: Option<Vec<CheckedPicture>>,
}

/// The outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// It is as asked.
    Done,
    /// The user has no such post.
    Missing,
    /// The post has no such picture: the place in the list.
    NoSuchPicture(usize),
}

/// Stores a post, unless a request with this key has created one.
pub(super) async fn insert(
    conn: &mut MySqlConnection,
    new: &NewPost,
    key: Option<&RequestKey>,
) -> Result<Claimed, sqlx::Error> {
    if let Some(key) = key {
        let scope = match new.visibility {
            Visibility::Public => "post",
            Visibility::Own => "diary",
        };
        let claimed = claim(&mut *conn, new.user, scope, key, new.id).await?;
        if claimed != Claimed::First {
            return Ok(claimed);
        }
    }
    let insert = sqlx::query!(
        "INSERT INTO posts (id, user_id, visibility, state, title, text, created_at)
         VALUES (?, ?, ?, 'processing', ?, ?, NOW(3))",
        new.id,
        new.user,
        new.visibility.as_str(),
        new.title,
        new.text,
    );
    let number = insert.execute(&mut *conn).await?.last_insert_id();
    attach(&mut *conn, new.user, number, &new.pictures, &[]).await?;
    if new.visibility == Visibility::Public {
        store_mentions(conn, new.user, ("post", number), &new.text).await?;
    }
    Ok(Claimed::First)
}

/// Changes a post of the user's.
pub(super) async fn change(
    conn: &mut MySqlConnection,
    (user, visibility, id): (UserId, Visibility, Uuid),
    change: &Change,
) -> Result<Changed, sqlx::Error> {
    let Some(post) = lock_own(&mut *conn, user, visibility, id).await? else {
        return Ok(Changed::Missing);
    };
    if let Some(pictures) = &change.pictures {
        let present = list_pictures(&mut *conn, &post).await?;
        let is_unknown = |picture: &CheckedPicture| match picture.source {
            Source::Kept(id) => !present.iter().any(|(present, _)| present.0 == id),
            Source::Upload(_) => false,
        };
        if let Some(place) = pictures.iter().position(is_unknown) {
            return Ok(Changed::NoSuchPicture(place));
        }
        replace_pictures(&mut *conn, &post, &present, pictures).await?;
    }
    sqlx::query!(
        "UPDATE posts SET title = COALESCE(?, title), text = COALESCE(?, text), edited_at = NOW(3)
         WHERE number = ?",
        change.title,
        change.text,
        post.number,
    )
    .execute(&mut *conn)
    .await?;
    if let (Visibility::Public, Some(text)) = (visibility, &change.text) {
        store_mentions(&mut *conn, user, ("post", post.number), text).await?;
        note_changed(&mut *conn, &[post.number]).await?;
    }
    settle(conn, &post).await?;
    Ok(Changed::Done)
}

/// Deletes a post of the user's with its pictures, whose objects a job deletes after the commit; `false` if there is none.
pub(super) async fn delete(
    conn: &mut MySqlConnection,
    user: UserId,
    visibility: Visibility,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    let Some(post) = lock_own(&mut *conn, user, visibility, id).await? else {
        return Ok(false);
    };
    remove(conn, &post).await?;
    Ok(true)
}

/// Deletes a post, whosever it is; nothing if there is none.
pub(crate) async fn remove_any(conn: &mut MySqlConnection, id: Uuid) -> Result<(), sqlx::Error> {
    let number = sqlx::query_scalar!("SELECT number FROM posts WHERE id = ?", id);
    let number = number.fetch_optional(&mut *conn).await?;
    match lock(&mut *conn, number.as_slice()).await?.first() {
        Some(post) => remove(conn, post).await,
        None => Ok(()),
    }
}

/// Deletes a locked post with its pictures. What hangs on it is erased later, in slices.
async fn remove(conn: &mut MySqlConnection, post: &LockedPost) -> Result<(), sqlx::Error> {
    let pictures: Vec<JobId> =
        list_pictures(&mut *conn, post).await?.into_iter().map(|(id, _)| id).collect();
    delete_all(&mut *conn, post.user_id, &pictures).await?;
    sqlx::query!("DELETE FROM post_pictures WHERE post_id = ?", post.number)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("UPDATE posts SET title = '', text = '' WHERE number = ?", post.number)
        .execute(&mut *conn)
        .await?;
    change_state(conn, post, PostState::Deleted).await
}

async fn list_pictures(
    conn: &mut MySqlConnection,
    post: &LockedPost,
) -> Result<Vec<(JobId, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT picture_id AS "id: JobId", alt FROM post_pictures WHERE post_id = ?"#,
        post.number
    );
    let rows = rows.fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.alt)).collect())
}

async fn replace_pictures(
    conn: &mut MySqlConnection,
    post: &LockedPost,
    present: &[(JobId, String)],
    pictures: &[CheckedPicture],
) -> Result<(), sqlx::Error> {
    let stays = |id: Uuid| pictures.iter().any(|picture| picture.source == Source::Kept(id));
    let gone: Vec<JobId> = present.iter().map(|(id, _)| *id).filter(|id| !stays(id.0)).collect();
    delete_all(&mut *conn, post.user_id, &gone).await?;
    sqlx::query!("DELETE FROM post_pictures WHERE post_id = ?", post.number)
        .execute(&mut *conn)
        .await?;
    attach(conn, post.user_id, post.number, pictures, present).await
}

/// Orders the pictures that are uploads, and attaches all to the post. `present`: those that it had, with their
/// descriptions.
async fn attach(
    conn: &mut MySqlConnection,
    user: UserId,
    number: u64,
    pictures: &[CheckedPicture],
    present: &[(JobId, String)],
) -> Result<(), sqlx::Error> {
    let uploads: Vec<&str> = pictures
        .iter()
        .filter_map(|picture| match &picture.source {
            Source::Upload(key) => Some(key.as_str()),
            Source::Kept(_) => None,
        })
        .collect();
    let mut made = order_all(&mut *conn, user, Purpose::Post, &uploads).await?.into_iter();
    for (position, picture) in (0_u8..).zip(pictures) {
        let id = match picture.source {
            Source::Kept(id) => JobId(id),
            Source::Upload(_) => made.next().ok_or(sqlx::Error::RowNotFound)?,
        };
        let former = present.iter().find(|(present, _)| *present == id);
        let alt = picture.alt.as_deref().or(former.map(|(_, alt)| alt.as_str()));
        sqlx::query!(
            "INSERT INTO post_pictures (post_id, position, picture_id, alt) VALUES (?, ?, ?, ?)",
            number,
            position,
            id,
            alt.unwrap_or_default(),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
