//! Sign-in and refresh, as the app does them.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use toneup_colour::personal_colours::has_colour;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::envelope::{Answer, Doubled, Failure};
use crate::features::accounts::{AccountsState, Device, Known, OpaqueToken, find_known};
use crate::features::sign_in::{Posted, SignInState, sign_in};
use crate::http::client_address::ClientAddress;
use crate::http::extract::ApiJson;
use crate::http::identity::{Authenticator, Caller};
use crate::http::problem::ApiError;

/// A provider's ID token. What the app leaves out is null to it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorize {
    /// In whatever case, e.g. `GOOGLE`.
    provider: Option<String>,
    /// The provider's ID token.
    token: Option<String>,
    /// The phone's FCM registration token.
    fcm_token: Option<String>,
}

/// The person who signed in, in both spellings of each flag.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "two flags, in two spellings each")]
pub(super) struct Authorized {
    /// In upper case.
    provider: String,
    nickname: String,
    /// The public number.
    user_id: u64,
    access_token: String,
    refresh_token: String,
    /// Whether the person has a colour.
    personal: bool,
    is_personal: bool,
    /// Always true.
    signed_up: bool,
    is_signed_up: bool,
}

/// The guest who sends the request, if it is one: whatever else the header says counts for nothing, as this route is open,
/// and the app without a token sends a word that is not even ASCII.
pub(super) struct MaybeCaller(Option<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeCaller
where
    Authenticator: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Authenticator::from_ref(state).caller(parts).ok()))
    }
}

/// Signs in with a provider's ID token. Sent twice, it is one session.
#[utoipa::path(
    post,
    path = "/api/app/authorization",
    tag = "app",
    responses((status = OK, body = Answer<Doubled<Authorized>>), (status = "default", body = Failure))
)]
pub(super) async fn authorize(
    state: State<SignInState>,
    accounts: State<AccountsState>,
    address: ClientAddress,
    caller: MaybeCaller,
    device: Device,
    body: ApiJson<Authorize>,
) -> Result<Json<Answer<Doubled<Authorized>>>, ApiError> {
    authorize_at_any_path(state, accounts, address, caller, device, body).await
}

/// The same, at the path of earlier releases of the app.
#[utoipa::path(
    post,
    path = "/api/oauth2/authorization",
    tag = "app",
    responses((status = OK, body = Answer<Doubled<Authorized>>), (status = "default", body = Failure))
)]
pub(super) async fn authorize_formerly(
    state: State<SignInState>,
    accounts: State<AccountsState>,
    address: ClientAddress,
    caller: MaybeCaller,
    device: Device,
    body: ApiJson<Authorize>,
) -> Result<Json<Answer<Doubled<Authorized>>>, ApiError> {
    authorize_at_any_path(state, accounts, address, caller, device, body).await
}

async fn authorize_at_any_path(
    State(state): State<SignInState>,
    State(accounts): State<AccountsState>,
    address: ClientAddress,
    MaybeCaller(before): MaybeCaller,
    Device(device): Device,
    ApiJson(Authorize { provider, token, fcm_token }): ApiJson<Authorize>,
) -> Result<Json<Answer<Doubled<Authorized>>>, ApiError> {
    state.check_rate(address).await?;
    let missing = |field| ApiError::invalid(field, "expected a text");
    let posted = Posted {
        provider: provider.as_deref().ok_or_else(|| missing("provider"))?,
        token: token.as_deref().ok_or_else(|| missing("token"))?,
        nonce: None,
        fcm_token: fcm_token.as_deref(),
        device: &device,
        before,
    };
    let signed_in = sign_in(&state, posted).await?;
    let user = UserId(signed_in.session.user_id);
    let describing = bounded(async {
        let mut connection = accounts.connection().await?;
        let known = find_known(&mut connection, user).await?;
        Ok::<_, ApiError>((known, has_colour(&mut connection, user).await?))
    });
    let (known, personal) = describing.await?;
    let Known { number, nickname } = known.ok_or(ApiError::NotFound)?;
    let authorized = Authorized {
        provider: signed_in.provider.to_uppercase(),
        nickname,
        user_id: number,
        access_token: signed_in.session.access_token,
        refresh_token: signed_in.session.refresh_token,
        personal,
        is_personal: personal,
        signed_up: true,
        is_signed_up: true,
    };
    Ok(Answer::doubled("Ok", authorized))
}

/// A refresh token. The app sends more, which is not read.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refresh {
    refresh_token: Option<String>,
}

/// A new pair of tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokensView {
    access_token: String,
    refresh_token: String,
}

/// Exchanges a refresh token for a new pair. Sent twice, it is one exchange.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    tag = "app",
    responses((status = OK, body = Answer<TokensView>), (status = "default", body = Failure))
)]
pub(super) async fn refresh_tokens(
    State(accounts): State<AccountsState>,
    ApiJson(Refresh { refresh_token }): ApiJson<Refresh>,
) -> Result<Json<Answer<TokensView>>, ApiError> {
    let missing = || ApiError::invalid("refreshToken", "expected a text");
    let token = OpaqueToken(refresh_token.ok_or_else(missing)?);
    let view = accounts.refresh(&token).await?;
    let tokens = TokensView { access_token: view.access_token, refresh_token: view.refresh_token };
    Ok(Answer::new(0, tokens))
}
