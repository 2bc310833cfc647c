//! Export and deletion over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use toneup_platform::database::bounded;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::deletion::{self, DeletionView};
use super::export::document;
use super::state::PersonalDataState;
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::limits::Policy;
use crate::http::problem::{ApiError, Problem};

/// Exports that one user may ask for in a minute.
const EXPORTS: Policy = Policy::per_minute("export", 6);

/// The routes of personal data.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PersonalDataState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(delete_me))
        .routes(routes!(get_deletion))
        .routes(routes!(export_me))
}

/// Deletes the caller, guest or not, with all that is kept of them. The caller is signed out everywhere and exists for
/// nobody from now on; a job erases the rest. Safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/me",
    tag = "personal data",
    security(("bearer" = [])),
    responses((status = ACCEPTED, body = DeletionView, headers(("Location" = String))), Problem)
)]
async fn delete_me(
    State(state): State<PersonalDataState>,
    CurrentUser(user): CurrentUser,
) -> Result<impl IntoResponse, ApiError> {
    let deletion = deletion::request(&state.pool, user).await?.ok_or(ApiError::NotFound)?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, "/v1/me/deletion")], Json(deletion)))
}

/// How far the caller's deletion is. The access token that asked for it is good for this until it expires.
#[utoipa::path(
    get,
    path = "/v1/me/deletion",
    tag = "personal data",
    security(("bearer" = [])),
    responses((status = OK, body = DeletionView), Problem)
)]
async fn get_deletion(
    State(state): State<PersonalDataState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<DeletionView>, ApiError> {
    let found = bounded(async { deletion::find(&mut *state.pool.acquire().await?, user).await });
    found.await?.map(Json).ok_or(ApiError::NotFound)
}

/// All that is kept of the caller, as one JSON document of lists.
#[utoipa::path(
    get,
    path = "/v1/me/export",
    tag = "personal data",
    security(("bearer" = [])),
    responses((status = OK, content_type = "application/json", body = serde_json::Value), Problem)
)]
async fn export_me(
    State(state): State<PersonalDataState>,
    CurrentUser(user): CurrentUser,
) -> Result<impl IntoResponse, ApiError> {
    state.limiter.check(&EXPORTS, user.0).await?;
    let body = Body::from_stream(document(state.pool, Arc::clone(&state.exports), user));
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"toneup-export.json\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body))
}
