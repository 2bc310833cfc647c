//! HTTP endpoints of posts.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use toneup_people::posts::Visibility;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::draft::DraftPicture;
use super::state::PostsState;
use super::view::PostView;
use super::write::{Draft, DraftChange, change, create, delete, get};
use super::{diary, feeds};
use crate::http::extract::{ApiJson, IdPath, present};
use crate::http::idempotency::RequestKey;
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of posts, feeds and the diary.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PostsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_post))
        .routes(routes!(get_post, change_post, delete_post))
        .merge(diary::routes())
        .merge(feeds::routes())
}

/// A post to be written.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreatePost {
    /// 1 to 1000 characters.
    text: String,
    /// 1 to 5 uploads.
    #[schema(min_items = 1, max_items = 5)]
    pictures: Vec<DraftPicture>,
}

/// What to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePost {
    /// 1 to 1000 characters.
    #[serde(default, deserialize_with = "present")]
    text: Option<String>,
    /// All pictures that the post shall have, in order: those that it has by `id`, new ones by `objectKey`.
    #[serde(default, deserialize_with = "present")]
    pictures: Option<Vec<DraftPicture>>,
}

/// Writes a post. It is shown once its pictures are ready, and to its author until then. `Idempotency-Key` makes it safe to
/// repeat.
#[utoipa::path(
    post,
    path = "/v1/posts",
    tag = "posts",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = CREATED, body = PostView, headers(("Location" = String))),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json",
         description = "`validation_failed` or `idempotency_key_reused`"),
        Problem,
    )
)]
async fn create_post(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    headers: HeaderMap,
    ApiJson(body): ApiJson<CreatePost>,
) -> Result<impl IntoResponse, ApiError> {
    let key = request_key(&headers, &body)?;
    let CreatePost { text, pictures } = body;
    let draft = Draft { title: None, text, pictures };
    let post = create(&state, user, &draft, key.as_ref()).await?;
    let location = [(header::LOCATION, format!("/v1/posts/{}", post.id))];
    Ok((StatusCode::CREATED, location, Json(PostView::new(post, &state.pictures))))
}

/// The key of a request whose body is `body`.
pub(super) fn request_key(
    headers: &HeaderMap,
    body: &impl Serialize,
) -> Result<Option<RequestKey>, ApiError> {
    let body = serde_json::to_vec(body).map_err(anyhow::Error::from)?;
    RequestKey::of(headers, &body)
}

/// A post.
#[utoipa::path(
    get,
    path = "/v1/posts/{id}",
    tag = "posts",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = PostView), Problem)
)]
async fn get_post(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<PostView>, ApiError> {
    let post = get(&state, viewer, Visibility::Public, id).await?;
    Ok(Json(PostView::new(post, &state.pictures)))
}

/// Changes a post of the caller's. With new pictures it is shown again once they are ready.
#[utoipa::path(
    patch,
    path = "/v1/posts/{id}",
    tag = "posts",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = PostView), Problem)
)]
async fn change_post(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
    ApiJson(ChangePost { text, pictures }): ApiJson<ChangePost>,
) -> Result<Json<PostView>, ApiError> {
    let draft = DraftChange { title: None, text, pictures };
    let post = change(&state, user, (Visibility::Public, id), draft).await?;
    Ok(Json(PostView::new(post, &state.pictures)))
}

/// Deletes a post of the caller's, with its pictures, likes and comments.
#[utoipa::path(
    delete,
    path = "/v1/posts/{id}",
    tag = "posts",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn delete_post(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<StatusCode, ApiError> {
    delete(&state, user, Visibility::Public, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
