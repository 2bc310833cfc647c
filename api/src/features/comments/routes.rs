//! HTTP endpoints of comments.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::delete::delete;
use super::list::{About, page};
use super::state::CommentsState;
use super::view::{CommentPage, CommentView};
use super::write::{change, create, get};
use crate::http::cursor::ListQuery;
use crate::http::extract::{ApiJson, ApiQuery, IdPath};
use crate::http::idempotency::RequestKey;
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of comments.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    CommentsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list_comments, create_comment))
        .routes(routes!(get_comment, change_comment, delete_comment))
        .routes(routes!(list_replies))
}

/// A comment to be written.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateComment {
    /// 1 to 1000 characters. `@nickname` mentions people: ten at most are told.
    text: String,
    /// The comment that it replies to, which is no reply itself.
    #[serde(default)]
    parent_id: Option<Uuid>,
}

/// The new text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeComment {
    /// 1 to 1000 characters.
    text: String,
}

/// Comments on a post. `Idempotency-Key` makes it safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/posts/{id}/comments",
    tag = "comments",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = CREATED, body = CommentView, headers(("Location" = String))),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json",
         description = "`validation_failed` or `idempotency_key_reused`"),
        Problem,
    )
)]
async fn create_comment(
    State(state): State<CommentsState>,
    CurrentUser(user): CurrentUser,
    IdPath(post): IdPath<Uuid>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<CreateComment>,
) -> Result<impl IntoResponse, ApiError> {
    let whole = serde_json::to_vec(&(post, &body)).map_err(anyhow::Error::from)?;
    let key = RequestKey::of(&headers, &whole)?;
    let CreateComment { text, parent_id } = body;
    let comment = create(&state, user, (post, parent_id), &text, key.as_ref()).await?;
    let location = [(header::LOCATION, format!("/v1/comments/{}", comment.id))];
    Ok((StatusCode::CREATED, location, Json(CommentView::new(comment, &state.pictures))))
}

/// Comments on a post that reply to none, in the order of writing.
#[utoipa::path(
    get,
    path = "/v1/posts/{id}/comments",
    tag = "comments",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ListQuery),
    responses((status = OK, body = CommentPage), Problem)
)]
async fn list_comments(
    State(state): State<CommentsState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(post): IdPath<Uuid>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<CommentPage>, ApiError> {
    page(&state, viewer, About::Post(post), &query).await.map(Json)
}

/// Replies to a comment, in the order of writing.
#[utoipa::path(
    get,
    path = "/v1/comments/{id}/replies",
    tag = "comments",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ListQuery),
    responses((status = OK, body = CommentPage), Problem)
)]
async fn list_replies(
    State(state): State<CommentsState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(id): IdPath<Uuid>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<CommentPage>, ApiError> {
    page(&state, viewer, About::Comment(id), &query).await.map(Json)
}

/// A comment.
#[utoipa::path(
    get,
    path = "/v1/comments/{id}",
    tag = "comments",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = CommentView), Problem)
)]
async fn get_comment(
    State(state): State<CommentsState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<CommentView>, ApiError> {
    Ok(Json(CommentView::new(get(&state, viewer, id).await?, &state.pictures)))
}

/// Changes a comment of the caller's.
#[utoipa::path(
    patch,
    path = "/v1/comments/{id}",
    tag = "comments",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = CommentView), Problem)
)]
async fn change_comment(
    State(state): State<CommentsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
    ApiJson(ChangeComment { text }): ApiJson<ChangeComment>,
) -> Result<Json<CommentView>, ApiError> {
    let comment = change(&state, user, id, &text).await?;
    Ok(Json(CommentView::new(comment, &state.pictures)))
}

/// Deletes a comment: the caller's, or one on a post of the caller's. Replies to it stay.
#[utoipa::path(
    delete,
    path = "/v1/comments/{id}",
    tag = "comments",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn delete_comment(
    State(state): State<CommentsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<StatusCode, ApiError> {
    delete(&state, user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
