//! The exchange of a refresh token for its successor, and what a repeated exchange means.

use std::time::Duration;

use toneup_platform::database::{bounded, retry_deadlock};

use super::opaque::OpaqueToken;
use super::problems::{refresh_token_expired, refresh_token_invalid};
use super::sessions::{self, Session};
use super::state::AccountsState;
use super::{refresh_tokens, revoke};
use crate::http::identity::{Caller, SessionId};
use crate::http::problem::ApiError;

/// Time after the first use of a token during which its predecessor still counts as a late duplicate: a request that
/// was sent twice, or another tab that had read the old token.
const GRACE: Duration = Duration::from_mins(1);

/// State of the successor of a presented token, as the database knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Successor {
    /// There is none, or it is not derived from the presented one.
    Unknown,
    /// Nobody has presented it yet: nothing shows that it arrived.
    Unused,
    /// It was presented first this long ago.
    Used { ago: Duration },
}

/// Decision on a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// It is used for the first time: its successor takes its place.
    Rotate,
    /// It was used before, and may be a repetition: the same successor again.
    Repeat,
    /// Two parties hold it: the session ends.
    Revoke,
}

fn decide(used: bool, successor: Successor) -> Decision {
    match successor {
        _ if !used => Decision::Rotate,
        Successor::Unused => Decision::Repeat,
        Successor::Used { ago } if ago <= GRACE => Decision::Repeat,
        Successor::Used { .. } | Successor::Unknown => Decision::Revoke,
    }
}

/// A session that goes on with this token.
pub(super) struct Refreshed {
    pub(super) caller: Caller,
    pub(super) token: OpaqueToken,
    /// Remaining lifetime of the token.
    pub(super) ttl: Duration,
}

/// Exchanges a refresh token. Idempotent until the successor is used, and for [`GRACE`] afterwards; a repetition after that
/// revokes the session.
pub(super) async fn exchange(
    state: &AccountsState,
    presented: &OpaqueToken,
) -> Result<Refreshed, ApiError> {
    let token = presented.successor(&state.secret);
    // Repetitions are the many that come at once: they take no lock.
    let standing = bounded(async {
        let mut connection = state.pool.acquire().await?;
        refresh_tokens::find(&mut connection, presented, &token).await
    });
    let standing = standing.await?.ok_or_else(refresh_token_invalid)?;
    if standing.expired {
        return Err(refresh_token_expired());
    }
    if decide(standing.used, standing.successor) == Decision::Repeat {
        return repeated(&standing, token);
    }
    let session = standing.caller.session;
    let ttl = state.settings.refresh_token_ttl;
    let settling = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            lock(conn, standing.caller, ttl).await?;
            // Another request may have been faster.
            let Some(standing) = refresh_tokens::find(conn, presented, &token).await? else {
                return Ok(None);
            };
            let decision = decide(standing.used, standing.successor);
            match decision {
                Decision::Rotate => {
                    refresh_tokens::mark_used(conn, presented).await?;
                    refresh_tokens::insert(conn, standing.caller, &token, ttl).await?;
                    sessions::extend(conn, session, ttl).await?;
                }
                Decision::Repeat => {}
                Decision::Revoke => revoke::end(conn, &[session]).await?,
            }
            Ok(Some((decision, standing)))
        })
    });
    let (decision, standing) = bounded(settling).await?.ok_or_else(refresh_token_invalid)?;
    match decision {
        Decision::Rotate => Ok(Refreshed { caller: standing.caller, token, ttl }),
        Decision::Repeat => repeated(&standing, token),
        Decision::Revoke => {
            state.revoked.add(&[session]);
            let user = standing.caller.user.0;
            tracing::warn!(user.id = %user, "refresh token reused; its session is revoked");
            Err(refresh_token_invalid())
        }
    }
}

fn repeated(
    standing: &refresh_tokens::Standing,
    token: OpaqueToken,
) -> Result<Refreshed, ApiError> {
    let ttl = standing.successor_ttl.ok_or_else(refresh_token_expired)?;
    Ok(Refreshed { caller: standing.caller, token, ttl })
}

/// Locks the session; one that a former release began has no row yet.
async fn lock(
    conn: &mut sqlx::MySqlConnection,
    caller: Caller,
    ttl: Duration,
) -> Result<(), sqlx::Error> {
    if !sessions::lock(conn, caller.session).await? {
        let Caller { user, session: SessionId(_) } = caller;
        let session = Session { id: caller.session, user, device: String::new() };
        sessions::insert(conn, &session, ttl).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_forgiven_until_the_successor_has_been_used_for_a_minute() {
        let used = |seconds| Successor::Used { ago: Duration::from_secs(seconds) };
        for (was_used, successor, expected) in [
            (false, Successor::Unknown, Decision::Rotate),
            (true, Successor::Unused, Decision::Repeat),
            (true, used(0), Decision::Repeat),
            (true, used(60), Decision::Repeat),
            (true, used(61), Decision::Revoke),
            (true, Successor::Unknown, Decision::Revoke),
        ] {
            assert_eq!(decide(was_used, successor), expected, "{was_used} {successor:?}");
        }
    }
}
