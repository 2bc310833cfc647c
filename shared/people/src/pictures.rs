//! Pictures that others may see. A job stores each upload anew: upright, without metadata, in three sizes. Its id is the
//! picture's.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sqlx::{MySqlConnection, QueryBuilder};
use std::collections::BTreeSet;
use std::time::Duration;
use toneup_jobs::document::Document;
use toneup_jobs::job::JobId;
use toneup_jobs::kind::{EndedJob, Endings, Kind};
use toneup_jobs::outcome::Outcome;
use toneup_jobs::store::submit::schedule;
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use crate::posts;

/// The name of the kind that makes pictures.
pub const PICTURE: &str = "picture";
/// The name of the kind that deletes them.
pub const PICTURE_DELETION: &str = "picture_deletion";

/// The sizes of a picture: its longest edge in pixels, and its name.
pub const SIZES: [(&str, u32); 3] = [("small", 160), ("medium", 640), ("large", 1600)];

/// Purpose of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Shown beside its owner's nickname.
    Profile,
    /// Part of a post.
    Post,
    /// Part of a message.
    Chat,
    /// Shown beside a room's name.
    Room,
}

impl Purpose {
    /// The word used in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Post => "post",
            Self::Chat => "chat",
            Self::Room => "room",
        }
    }
}

/// The upload that a picture is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureSource {
    /// Its key in the object store.
    pub object_key: String,
}

/// Result of processing an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadePicture {
    /// Width of the largest size, in pixels.
    pub width: u16,
    /// Height of the largest size, in pixels.
    pub height: u16,
    /// Placeholder as a base64 `ThumbHash`.
    pub thumb_hash: String,
}

/// The picture to delete; its owner is the job's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureDeletion {
    /// Identifier of the picture.
    pub picture: JobId,
}

/// The kind that makes pictures.
pub fn kind() -> Kind {
    Kind {
        noun: "picture",
        codes: &["IMAGE_MISSING", "IMAGE_TOO_LARGE", "UNSUPPORTED_FORMAT", "NOT_AN_IMAGE"],
        endings: Arc::new(PictureEndings),
        ..Kind::new(PICTURE)
    }
}

/// The kind that deletes pictures: patient, since the object store may be away for long.
pub fn deletion_kind() -> Kind {
    Kind { noun: "deletion", max_attempts: 20, ..Kind::new(PICTURE_DELETION) }
}

/// The prefix of a user's pictures in the object store. No uploads lie under it, and no rule expires it.
pub fn user_prefix(owner: UserId) -> String {
    format!("pictures/{}/", owner.0)
}

/// The key of one size of a picture in the object store.
pub fn object_key(owner: UserId, picture: JobId, size: &str) -> String {
    format!("{}{}/{size}.jpg", user_prefix(owner), picture.0)
}

/// Has a picture made of an upload of the user's, in the caller's transaction.
pub async fn order(
    conn: &mut MySqlConnection,
    user: UserId,
    purpose: Purpose,
    source_key: &str,
) -> Result<JobId, sqlx::Error> {
    let ids = order_all(conn, user, purpose, &[source_key]).await?;
    ids.first().copied().ok_or(sqlx::Error::RowNotFound)
}

/// Has a picture made of each of some uploads of the user's, in the caller's transaction; returns them in the same order.
pub async fn order_all(
    conn: &mut MySqlConnection,
    user: UserId,
    purpose: Purpose,
    source_keys: &[&str],
) -> Result<Vec<JobId>, sqlx::Error> {
    let payload = |key: &&str| {
        let source = PictureSource { object_key: (*key).to_owned() };
        Ok((user, Document::of(&source).map_err(|error| sqlx::Error::Encode(error.into()))?))
    };
    let jobs: Result<Vec<_>, sqlx::Error> = source_keys.iter().map(payload).collect();
    let ids = schedule(&mut *conn, PICTURE, &jobs?, Duration::ZERO).await?;
    for (id, key) in ids.iter().zip(source_keys) {
        sqlx::query!(
            "INSERT INTO pictures (id, user_id, purpose, state, source_key, created_at)
             VALUES (?, ?, ?, 'pending', ?, NOW(3))",
            id,
            user,
            purpose.as_str(),
            key,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(ids)
}

/// Marks pictures of a user's as deleted, and schedules the deletion of their objects, in the caller's transaction.
pub async fn delete_all(
    conn: &mut MySqlConnection,
    user: UserId,
    pictures: &[JobId],
) -> Result<(), sqlx::Error> {
    if pictures.is_empty() {
        return Ok(());
    }
    schedule_deletions(&mut *conn, user, pictures).await?;
    // Whoever still makes one of them finds that it is not wanted any more.
    let mut query = QueryBuilder::new("UPDATE pictures SET state = 'deleted' WHERE id IN ");
    bind_list(&mut query, pictures.iter().copied());
    query.build().execute(conn).await.map(drop)
}

/// State of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Identifier of the picture.
    pub id: JobId,
    /// `pending`, `ready` or `refused`.
    pub state: String,
    /// `ThumbHash`, once it is ready.
    pub thumb_hash: Option<Vec<u8>>,
    /// Error code, if it was refused.
    pub error_code: Option<String>,
}

/// Finds a user's picture.
pub async fn find_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    id: JobId,
) -> Result<Option<Picture>, sqlx::Error> {
    sqlx::query_as!(
        Picture,
        r#"SELECT id AS "id: JobId", state, thumb_hash, error_code FROM pictures
           WHERE id = ? AND user_id = ?"#,
        id,
        user
    )
    .fetch_optional(conn)
    .await
}

