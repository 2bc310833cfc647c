//! HTTP endpoints of pictures.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use toneup_jobs::job::JobId;
use toneup_people::pictures::find_owned;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::profile::{order_profile_picture, withdraw};
use super::serve;
use super::state::PicturesState;
use super::view::{PictureView, ReadyPicture};
use crate::http::extract::{ApiJson, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of pictures.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PicturesState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(set_my_picture, delete_my_picture))
        .routes(routes!(get_picture_state))
        .routes(routes!(serve::get_default_picture))
        .routes(routes!(serve::get_picture))
}

/// The upload to make a picture of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetPicture {
    /// `objectKey` of `POST /v1/uploads`; a JPEG, PNG or WebP of at most 25 million pixels.
    object_key: String,
}

/// How far a picture is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PictureStateView {
    id: Uuid,
    /// `pending`, `ready`, `refused` or `deleted`.
    state: String,
    /// Where it is, once it is ready.
    picture: Option<PictureView>,
    /// Why it was refused, e.g. `UNSUPPORTED_FORMAT`.
    error_code: Option<String>,
}

/// Has a picture made of an upload; it appears on the caller's profile once it is ready, and replaces the one there.
#[utoipa::path(
    put,
    path = "/v1/me/picture",
    tag = "pictures",
    security(("bearer" = [])),
    responses(
        (status = ACCEPTED, body = PictureStateView, headers(("Location" = String))),
        Problem,
    )
)]
async fn set_my_picture(
    State(state): State<PicturesState>,
    CurrentUser(user): CurrentUser,
    ApiJson(SetPicture { object_key }): ApiJson<SetPicture>,
) -> Result<impl IntoResponse, ApiError> {
    let id = order_profile_picture(&state, user, &object_key).await?;
    let location = [(header::LOCATION, format!("/v1/pictures/{}", id.0))];
    Ok((StatusCode::ACCEPTED, location, Json(read(&state, user, id).await?)))
}

/// Takes the picture off the caller's profile; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/me/picture",
    tag = "pictures",
    security(("bearer" = [])),
    responses((status = NO_CONTENT), Problem)
)]
async fn delete_my_picture(
    State(state): State<PicturesState>,
    CurrentUser(user): CurrentUser,
) -> Result<StatusCode, ApiError> {
    withdraw(&state, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How far a picture of the caller's is.
#[utoipa::path(
    get,
    path = "/v1/pictures/{id}",
    tag = "pictures",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = PictureStateView), Problem)
)]
async fn get_picture_state(
    State(state): State<PicturesState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<PictureStateView>, ApiError> {
    read(&state, user, JobId(id)).await.map(Json)
}

async fn read(
    state: &PicturesState,
    user: UserId,
    id: JobId,
) -> Result<PictureStateView, ApiError> {
    let found = bounded(async { find_owned(&mut *state.pool.acquire().await?, user, id).await });
    let picture = found.await?.ok_or(ApiError::NotFound)?;
    let ready = ReadyPicture::new(user, Some(id.0), picture.thumb_hash);
    let ready = ready.filter(|_| picture.state == "ready");
    Ok(PictureStateView {
        id: id.0,
        picture: ready.map(|ready| state.urls.view(&ready)),
        state: picture.state,
        error_code: picture.error_code,
    })
}
