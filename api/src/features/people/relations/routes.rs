//! Following, blocking and muting over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, Followed, Pair};
use crate::features::people::problems::user_blocked;
use crate::features::people::profile;
use crate::features::people::restriction::RestrictionKind;
use crate::features::people::state::PeopleState;
use crate::features::people::summary::{Follows, PeoplePage, list_follows, list_restricted};
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::page::PageQuery;
use crate::http::problem::{ApiError, Problem};

pub(in crate::features::people) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PeopleState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(follow_user, unfollow_user))
        .routes(routes!(block_user, unblock_user))
        .routes(routes!(mute_user, unmute_user))
        .routes(routes!(list_followers))
        .routes(routes!(list_following))
        .routes(routes!(list_blocks))
        .routes(routes!(list_mutes))
}

fn pair(user: UserId, other: UserId) -> Result<Pair, ApiError> {
    if user == other {
        return Err(ApiError::invalid("id", "expected another user's id"));
    }
    Ok(Pair { user, other })
}

/// Follows a user; safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/users/{id}/follow",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`user_blocked`: the caller blocks this user."),
        Problem,
    )
)]
async fn follow_user(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    IdPath(other): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    state.count_follow(user).await?;
    match store::follow(&state, pair(user, other)?).await? {
        Followed::Done { .. } => Ok(StatusCode::NO_CONTENT),
        Followed::Missing => Err(ApiError::NotFound),
        Followed::Blocked => Err(user_blocked()),
    }
}

/// Follows a user no longer; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}/follow",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn unfollow_user(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    IdPath(other): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    store::unfollow(&state.pool, pair(user, other)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Blocks a user: neither follows the other any more, and the caller does not exist for them. Safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/users/{id}/block",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn block_user(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    IdPath(other): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    restrict(&state, user, other, RestrictionKind::Block).await
}

/// Blocks a user no longer; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}/block",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn unblock_user(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    IdPath(other): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    lift(&state, user, other, RestrictionKind::Block).await
}

/// Mutes a user, who does not learn of it: the caller is shown nothing that they post. Safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/users/{id}/mute",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn mute_user(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    IdPath(other): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    restrict(&state, user, other, RestrictionKind::Mute).await
}

/// Mutes a user no longer; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}/mute",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn unmute_user(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    IdPath(other): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    lift(&state, user, other, RestrictionKind::Mute).await
}

async fn restrict(
    state: &PeopleState,
    user: UserId,
    other: UserId,
    kind: RestrictionKind,
) -> Result<StatusCode, ApiError> {
    let found = store::restrict(&state.pool, pair(user, other)?, kind).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

async fn lift(
    state: &PeopleState,
    user: UserId,
    other: UserId,
    kind: RestrictionKind,
) -> Result<StatusCode, ApiError> {
    store::lift(&state.pool, pair(user, other)?, kind).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who follows a user, the latest first.
#[utoipa::path(
    get,
    path = "/v1/users/{id}/followers",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses((status = OK, body = PeoplePage), Problem)
)]
async fn list_followers(
    State(state): State<PeopleState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(user): IdPath<UserId>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<PeoplePage>, ApiError> {
    follows_page(&state, viewer, (Follows::Followers, user), page).await
}

/// Whom a user follows, the latest first.
#[utoipa::path(
    get,
    path = "/v1/users/{id}/following",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses((status = OK, body = PeoplePage), Problem)
)]
async fn list_following(
    State(state): State<PeopleState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(user): IdPath<UserId>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<PeoplePage>, ApiError> {
    follows_page(&state, viewer, (Follows::Following, user), page).await
}

async fn follows_page(
    state: &PeopleState,
    viewer: UserId,
    (which, user): (Follows, UserId),
    page: PageQuery,
) -> Result<Json<PeoplePage>, ApiError> {
    let page = page.check()?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        if profile::find(&mut connection, viewer, user).await?.is_none() {
            return Ok(None);
        }
        let of = (which, user);
        list_follows(&mut connection, viewer, of, page.before, page.reach()).await.map(Some)
    });
    let reading: Result<_, sqlx::Error> = reading.await;
    let mut found = reading?.ok_or(ApiError::NotFound)?;
    let next = page.cut(&mut found, |one| one.place);
    Ok(Json(PeoplePage::new(found, next, &state.pictures)))
}

/// Whom the caller blocks, the latest first.
#[utoipa::path(
    get,
    path = "/v1/me/blocks",
    tag = "people",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = OK, body = PeoplePage), Problem)
)]
async fn list_blocks(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<PeoplePage>, ApiError> {
    restricted_page(&state, user, RestrictionKind::Block, page).await
}

/// Whom the caller mutes, the latest first.
#[utoipa::path(
    get,
    path = "/v1/me/mutes",
    tag = "people",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = OK, body = PeoplePage), Problem)
)]
async fn list_mutes(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<PeoplePage>, ApiError> {
    restricted_page(&state, user, RestrictionKind::Mute, page).await
}

async fn restricted_page(
    state: &PeopleState,
    user: UserId,
    kind: RestrictionKind,
    page: PageQuery,
) -> Result<Json<PeoplePage>, ApiError> {
    let page = page.check()?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        list_restricted(&mut connection, user, kind, page.before, page.reach()).await
    });
    let mut found = reading.await?;
    let next = page.cut(&mut found, |one| one.place);
    Ok(Json(PeoplePage::new(found, next, &state.pictures)))
}