/// Takes the user's picture off the profile, also those that are still being made, and schedules their deletion, in the
/// caller's transaction.
pub async fn withdraw_profile_pictures(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<(), sqlx::Error> {
    // Pictures before the user, as where a picture appears.
    delete_profile_pictures(&mut *conn, user, JobId(uuid::Uuid::max())).await?;
    sqlx::query!("UPDATE users SET picture_id = NULL WHERE id = ?", user)
        .execute(conn)
        .await
        .map(drop)
}

/// Schedules the deletion of a user's profile pictures that are older than `kept`.
async fn delete_profile_pictures(
    conn: &mut MySqlConnection,
    user: UserId,
    kept: JobId,
) -> Result<(), sqlx::Error> {
    let old: Vec<JobId> = sqlx::query_scalar!(
        r#"SELECT id AS "id: JobId" FROM pictures
           WHERE user_id = ? AND purpose = 'profile' AND id < ? AND state <> 'deleted'"#,
        user,
        kept
    )
    .fetch_all(&mut *conn)
    .await?;
    schedule_deletions(&mut *conn, user, &old).await?;
    // Whoever still makes one of them finds that it is not wanted any more.
    sqlx::query!(
        "UPDATE pictures SET state = 'deleted'
         WHERE user_id = ? AND purpose = 'profile' AND id < ? AND state <> 'deleted'",
        user,
        kept
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Schedules the deletion of pictures of a user's that nothing shows any more, in the caller's transaction.
pub async fn withdraw(
    conn: &mut MySqlConnection,
    user: UserId,
    pictures: &[uuid::Uuid],
) -> Result<(), sqlx::Error> {
    let ids: Vec<JobId> = pictures.iter().copied().map(JobId).collect();
    schedule_deletions(&mut *conn, user, &ids).await?;
    for id in ids {
        sqlx::query!(
            "UPDATE pictures SET state = 'deleted' WHERE id = ? AND user_id = ?",
            id,
            user
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn schedule_deletions(
    conn: &mut MySqlConnection,
    user: UserId,
    pictures: &[JobId],
) -> Result<(), sqlx::Error> {
    let deletions: Vec<(UserId, Document)> = pictures
        .iter()
        .filter_map(|picture| {
            Some((user, Document::of(&PictureDeletion { picture: *picture }).ok()?))
        })
        .collect();
    schedule(conn, PICTURE_DELETION, &deletions, Duration::ZERO).await.map(drop)
}

/// Forgets a picture whose objects are deleted.
pub async fn forget(conn: &mut MySqlConnection, picture: JobId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM pictures WHERE id = ?", picture).execute(conn).await.map(drop)
}

/// A picture that is made appears on its owner's profile, unless a newer one or none is wanted there by now. A post appears
/// with the last of its pictures.
#[derive(Debug)]
struct PictureEndings;

impl Endings for PictureEndings {
    fn ended<'a>(
        &'a self,
        conn: &'a mut MySqlConnection,
        jobs: &'a [EndedJob<'a>],
    ) -> BoxFuture<'a, Result<Vec<BTreeSet<String>>, sqlx::Error>> {
        async move {
            // Posts before pictures, as where their authors change them.
            let pictures: Vec<JobId> = jobs.iter().map(|job| job.job).collect();
            let posts = posts::lock_of_pictures(&mut *conn, &pictures).await?;
            for job in jobs {
                write_end(&mut *conn, job).await?;
            }
            for post in &posts {
                posts::settle(&mut *conn, post).await?;
            }
            Ok(Vec::new())
        }
        .boxed()
    }
}

async fn write_end(conn: &mut MySqlConnection, job: &EndedJob<'_>) -> Result<(), sqlx::Error> {
    let made: Option<MadePicture> = match job.outcome {
        Outcome::Succeeded(result) => result.read().ok(),
        _ => None,
    };
    let Some(made) = made else {
        let code = job.outcome.error("picture").map(|error| error.code);
        return sqlx::query!(
            "UPDATE pictures SET state = 'refused', error_code = ? WHERE id = ? AND state = 'pending'",
            code,
            job.job
        )
        .execute(conn)
        .await
        .map(drop);
    };
    let ready = sqlx::query!(
        "UPDATE pictures SET state = 'ready', width = ?, height = ?, thumb_hash = ?
         WHERE id = ? AND state = 'pending'",
        made.width,
        made.height,
        BASE64_STANDARD.decode(&made.thumb_hash).unwrap_or_default(),
        job.job
    );
    if ready.execute(&mut *conn).await?.rows_affected() == 0 {
        // Its deletion may have come before its objects.
        return schedule_deletions(conn, job.user, &[job.job]).await;
    }
    let shown = sqlx::query!(
        "UPDATE users u JOIN pictures p ON p.id = ? SET u.picture_id = p.id
         WHERE u.id = ? AND p.purpose = 'profile' AND u.deleted_at IS NULL
           AND (u.picture_id IS NULL OR u.picture_id < p.id)",
        job.job,
        job.user
    );
    match shown.execute(&mut *conn).await?.rows_affected() {
        0 => Ok(()),
        _ => delete_profile_pictures(conn, job.user, job.job).await,
    }
}

/// Lists at most `limit` of a user's pictures, in order of id, from just after `after`.
pub async fn list_some(
    conn: &mut MySqlConnection,
    user: UserId,
    after: Option<JobId>,
    limit: u32,
) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: JobId" FROM pictures WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?"#,
        user,
        after.map_or(uuid::Uuid::nil(), |id| id.0),
        limit
    )
    .fetch_all(conn)
    .await
}
