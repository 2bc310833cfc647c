//! Signing in over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::posted::{CreateSession, Posted, SignedInView, sign_in};
use super::state::SignInState;
use super::{browser, identity_routes};
use crate::features::accounts::Device;
use crate::http::client_address::{ClientAddress, TrustedProxies};
use crate::http::extract::ApiJson;
use crate::http::identity::{Authenticator, OptionalSession};
use crate::http::problem::{ApiError, Problem};

/// The routes of signing in.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    SignInState: FromRef<S>,
    Authenticator: FromRef<S>,
    TrustedProxies: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_session))
        .routes(routes!(browser::list_providers))
        .routes(routes!(browser::fetch_session))
        .routes(routes!(browser::go_to_provider, browser::start_sign_in))
        .routes(routes!(browser::receive_redirect, browser::receive_form))
        .routes(routes!(identity_routes::list_identities, identity_routes::link_identity))
        .routes(routes!(identity_routes::unlink_identity))
}

/// Begins a session with a provider's ID token. A guest who sends a bearer token keeps analyses and history: the guest's
/// user becomes the account, or the analyses move to the account that there is. Repeated, it answers the same session until
/// that is refreshed.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    tag = "sign-in",
    security((), ("bearer" = [])),
    request_body = CreateSession,
    responses(
        (status = CREATED, body = SignedInView),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json",
         description = "`credential_invalid`: the ID token; `unauthenticated`: the bearer token."),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json",
         description = "`provider_unavailable`: its keys cannot be had."),
        Problem,
    )
)]
async fn create_session(
    State(state): State<SignInState>,
    address: ClientAddress,
    OptionalSession(before): OptionalSession,
    device: Device,
    ApiJson(wanted): ApiJson<CreateSession>,
) -> Result<(StatusCode, Json<SignedInView>), ApiError> {
    state.check_rate(address).await?;
    let posted = Posted {
        provider: &wanted.provider,
        token: &wanted.id_token,
        nonce: wanted.nonce.as_deref(),
        fcm_token: wanted.fcm_token.as_deref(),
        device: &device.or(wanted.device.as_deref()),
        before,
    };
    Ok((StatusCode::CREATED, Json(sign_in(&state, posted).await?)))
}
