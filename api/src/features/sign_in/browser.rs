//! The code flow for browsers: to the provider's page and back, and the session that the page then fetches.

use std::collections::HashMap;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use toneup_platform::database::bounded;
use url::form_urlencoded;
use utoipa::ToSchema;

use super::cookie::{ATTEMPT, SESSION, SameSite};
use super::enter::{Entrance, enter, link};
use super::grants;
use super::problems::CREDENTIAL_INVALID;
use super::provider::{Callback, Profile, Redeemed, Refusal};
use super::start::{Beginning, Flow, begin, same_site};
use super::state::SignInState;
use crate::features::accounts::{Device, OpaqueToken, SessionView};
use crate::http::client_address::ClientAddress;
use crate::http::extract::{ApiJson, ApiQuery, IdPath, unreadable};
use crate::http::identity::OptionalSession;
use crate::http::problem::{ApiError, Problem};

/// Largest answer of a provider that comes as a form, in bytes.
const FORM_LIMIT_BYTES: usize = 32 * 1024;

/// A provider that is offered.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderView {
    /// In paths, and in `POST /v1/sessions`.
    name: String,
    /// For people.
    title: String,
}

/// The providers that are offered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderList {
    items: Vec<ProviderView>,
}

/// The providers with whose accounts one can sign in. Open.
#[utoipa::path(
    get,
    path = "/v1/sign-in/providers",
    tag = "sign-in",
    responses((status = OK, body = ProviderList))
)]
pub(super) async fn list_providers(State(state): State<SignInState>) -> Json<ProviderList> {
    let view = |(name, offered): (&String, &super::state::Offered)| ProviderView {
        name: name.clone(),
        title: offered.title.clone(),
    };
    Json(ProviderList { items: state.providers.iter().map(view).collect() })
}

/// Query parameter for the page to return to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReturnTo {
    return_to: Option<String>,
}

/// Sends the browser to the provider's page. It returns to `returnTo` with `#signed-in`, and the page then fetches its
/// session (`POST /v1/sign-in/session`); or with `#sign-in-failed=` and a reason. Open.
#[utoipa::path(
    get,
    path = "/v1/sign-in/{provider}",
    tag = "sign-in",
    params(
        ("provider" = String, Path),
        ("returnTo" = Option<String>, Query, description = "A path of this site; `/` if not given."),
    ),
    responses((status = SEE_OTHER), Problem)
)]
pub(super) async fn go_to_provider(
    State(state): State<SignInState>,
    address: ClientAddress,
    IdPath(provider): IdPath<String>,
    ApiQuery(ReturnTo { return_to }): ApiQuery<ReturnTo>,
) -> Result<Response, ApiError> {
    state.check_rate(address).await?;
    let beginning = Beginning { return_to, ..Beginning::default() };
    let (url, cookie) = begin(&state, &provider, beginning).await?;
    Ok(see_other(url.as_str(), [cookie]))
}

/// How the attempt begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StartSignIn {
    /// A path of this site; `/` if not given.
    return_to: Option<String>,
    /// Whether to add the identity to the caller's account, instead of signing in.
    #[serde(default)]
    link: bool,
}

/// The provider's page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StartedView {
    /// Where the page sends the browser.
    url: String,
}

/// Begins to sign in for a page that has a session: a guest keeps analyses and history. With `link`, adds the identity to
/// the caller's account. The answer sets the cookie that binds the attempt to this browser.
#[utoipa::path(
    post,
    path = "/v1/sign-in/{provider}",
    tag = "sign-in",
    security((), ("bearer" = [])),
    params(("provider" = String, Path)),
    responses((status = OK, body = StartedView), Problem)
)]
pub(super) async fn start_sign_in(
    State(state): State<SignInState>,
    address: ClientAddress,
    OptionalSession(before): OptionalSession,
    IdPath(provider): IdPath<String>,
    ApiJson(StartSignIn { return_to, link }): ApiJson<StartSignIn>,
) -> Result<Response, ApiError> {
    state.check_rate(address).await?;
    if link && before.is_none() {
        return Err(ApiError::Unauthenticated("linking needs a session: send Authorization"));
    }
    let (url, cookie) = begin(&state, &provider, Beginning { return_to, before, link }).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(StartedView { url: url.into() })).into_response())
}

/// Where the provider sends the browser back to, with a code.
#[utoipa::path(
    get,
    path = "/v1/sign-in/{provider}/callback",
    tag = "sign-in",
    params(("provider" = String, Path)),
    responses((status = SEE_OTHER), Problem)
)]
pub(super) async fn receive_redirect(
    State(state): State<SignInState>,
    address: ClientAddress,
    device: Device,
    IdPath(provider): IdPath<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    state.check_rate(address).await?;
    let callback = parse_callback(query.unwrap_or_default().as_bytes());
    Ok(finish(&state, &provider, &headers, callback, device).await)
}

/// Where a provider that posts its answer does so.
#[utoipa::path(
    post,
    path = "/v1/sign-in/{provider}/callback",
    tag = "sign-in",
    params(("provider" = String, Path)),
    responses((status = SEE_OTHER), Problem)
)]
pub(super) async fn receive_form(
    State(state): State<SignInState>,
    address: ClientAddress,
    device: Device,
    IdPath(provider): IdPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    state.check_rate(address).await?;
    let form = to_bytes(body, FORM_LIMIT_BYTES).await.map_err(unreadable)?;
    Ok(finish(&state, &provider, &headers, parse_callback(&form), device).await)
}

