//! The beginning of an attempt to sign in with a browser.

use axum::http::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use toneup_platform::identity::UserId;
use url::Url;

use super::cookie::{ATTEMPT, SameSite};
use super::provider::{Attempt, Provider};
use super::return_to;
use super::state::SignInState;
use crate::http::identity::{Caller, SessionId};
use crate::http::problem::ApiError;

/// State stored in the browser while the person is at the provider's page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) provider: String,
    pub(super) attempt: Attempt,
    pub(super) return_to: String,
    user: Option<UserId>,
    session: Option<SessionId>,
    /// True if the identity is to be added to the session's account.
    pub(super) link: bool,
}

impl Flow {
    /// Returns the caller that began the attempt, if any.
    pub(super) fn before(&self) -> Option<Caller> {
        Some(Caller { user: self.user?, session: self.session? })
    }
}

/// Parameters of a new attempt.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    pub(super) return_to: Option<String>,
    pub(super) before: Option<Caller>,
    pub(super) link: bool,
}

/// Begins an attempt; returns the provider's page, and the cookie that binds the attempt to this browser.
pub(super) async fn begin(
    state: &SignInState,
    provider: &str,
    Beginning { return_to, before, link }: Beginning,
) -> Result<(Url, HeaderValue), ApiError> {
    let (name, offered) = state.offered(provider)?;
    let return_to = return_to::check(&state.origin, return_to.as_deref())
        .ok_or_else(|| ApiError::invalid("returnTo", "expected a path of this site"))?;
    let random = || BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let attempt = Attempt { state: random(), nonce: random(), verifier: random() };
    let url = offered.provider.authorization_url(&attempt).await?;
    let flow = Flow {
        provider: name.to_owned(),
        attempt,
        return_to,
        user: before.map(|before| before.user),
        session: before.map(|before| before.session),
        link,
    };
    let sealed = state.sealer.seal(ATTEMPT, flow)?;
    Ok((url, ATTEMPT.set(&sealed, same_site(&*offered.provider), state.is_secure())))
}

/// The attempt's cookie crosses sites only where the provider's page posts its answer.
pub(super) fn same_site(provider: &dyn Provider) -> SameSite {
    if provider.posts_back() { SameSite::None } else { SameSite::Lax }
}

impl SignInState {
    /// Returns true if the page is served over https.
    pub(super) fn is_secure(&self) -> bool {
        self.origin.scheme() == "https"
    }
}
