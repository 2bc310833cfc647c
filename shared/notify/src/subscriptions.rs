//! Browsers and phones: targets whose address belongs to one user at a time.

use sqlx::MySqlConnection;

use super::TargetId;
use super::targets::{Change, NewTarget, change, count_locked, insert};

/// What came of registering an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is a target from now on.
    New,
    /// The user had registered it before; its keys are those of now, and it is told again should it have failed.
    Known(TargetId),
    /// The user has as many as anybody may have.
    Full,
}

/// Registers an address, in the caller's transaction. Whoever had it before loses it: a phone that changes hands must not
/// show what is another's.
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
    // After the insert: of two users at once, one finds the other's row.
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
