//! The beginning of a session, and what its client gets.

use std::time::Duration;

use serde::Serialize;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::opaque::OpaqueToken;
use super::secret::ServerSecret;
use super::sessions::{self, Session};
use super::state::AccountsState;
use super::users::{UserKind, insert_user};
use super::{refresh, refresh_tokens};
use crate::http::identity::{Caller, SessionId};
use crate::http::problem::ApiError;

/// What a client needs to act as its user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
    pub(crate) user_id: Uuid,
    /// Names this session in `/v1/sessions`.
    pub(crate) session_id: Uuid,
    /// Sent as `Authorization: Bearer`.
    pub(crate) access_token: String,
    /// Always `Bearer`.
    pub(crate) token_type: &'static str,
    /// Seconds until the access token expires.
    pub(crate) expires_in: u64,
    /// Good for one refresh; a repetition of that refresh gets the same answer.
    pub(crate) refresh_token: String,
    /// Seconds until the refresh token expires.
    pub(crate) refresh_expires_in: u64,
}

/// Begins a session with its first refresh token.
pub(crate) async fn start_session(
    conn: &mut MySqlConnection,
    user: UserId,
    device: &str,
    token: &OpaqueToken,
    ttl: Duration,
) -> Result<Caller, sqlx::Error> {
    let session = Session { id: SessionId(Uuid::now_v7()), user, device: device.to_owned() };
    sessions::insert(conn, &session, ttl).await?;
    let caller = Caller { user, session: session.id };
    refresh_tokens::insert(conn, caller, token, ttl).await?;
    Ok(caller)
}

/// Gives a session that goes on another first refresh token; begins a new one if it has ended meanwhile.
pub(crate) async fn continue_session(
    conn: &mut MySqlConnection,
    caller: Caller,
    device: &str,
    token: &OpaqueToken,
    ttl: Duration,
) -> Result<Caller, sqlx::Error> {
    if !sessions::lock_owned(conn, caller.user, caller.session).await? {
        return start_session(conn, caller.user, device, token, ttl).await;
    }
    refresh_tokens::insert(conn, caller, token, ttl).await?;
    sessions::extend(conn, caller.session, ttl).await?;
    sessions::rename(conn, caller.session, device).await?;
    Ok(caller)
}

/// Begins a session as a guest would; the caller rolls it back.
pub(crate) async fn rehearse(conn: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let user = insert_user(conn, UserKind::Guest, None).await?.id;
    start_session(conn, user, "", &OpaqueToken::generate(), Duration::from_secs(1)).await.map(drop)
}

impl AccountsState {
    /// Returns the server's secret.
    pub(crate) fn secret(&self) -> &ServerSecret {
        &self.secret
    }

    /// Lifetime of a refresh token.
    pub(crate) fn refresh_ttl(&self) -> Duration {
        self.settings.refresh_token_ttl
    }

    /// The first refresh token of the session that a provider's credential begins: the same each time.
    pub(crate) fn token_of_credential(&self, credential: &str) -> OpaqueToken {
        OpaqueToken::first_of(&self.secret, credential)
    }

    /// Notes the phone that a session's device is notified by: it is not any more when the session ends.
    pub(crate) async fn set_push_target(
        &self,
        conn: &mut MySqlConnection,
        session: SessionId,
        target: Uuid,
    ) -> Result<(), sqlx::Error> {
        sessions::set_push_target(conn, session, target).await
    }

    /// Tells every replica of sessions whose revocation was committed.
    pub(crate) fn announce_revoked(&self, sessions: &[SessionId]) {
        self.revoked.add(sessions);
    }

    /// Exchanges a refresh token for its successor.
    pub(crate) async fn refresh(&self, token: &OpaqueToken) -> Result<SessionView, ApiError> {
        let refreshed = refresh::exchange(self, token).await?;
        self.view(refreshed.caller, refreshed.token, refreshed.ttl)
    }

    /// Describes a session, with a new access token.
    pub(crate) fn view(
        &self,
        caller: Caller,
        OpaqueToken(refresh_token): OpaqueToken,
        refresh_ttl: Duration,
    ) -> Result<SessionView, ApiError> {
        Ok(SessionView {
            user_id: caller.user.0,
            session_id: caller.session.0,
            access_token: self.tokens.issue(caller, OffsetDateTime::now_utc())?,
            token_type: "Bearer",
            expires_in: self.tokens.ttl().as_secs(),
            refresh_token,
            refresh_expires_in: refresh_ttl.as_secs(),
        })
    }
}
