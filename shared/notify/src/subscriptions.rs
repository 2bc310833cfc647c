//! Subscriptions of browsers and phones: targets whose address belongs to one user at a time.

use sqlx::MySqlConnection;

use super::TargetId;
use super::targets::{Change, NewTarget, change, count_locked, insert};

/// Outcome of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The address is a new target.
    New,
    /// The user had registered the address before; its keys are replaced, and a failing target is enabled again.
    Known(TargetId),
    /// Refused: the user has reached the limit of targets.
    Full,
}

/// Registers an address, in the caller's transaction. It is taken from its previous owner: a phone that changes hands
/// must not show another user's notifications.
pub async fn register(
    conn: &mut MySqlConnection,
    new: &NewTarget,
    limit: u32,
) -> Result<Registered, sqlx::Error> {
    let count = count_locked(&mut *conn, new.user, new.channel).await?;
    if let Some(id) = find_address(&mut *conn, new).await? {
        let news =
            Change { secrets: new.secrets.clone(), enabled: Some(true), ..Change::default() };
        change(&mut *conn, id, &news).await?;
        return Ok(Registered::Known(id));
    }
    // Those that were not reached for days make room: they are told nothing any more.
    if count >= i64::from(limit) && forget_disabled(&mut *conn, new).await? == 0 {
        return Ok(Registered::Full);
    }
    insert(&mut *conn, new).await?;
    // After the insert: of two concurrent users, one finds the other's row.
    forget_others(conn, new).await?;
    Ok(Registered::New)
}

async fn find_address(
    conn: &mut MySqlConnection,
    new: &NewTarget,
) -> Result<Option<TargetId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: TargetId" FROM push_targets
           WHERE channel = ? AND address_hash = UNHEX(SHA2(?, 256)) AND user_id = ?"#,
        new.channel.as_str(),
        new.address,
        new.user,
    )
    .fetch_optional(conn)
    .await
}

/// Forgets the user's targets of the channel that are disabled; returns their number.
async fn forget_disabled(conn: &mut MySqlConnection, new: &NewTarget) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "DELETE FROM push_targets
         WHERE user_id = ? AND channel = ? AND disabled_at IS NOT NULL",
        new.user,
        new.channel.as_str(),
    );
    Ok(deleted.execute(conn).await?.rows_affected())
}

async fn forget_others(conn: &mut MySqlConnection, new: &NewTarget) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM push_targets
         WHERE channel = ? AND address_hash = UNHEX(SHA2(?, 256)) AND user_id <> ?",
        new.channel.as_str(),
        new.address,
        new.user,
    )
    .execute(conn)
    .await
    .map(drop)
}