/// Fetches the session that the callback began. Repeated, it answers the same, as a refresh does.
#[utoipa::path(
    post,
    path = "/v1/sign-in/session",
    tag = "sign-in",
    responses((status = OK, body = SessionView), Problem)
)]
pub(super) async fn fetch_session(
    State(state): State<SignInState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token: Option<String> = state.sealer.open(SESSION, &headers);
    let token = token.ok_or_else(|| {
        CREDENTIAL_INVALID.raise("this browser has not signed in, or some minutes ago")
    })?;
    let view = state.accounts.refresh(&OpaqueToken(token)).await?;
    let gone = SESSION.remove(SameSite::Strict, state.is_secure());
    Ok(([(header::SET_COOKIE, gone)], Json(view)).into_response())
}

/// Reads the parameters; `None` if one is there twice (RFC 6749 §3.1).
fn parse_callback(encoded: &[u8]) -> Option<Callback> {
    let mut seen: HashMap<String, String> = HashMap::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        if seen.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    let mut take = |name: &str| seen.remove(name);
    Some(Callback {
        code: take("code"),
        state: take("state"),
        error: take("error"),
        iss: take("iss"),
        user: take("user"),
    })
}

/// Reason for which the browser returns without a session; the page has a text for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The attempt is not this browser's, or took too long.
    Expired,
    /// The person did not want to.
    Cancelled,
    /// The provider's word does not count.
    Refused,
    /// The provider, or we, cannot do it now.
    Unavailable,
    /// The identity belongs to another account.
    Taken,
}

impl Failure {
    fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Taken => "taken",
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let unavailable = matches!(refusal, Refusal::Unavailable(_));
        // Logs it.
        drop(ApiError::from(refusal));
        if unavailable { Self::Unavailable } else { Self::Refused }
    }
}

/// Ends the attempt. Whatever happens, the browser returns to our page, and the attempt is over.
async fn finish(
    state: &SignInState,
    provider: &str,
    headers: &HeaderMap,
    callback: Option<Callback>,
    device: Device,
) -> Response {
    let flow: Option<Flow> = state.sealer.open(ATTEMPT, headers);
    let flow = flow.filter(|flow| flow.provider == provider);
    let return_to = flow.as_ref().map_or("/", |flow| flow.return_to.as_str()).to_owned();
    let outcome = match (flow, callback) {
        (None, _) => Err(Failure::Expired),
        (_, None) => Err(Failure::Refused),
        (Some(flow), Some(callback)) => complete(state, &flow, &callback, device).await,
    };
    let (fragment, session) = match outcome {
        Ok(Some(session)) => ("signed-in".to_owned(), Some(session)),
        Ok(None) => ("linked".to_owned(), None),
        Err(failure) => (format!("sign-in-failed={}", failure.as_str()), None),
    };
    let posts_back = state.offered(provider).map(|(_, offered)| same_site(&*offered.provider));
    let over = ATTEMPT.remove(posts_back.unwrap_or(SameSite::Lax), state.is_secure());
    see_other(&format!("{return_to}#{fragment}"), [over].into_iter().chain(session))
}

/// Signs in or links; returns the cookie by which the page fetches its session, if there is one.
async fn complete(
    state: &SignInState,
    flow: &Flow,
    callback: &Callback,
    Device(device): Device,
) -> Result<Option<HeaderValue>, Failure> {
    if callback.state.as_ref() != Some(&flow.attempt.state) {
        return Err(Failure::Expired);
    }
    match callback.error.as_deref() {
        None => {}
        // The second is Apple's.
        Some("access_denied" | "user_cancelled_authorize") => return Err(Failure::Cancelled),
        Some(_) => return Err(Failure::Refused),
    }
    let (name, offered) = state.offered(&flow.provider).map_err(|_| Failure::Refused)?;
    let Redeemed { profile, grant } = offered.provider.redeem(callback, &flow.attempt).await?;
    let failed = |error: ApiError| {
        let taken = error.kind().code == super::problems::IDENTITY_TAKEN.code;
        tracing::warn!(%error, "cannot end an attempt to sign in");
        if taken { Failure::Taken } else { Failure::Unavailable }
    };
    if flow.link {
        let caller = flow.before().ok_or(Failure::Expired)?;
        link(state, caller, name, &profile).await.map_err(failed)?;
        keep_grant(state, name, &profile, grant.as_ref()).await;
        return Ok(None);
    }
    let entrance = Entrance {
        provider: name,
        profile: &profile,
        before: flow.before(),
        device: &device,
        repeated: None,
        ttl: SESSION.ttl(),
    };
    let OpaqueToken(token) = enter(state, &entrance).await.map_err(failed)?.token;
    keep_grant(state, name, &profile, grant.as_ref()).await;
    let sealed = state.sealer.seal(SESSION, &token).map_err(|error| failed(error.into()))?;
    Ok(Some(SESSION.set(&sealed, SameSite::Strict, state.is_secure())))
}

/// Keeps what takes the consent back. Whoever signs in does not fail with it: the next time brings another.
async fn keep_grant(
    state: &SignInState,
    provider: &str,
    profile: &Profile,
    grant: Option<&SecretString>,
) {
    let Some(grant) = grant else { return };
    let keeping = bounded(async {
        let mut conn = state.pool.acquire().await?;
        grants::keep(&mut conn, &state.vault, provider, &profile.subject, grant).await
    });
    if let Err(error) = keeping.await {
        tracing::warn!(provider, error = format!("{error:#}"), "cannot keep a grant");
    }
}

fn see_other(to: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(to) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The provider's page need not know where the person came from, nor we tell the next one.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}
