//! Targets: where users want to be told.

use std::collections::BTreeSet;
use std::fmt;

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection};

use super::{ChannelKind, TargetId};
use toneup_platform::identity::UserId;

/// A place to tell.
#[derive(Clone, FromRow)]
pub struct Target {
    /// Its identity.
    pub id: TargetId,
    /// Whose it is.
    #[sqlx(rename = "user_id")]
    pub user: UserId,
    /// A webhook's URL, a browser's push endpoint, a phone's token.
    pub address: String,
    /// What its channel needs to speak to it, as the channel wrote it.
    pub secrets: Option<String>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// The events that it is told of, separated by commas; `None`: all of them.
    pub events: Option<String>,
    /// Since when nothing reached it.
    pub failing_since: Option<OffsetDateTime>,
    /// Since when nothing is sent to it.
    pub disabled_at: Option<OffsetDateTime>,
    /// Why nothing is.
    pub disabled_reason: Option<String>,
    /// Since when it exists.
    pub created_at: OffsetDateTime,
}

// An address may be a secret itself: whoever has a push endpoint can write to it.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A place to tell from now on.
#[derive(Clone)]
pub struct NewTarget {
    /// Its identity, made by the caller.
    pub id: TargetId,
    /// Whose it is.
    pub user: UserId,
    /// How it is told.
    pub channel: ChannelKind,
    /// Printable ASCII, at most 2048 characters.
    pub address: String,
    /// ASCII.
    pub secrets: Option<String>,
    /// At most 200 characters.
    pub description: Option<String>,
    /// The events that it is told of, separated by commas, at most 255 characters; `None`: all of them.
    pub events: Option<String>,
}

impl fmt::Debug for NewTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTarget").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Adds a target, unless the user has one of this channel with this address: then `false`.
pub async fn insert(conn: &mut MySqlConnection, new: &NewTarget) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT IGNORE INTO push_targets
             (id, user_id, channel, address, address_hash, secrets, description, events, created_at)
         VALUES (?, ?, ?, ?, UNHEX(SHA2(?, 256)), ?, ?, ?, NOW(3))",
        new.id,
        new.user,
        new.channel.as_str(),
        new.address,
        new.address,
        new.secrets,
        new.description,
        new.events,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Counts the targets of a channel, under the lock of the user's event sequence: two requests must not both take the last
/// free place.
pub async fn count_locked(
    conn: &mut MySqlConnection,
    user: UserId,
    channel: ChannelKind,
) -> Result<i64, sqlx::Error> {
    super::events::lock(&mut *conn, &BTreeSet::from([user])).await?;
    sqlx::query_scalar!(
        "SELECT COUNT(*) FROM push_targets WHERE user_id = ? AND channel = ?",
        user,
        channel.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// One list of columns for every way of finding targets; checked by the database at build time.
macro_rules! select_targets {
    ($tail:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            Target,
            r#"SELECT id AS "id: TargetId", user_id AS "user: UserId", address, secrets,
                      description, events, failing_since AS "failing_since: OffsetDateTime",
                      disabled_at AS "disabled_at: OffsetDateTime", disabled_reason,
                      created_at AS "created_at: OffsetDateTime"
               FROM push_targets "#
                + $tail
            $(, $argument)*
        )
    };
}

/// Finds a user's target.
pub async fn find_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    channel: ChannelKind,
    id: TargetId,
) -> Result<Option<Target>, sqlx::Error> {
    select_targets!("WHERE id = ? AND user_id = ? AND channel = ?", id, user, channel.as_str())
        .fetch_optional(conn)
        .await
}

/// Lists a user's targets of a channel, oldest first.
pub async fn list_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    channel: ChannelKind,
) -> Result<Vec<Target>, sqlx::Error> {
    select_targets!("WHERE user_id = ? AND channel = ? ORDER BY id", user, channel.as_str())
        .fetch_all(conn)
        .await
}

/// Forgets a user's target; `false` if there is none. What was to be told to it is never sent.
pub async fn delete_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    channel: ChannelKind,
    id: TargetId,
) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!(
        "DELETE FROM push_targets WHERE id = ? AND user_id = ? AND channel = ?",
        id,
        user,
        channel.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// What to change of a target; `None` leaves it as it is.
#[derive(Clone, Default)]
pub struct Change {
    /// A new address: what failed before says nothing of it.
    pub address: Option<String>,
    /// What its channel needs to speak to it.
    pub secrets: Option<String>,
    /// What its owner calls it; empty: nothing any more.
    pub description: Option<String>,
    /// The events that it is told of, separated by commas; empty: all of them.
    pub events: Option<String>,
    /// Whether anything is sent to it.
    pub enabled: Option<bool>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

/// Why a target is disabled whose owner wants nothing sent to it.
const BY_OWNER: &str = "owner";

/// Changes a target, in the caller's transaction. What was not sent while it was disabled is sent when it is enabled
/// again, as far as it was written before.
pub async fn change(
    conn: &mut MySqlConnection,
    id: TargetId,
    change: &Change,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE push_targets
         SET address = COALESCE(?, address),
             address_hash = COALESCE(UNHEX(SHA2(?, 256)), address_hash),
             secrets = COALESCE(?, secrets), description = NULLIF(COALESCE(?, description), ''),
             events = NULLIF(COALESCE(?, events), '')
         WHERE id = ?",
        change.address,
        change.address,
        change.secrets,
        change.description,
        change.events,
        id,
    )
    .execute(&mut *conn)
    .await?;
    match change.enabled {
        Some(true) => {
            sqlx::query!(
                "UPDATE push_targets
                 SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE id = ?",
                id,
            )
            .execute(&mut *conn)
            .await?;
        }
        Some(false) => {
            sqlx::query!(
                "UPDATE push_targets
                 SET disabled_at = NOW(3), disabled_reason = ?, due_at = NULL
                 WHERE id = ? AND disabled_at IS NULL",
                BY_OWNER,
                id,
            )
            .execute(&mut *conn)
            .await?;
        }
        None => {}
    }
    if change.address.is_some() {
        sqlx::query!("UPDATE push_targets SET failing_since = NULL WHERE id = ?", id)
            .execute(&mut *conn)
            .await?;
    }
    if change.enabled == Some(true) || change.address.is_some() {
        make_due_now(conn, id).await?;
    }
    Ok(())
}

/// Makes a target due at once, even one that rests after a failure; one that is held follows when it is released.
pub async fn make_due_now(conn: &mut MySqlConnection, id: TargetId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE push_targets
         SET due_at = IF(lease_token IS NULL, NOW(3), due_at),
             held_until = IF(lease_token IS NULL, NULL, held_until)
         WHERE id = ? AND disabled_at IS NULL",
        id,
    )
    .execute(conn)
    .await
    .map(drop)
}
