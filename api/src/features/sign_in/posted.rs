//! Signing in with a token that an app got from the provider.

use serde::{Deserialize, Serialize};
use toneup_platform::database::bounded;
use utoipa::ToSchema;

use super::enter::{Entrance, enter};
use super::state::SignInState;
use crate::features::accounts::SessionView;
use crate::http::identity::Caller;
use crate::http::problem::ApiError;

/// Longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// A credential that was posted.
#[derive(Debug)]
pub(crate) struct Posted<'a> {
    /// The provider's name, in whatever case.
    pub(crate) provider: &'a str,
    /// The provider's ID token.
    pub(crate) token: &'a str,
    /// The nonce that the app had it made with.
    pub(crate) nonce: Option<&'a str>,
    /// The app's FCM registration token.
    pub(crate) fcm_token: Option<&'a str>,
    /// Name of the session.
    pub(crate) device: &'a str,
    /// Caller previously signed in on the same device.
    pub(crate) before: Option<Caller>,
}

/// A session that was begun with a provider's token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignedInView {
    #[serde(flatten)]
    pub(crate) session: SessionView,
    /// The provider's name.
    pub(crate) provider: String,
    /// Whether the account is new, or was a guest's until now.
    pub(crate) is_new: bool,
}

/// What an app posts.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateSession {
    /// One of `/v1/sign-in/providers`.
    pub(super) provider: String,
    /// The provider's ID token.
    pub(super) id_token: String,
    /// The nonce that it was asked for with, as it is or as its SHA-256 in hex.
    pub(super) nonce: Option<String>,
    /// What its owner recognizes the session by; else it is named after the `User-Agent`.
    #[schema(max_length = 100)]
    pub(super) device: Option<String>,
    /// An FCM registration token: the phone is notified from now on, and no longer of another account's analyses.
    pub(super) fcm_token: Option<String>,
}

/// Begins a session. The same token again, while nothing was done with the session that it began, is that session.
pub(crate) async fn sign_in(
    state: &SignInState,
    posted: Posted<'_>,
) -> Result<SignedInView, ApiError> {
    let (provider, offered) = state.offered(posted.provider)?;
    if posted.token.len() > LONGEST_TOKEN {
        return Err(ApiError::invalid("idToken", "expected at most 16 KiB"));
    }
    let profile = offered.provider.verify(posted.token, posted.nonce).await?;
    let accounts = &state.accounts;
    let derived = accounts.token_of_credential(&format!("{provider} {}", posted.token));
    let entrance = Entrance {
        provider,
        profile: &profile,
        before: posted.before,
        device: posted.device,
        repeated: Some(&derived),
        ttl: accounts.refresh_ttl(),
    };
    let entered = enter(state, &entrance).await?;
    if let Some(fcm_token) = posted.fcm_token.filter(|token| !token.is_empty()) {
        register_phone(state, entered.caller, fcm_token).await;
    }
    let session = accounts.view(entered.caller, entered.token, entered.ttl)?;
    Ok(SignedInView { session, provider: provider.to_owned(), is_new: entered.is_new })
}

/// Registers the phone for notifications. Nobody is kept out because that fails.
async fn register_phone(state: &SignInState, caller: Caller, fcm_token: &str) {
    let registered = async {
        let target = state.notifications.register_phone(caller.user, fcm_token).await?;
        if let Some(target) = target {
            let noting = bounded(async {
                let mut connection = state.pool.acquire().await?;
                state.accounts.set_push_target(&mut connection, caller.session, target).await
            });
            noting.await?;
        }
        Ok::<_, ApiError>(())
    };
    if let Err(error) = registered.await {
        tracing::warn!(%error, "the phone of a session is not registered");
    }
}
