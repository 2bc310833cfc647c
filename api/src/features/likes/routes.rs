//! HTTP endpoints of likes.

use axum::Json;
use axum::extract::{FromRef, State};
use serde::Serialize;
use toneup_people::likes::{TargetKind, TargetName, Wish};
use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::give::give;
use super::state::LikesState;
use crate::features::people::{PeoplePage, list_likers};
use crate::features::{comments, posts};
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::page::PageQuery;
use crate::http::problem::{ApiError, Problem};

/// The routes of likes.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    LikesState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(like_post, unlike_post))
        .routes(routes!(list_likes_of_post))
        .routes(routes!(like_comment, unlike_comment))
        .routes(routes!(list_likes_of_comment))
        .routes(routes!(like_product, unlike_product))
}

/// How it is now.
#[derive(Debug, Serialize, ToSchema)]
struct LikeView {
    /// The caller likes it.
    liked: bool,
    /// How many like it.
    likes: u32,
}

/// Likes a post; safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/posts/{id}/like",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = LikeView), Problem)
)]
async fn like_post(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = give(&state, user, TargetName::Post(id), Wish::Like).await?;
    Ok(Json(LikeView { liked: liked.liked, likes: liked.likes }))
}

/// Likes a post no longer; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/posts/{id}/like",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = LikeView), Problem)
)]
async fn unlike_post(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = give(&state, user, TargetName::Post(id), Wish::Unlike).await?;
    Ok(Json(LikeView { liked: liked.liked, likes: liked.likes }))
}

/// Who likes a post, in no particular order that stays.
#[utoipa::path(
    get,
    path = "/v1/posts/{id}/likes",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), PageQuery),
    responses((status = OK, body = PeoplePage), Problem)
)]
async fn list_likes_of_post(
    State(state): State<LikesState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(id): IdPath<Uuid>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<PeoplePage>, ApiError> {
    let page = page.check()?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        let public = Visibility::Public;
        let Some(post) = posts::find(&mut connection, viewer, public, id).await? else {
            return Ok::<_, sqlx::Error>(None);
        };
        let of = (TargetKind::Post.as_str(), post.number);
        list_likers(&mut connection, viewer, of, page.before, page.reach()).await.map(Some)
    });
    let mut found = reading.await?.ok_or(ApiError::NotFound)?;
    let next = page.cut(&mut found, |one| one.place);
    Ok(Json(PeoplePage::new(found, next, &state.pictures)))
}

/// Likes a comment; safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/comments/{id}/like",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = LikeView), Problem)
)]
async fn like_comment(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = give(&state, user, TargetName::Comment(id), Wish::Like).await?;
    Ok(Json(LikeView { liked: liked.liked, likes: liked.likes }))
}

/// Likes a comment no longer; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/comments/{id}/like",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = LikeView), Problem)
)]
async fn unlike_comment(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = give(&state, user, TargetName::Comment(id), Wish::Unlike).await?;
    Ok(Json(LikeView { liked: liked.liked, likes: liked.likes }))
}

/// Who likes a comment, in no particular order that stays.
#[utoipa::path(
    get,
    path = "/v1/comments/{id}/likes",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), PageQuery),
    responses((status = OK, body = PeoplePage), Problem)
)]
async fn list_likes_of_comment(
    State(state): State<LikesState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(id): IdPath<Uuid>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<PeoplePage>, ApiError> {
    let page = page.check()?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        let Some(comment) = comments::find(&mut connection, viewer, id).await? else {
            return Ok::<_, sqlx::Error>(None);
        };
        let of = (TargetKind::Comment.as_str(), comment.number);
        list_likers(&mut connection, viewer, of, page.before, page.reach()).await.map(Some)
    });
    let mut found = reading.await?.ok_or(ApiError::NotFound)?;
    let next = page.cut(&mut found, |one| one.place);
    Ok(Json(PeoplePage::new(found, next, &state.pictures)))
}

/// Likes a product; safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/products/{id}/like",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = u64, Path)),
    responses((status = OK, body = LikeView), Problem)
)]
async fn like_product(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = give(&state, user, TargetName::Product(number), Wish::Like).await?;
    Ok(Json(LikeView { liked: liked.liked, likes: liked.likes }))
}

/// Likes a product no longer; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/products/{id}/like",
    tag = "likes",
    security(("bearer" = [])),
    params(("id" = u64, Path)),
    responses((status = OK, body = LikeView), Problem)
)]
async fn unlike_product(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<LikeView>, ApiError> {
    let liked = give(&state, user, TargetName::Product(number), Wish::Unlike).await?;
    Ok(Json(LikeView { liked: liked.liked, likes: liked.likes }))
}
