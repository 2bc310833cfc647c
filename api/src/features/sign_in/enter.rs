//! From a provider's word to a session here: the account that is found, made, or that a guest's becomes.

use std::time::Duration;

use sqlx::MySqlConnection;
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;

use super::problems::identity_taken;
use super::provider::Profile;
use super::state::SignInState;
use super::{identities, transfers};
use crate::features::accounts::{
    OpaqueToken, UserKind, continue_session, find_begun, insert_user, lock_session, promote_guest,
    revoke_in, start_session,
};
use crate::http::identity::{Caller, SessionId};
use crate::http::problem::ApiError;

/// Maximum number of attempts when concurrent requests use the same identity or credential.
const TRIES: usize = 5;

/// Somebody who comes in.
#[derive(Clone)]
pub(super) struct Entrance<'a> {
    pub(super) provider: &'a str,
    pub(super) profile: &'a Profile,
    /// Caller previously signed in on the same device.
    pub(super) before: Option<Caller>,
    pub(super) device: &'a str,
    /// The refresh token of a session that an earlier request with the same credential may have begun.
    pub(super) repeated: Option<&'a OpaqueToken>,
    /// Lifetime of the session's refresh token.
    pub(super) ttl: Duration,
}

/// A session that has begun.
pub(super) struct Entered {
    pub(super) caller: Caller,
    pub(super) token: OpaqueToken,
    /// Remaining lifetime of the token.
    pub(super) ttl: Duration,
    /// True if the account is new, or was a guest's until now.
    pub(super) is_new: bool,
    /// Sessions that ended with it: the guest's.
    revoked: Vec<SessionId>,
}

/// Begins a session of the identity's user. A guest who has no account yet keeps everything: the guest's user becomes the
/// account. The analyses of a guest who has one move to it.
pub(super) async fn enter(
    state: &SignInState,
    entrance: &Entrance<'_>,
) -> Result<Entered, ApiError> {
    let mut tries = 1;
    let entered = loop {
        let entering = retry_deadlock(|| {
            state.pool.in_transaction(async |conn| enter_in(conn, entrance).await)
        });
        match bounded(entering).await {
            Err(error) if is_duplicate(&error) && tries < TRIES => tries += 1,
            entered => break entered?,
        }
    };
    state.accounts.announce_revoked(&entered.revoked);
    Ok(entered)
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

async fn enter_in(
    conn: &mut MySqlConnection,
    entrance: &Entrance<'_>,
) -> Result<Entered, sqlx::Error> {
    let Entrance { provider, profile, before, device, repeated, ttl } = entrance.clone();
    // A session that was ended meanwhile, at whichever replica, vouches for nobody.
    let before = match before {
        Some(before) if lock_session(conn, before.user, before.session).await? => Some(before),
        _ => None,
    };
    let mut token = OpaqueToken::generate();
    if let Some(derived) = repeated {
        match find_begun(conn, derived).await? {
            // Sent twice: the answer to the first was lost, or the app sends everything twice.
            Some(Some((caller, ttl))) if before.is_none_or(|before| before.user == caller.user) => {
                let token = derived.clone();
                return Ok(Entered { caller, token, ttl, is_new: false, revoked: Vec::new() });
            }
            Some(_) => {}
            None => token = derived.clone(),
        }
    }
    let found = identities::find_user(conn, provider, &profile.subject).await?;
    let mut revoked = Vec::new();
    let (user, is_new) = match (found, before) {
        (Some(user), before) => {
            let guest = before.map(|before| before.user).filter(|guest| *guest != user);
            if let Some(guest) = guest
                && promote_guest(conn, guest).await?
            {
                transfers::begin(conn, guest, user).await?;
                revoked = revoke_in(conn, guest).await?;
            }
            (user, false)
        }
        (None, Some(before)) if promote_guest(conn, before.user).await? => {
            identities::insert(conn, before.user, provider, &profile.subject).await?;
            (before.user, true)
        }
        (None, _) => {
            let user = insert_user(conn, UserKind::Member, profile.name.as_deref()).await?.id;
            identities::insert(conn, user, provider, &profile.subject).await?;
            (user, true)
        }
    };
    let caller = match before.filter(|before| before.user == user) {
        // The same device, signed in or promoted: its session goes on.
        Some(before) => continue_session(conn, before, device, &token, ttl).await?,
        None => start_session(conn, user, device, &token, ttl).await?,
    };
    Ok(Entered { caller, token, ttl, is_new, revoked })
}

/// Adds an identity to the account of a session, which must not have been revoked. Idempotent.
pub(super) async fn link(
    state: &SignInState,
    caller: Caller,
    provider: &str,
    profile: &Profile,
) -> Result<(), ApiError> {
    let linking = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            link_in(conn, caller.user, caller.session, provider, profile).await
        })
    });
    match bounded(linking).await {
        Ok(Linked::Yes) => Ok(()),
        Ok(Linked::Taken) => Err(identity_taken()),
        Ok(Linked::SessionEnded) => {
            Err(ApiError::Unauthenticated("the session was ended; sign in again"))
        }
        Err(error) if is_duplicate(&error) => Err(identity_taken()),
        Err(error) => Err(error.into()),
    }
}

enum Linked {
    Yes,
    Taken,
    SessionEnded,
}

async fn link_in(
    conn: &mut MySqlConnection,
    user: UserId,
    session: SessionId,
    provider: &str,
    profile: &Profile,
) -> Result<Linked, sqlx::Error> {
    if !lock_session(conn, user, session).await? {
        return Ok(Linked::SessionEnded);
    }
    identities::list_locked(conn, user).await?;
    match identities::find_user(conn, provider, &profile.subject).await? {
        Some(owner) if owner == user => Ok(Linked::Yes),
        Some(_) => Ok(Linked::Taken),
        None => {
            identities::insert(conn, user, provider, &profile.subject).await?;
            promote_guest(conn, user).await?;
            Ok(Linked::Yes)
        }
    }
}
