//! Reading notices, and marking them as read.

use std::time::Duration;

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, micros};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::NoticeId;

/// Unread notices are counted up to this number.
pub const MOST_UNREAD: u32 = 100;

/// A notice, with whoever came last.
#[derive(Debug, Clone, FromRow)]
pub struct Notice {
    /// Identifier.
    pub id: NoticeId,
    /// Whose notice it is.
    pub user_id: UserId,
    /// Name of the kind.
    pub name: String,
    /// What it is about.
    pub subject_id: Uuid,
    /// Who came last.
    pub actor_id: UserId,
    /// Public number of whoever came last.
    pub number: u64,
    /// Nickname of whoever came last.
    pub nickname: String,
    /// Picture of whoever came last.
    pub picture_id: Option<Uuid>,
    /// Preview of the picture, if it is ready.
    pub thumb_hash: Option<Vec<u8>>,
    /// Number of different people.
    pub actors: u32,
    /// How often it has happened.
    pub times: u32,
    /// Place in the list.
    pub place: Uuid,
    /// True until the user has read it.
    pub is_unread: bool,
    /// When it happened last.
    pub changed_at: OffsetDateTime,
}

/// Columns of a notice. Notices of people who are being deleted, or whom the user blocks, are left out.
const NOTICE: &str = "SELECT n.id, n.user_id, n.name, n.subject_id, n.actor_id, u.number,
        u.nickname, u.picture_id, p.thumb_hash, n.actors, n.times, n.place,
        n.open_key IS NOT NULL AS is_unread, n.changed_at
     FROM notices n
     JOIN users u ON u.id = n.actor_id AND u.deleted_at IS NULL
     LEFT JOIN pictures p ON p.id = u.picture_id
     WHERE NOT EXISTS (SELECT 1 FROM restrictions r WHERE r.user_id = n.user_id
                           AND r.subject_id = n.actor_id AND r.kind = 'block')";

/// Lists a user's notices, the latest first, from just before `before`.
pub async fn list(
    conn: &mut MySqlConnection,
    user: UserId,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Notice>, sqlx::Error> {
    let mut query = QueryBuilder::new(NOTICE);
    query.push(" AND n.user_id = ").push_bind(user);
    query.push(" AND n.place < ").push_bind(before.unwrap_or(Uuid::max()));
    query.push(" ORDER BY n.place DESC LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(conn).await
}

/// Finds unread notices. Those that were read, or are gone, are left out.
pub async fn find_unread(
    conn: &mut MySqlConnection,
    ids: impl Iterator<Item = NoticeId>,
) -> Result<Vec<Notice>, sqlx::Error> {
    let mut query = QueryBuilder::new(NOTICE);
    query.push(" AND n.open_key IS NOT NULL AND n.id IN ");
    bind_list(&mut query, ids);
    query.build_query_as().fetch_all(conn).await
}

/// Counts a user's unread notices, up to [`MOST_UNREAD`].
pub async fn count_unread(conn: &mut MySqlConnection, user: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM notices FORCE INDEX (notices_unread)
                               WHERE user_id = ? AND open_key IS NOT NULL LIMIT ?) AS unread",
        user,
        MOST_UNREAD
    )
    .fetch_one(conn)
    .await
}

/// Marks notices as read: those of `ids`, or all.
pub async fn mark_read(
    conn: &mut MySqlConnection,
    user: UserId,
    ids: Option<&[NoticeId]>,
) -> Result<u64, sqlx::Error> {
    let mut query = QueryBuilder::new("UPDATE notices SET open_key = NULL WHERE user_id = ");
    query.push_bind(user).push(" AND open_key IS NOT NULL");
    match ids {
        Some([]) => return Ok(0),
        Some(ids) => {
            query.push(" AND id IN ");
            bind_list(&mut query, ids.iter().copied());
        }
        None => {}
    }
    Ok(query.build().execute(conn).await?.rows_affected())
}

/// Marks the notices of one kind about one subject as read, where the user has seen it in its place.
pub async fn mark_seen(
    conn: &mut MySqlConnection,
    user: UserId,
    kind: super::NoticeKind,
    subject: Uuid,
) -> Result<(), sqlx::Error> {
    let key = super::folding::open_key((user, kind, subject));
    sqlx::query!("UPDATE notices SET open_key = NULL WHERE open_key = ?", &key[..])
        .execute(conn)
        .await
        .map(drop)
}

/// Marks the notices of one kind about one subject as read, of several users who have seen it in its place.
pub async fn mark_all_seen(
    conn: &mut MySqlConnection,
    users: impl Iterator<Item = UserId>,
    kind: super::NoticeKind,
    subject: Uuid,
) -> Result<(), sqlx::Error> {
    let keys = users.map(|user| super::folding::open_key((user, kind, subject)).to_vec());
    let mut update = QueryBuilder::new("UPDATE notices SET open_key = NULL WHERE open_key IN ");
    bind_list(&mut update, keys);
    update.build().execute(conn).await.map(drop)
}

/// Deletes at most `most` notices older than `retention`, with their people; returns the number of deleted rows.
pub async fn purge(
    conn: &mut MySqlConnection,
    retention: Duration,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let old: Vec<NoticeId> = sqlx::query_scalar!(
        r#"SELECT id AS "id: NoticeId" FROM notices
           WHERE changed_at < NOW(3) - INTERVAL ? MICROSECOND ORDER BY changed_at LIMIT ?"#,
        micros(retention),
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    delete(conn, old).await
}

/// Deletes about `most` rows of a user's notices, of those that tell of the user, and of the settings; 0 when none are left.
pub async fn erase(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let of_user: Vec<NoticeId> = sqlx::query_scalar!(
        r#"(SELECT id AS "id: NoticeId" FROM notices WHERE user_id = ? LIMIT ?)
           UNION (SELECT id FROM notices WHERE actor_id = ? LIMIT ?)"#,
        user,
        most,
        user,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    let notices = delete(&mut *conn, of_user).await?;
    let acted = sqlx::query!("DELETE FROM notice_actors WHERE actor_id = ? LIMIT ?", user, most);
    let acted = acted.execute(&mut *conn).await?.rows_affected();
    let settings = sqlx::query!("DELETE FROM notice_settings WHERE user_id = ?", user);
    Ok(notices + acted + settings.execute(conn).await?.rows_affected())
}

/// Tables that [`erase`] empties of a user's rows.
pub const TABLES: &[&str] = &["notices", "notice_actors", "notice_settings"];

/// Deletes notices and as many of their people as go with them; people that remain are found again by the next call.
async fn delete(conn: &mut MySqlConnection, ids: Vec<NoticeId>) -> Result<u64, sqlx::Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    for (table, column) in [("notice_actors", "notice_id"), ("notices", "id")] {
        let mut query = QueryBuilder::new(format!("DELETE FROM {table} WHERE {column} IN "));
        bind_list(&mut query, ids.iter().copied());
        query.build().execute(&mut *conn).await?;
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}
