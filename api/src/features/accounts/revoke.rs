//! The end of sessions before their time.

use std::slice;

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, bounded, retry_deadlock};
use toneup_platform::identity::UserId;

use super::sessions;
use super::state::AccountsState;
use crate::http::identity::SessionId;
use crate::http::problem::ApiError;

/// Sessions that one transaction ends.
const CHUNK: u32 = 256;

/// Ends sessions, whose rows the caller has locked: their refresh tokens are gone, and their phones are not notified any
/// more. The caller tells the replicas after the commit ([`super::revoked::Revoked::add`]).
pub(super) async fn end(
    conn: &mut MySqlConnection,
    sessions: &[SessionId],
) -> Result<(), sqlx::Error> {
    if sessions.is_empty() {
        return Ok(());
    }
    for (head, tail) in [
        ("DELETE FROM refresh_tokens WHERE family_id IN ", ""),
        (
            "DELETE target FROM push_targets target JOIN sessions
            ON sessions.push_target_id = target.id AND sessions.user_id = target.user_id
          WHERE sessions.id IN ",
            "",
        ),
        ("UPDATE sessions SET revoked_at = NOW(3) WHERE id IN ", " AND revoked_at IS NULL"),
    ] {
        let mut query = QueryBuilder::new(head);
        bind_list(&mut query, sessions.iter().copied());
        query.push(tail).build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Ends the sessions of a user in the caller's transaction, at most [`CHUNK`]; returns them.
pub(crate) async fn revoke_in(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<Vec<SessionId>, sqlx::Error> {
    let sessions = sessions::lock_revocable(conn, user, None, CHUNK).await?;
    end(conn, &sessions).await?;
    Ok(sessions)
}

/// Ends one session of a user; `false` if there is none.
pub(super) async fn revoke(
    state: &AccountsState,
    user: UserId,
    session: SessionId,
) -> Result<bool, ApiError> {
    let ending = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            let found = sessions::lock_owned(conn, user, session).await?;
            if found {
                end(conn, slice::from_ref(&session)).await?;
            }
            Ok(found)
        })
    });
    let found = bounded(ending).await?;
    if found {
        state.revoked.add(&[session]);
    }
    Ok(found)
}

/// Ends all sessions of a user but `kept`.
pub(super) async fn revoke_all(
    state: &AccountsState,
    user: UserId,
    kept: Option<SessionId>,
) -> Result<(), ApiError> {
    loop {
        let ending = retry_deadlock(|| {
            state.pool.in_transaction(async |conn| {
                let ended = sessions::lock_revocable(conn, user, kept, CHUNK).await?;
                end(conn, &ended).await?;
                Ok(ended)
            })
        });
        let ended = bounded(ending).await?;
        state.revoked.add(&ended);
        if ended.len() < CHUNK as usize {
            return Ok(());
        }
    }
}
