//! HTTP endpoints of profiles.

use axum::Json;
use axum::extract::{FromRef, State};
use serde::Deserialize;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::change::{ProfileChange, change_profile};
use super::nickname;
use super::profile::{Profile, find};
use super::relations;
use super::state::PeopleState;
use super::summary::{PeoplePage, search};
use super::view::ProfileView;
use crate::http::extract::{ApiJson, ApiQuery, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of people.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PeopleState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(get_me, change_me))
        .routes(routes!(get_user))
        .routes(routes!(find_users))
        .merge(relations::routes())
}

/// What to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeMe {
    /// 2 to 20 letters or digits of any script; unique without regard to case and Unicode form.
    nickname: Option<String>,
    /// At most 100 characters.
    bio: Option<String>,
}

/// Query parameters of the search for users.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FindUsers {
    /// How their nicknames begin.
    nickname: String,
    /// Entries a page, 1 to 100.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: u32,
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: String,
}

fn default_limit() -> u32 {
    20
}

/// The caller's profile.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "people",
    security(("bearer" = [])),
    responses((status = OK, body = ProfileView), Problem)
)]
async fn get_me(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<ProfileView>, ApiError> {
    let profile = read(&state, user, user).await?;
    Ok(Json(ProfileView::own(profile, &state.pictures)))
}

/// Changes the caller's profile.
#[utoipa::path(
    patch,
    path = "/v1/me",
    tag = "people",
    security(("bearer" = [])),
    responses(
        (status = OK, body = ProfileView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`nickname_taken`"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json",
         description = "`nickname_invalid` or `validation_failed`"),
        Problem,
    )
)]
async fn change_me(
    State(state): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    ApiJson(ChangeMe { nickname, bio }): ApiJson<ChangeMe>,
) -> Result<Json<ProfileView>, ApiError> {
    change_profile(&state, user, ProfileChange { nickname, bio }).await?;
    let profile = read(&state, user, user).await?;
    Ok(Json(ProfileView::own(profile, &state.pictures)))
}

/// A user's profile. Users who block the caller are not found.
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
    tag = "people",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = ProfileView), Problem)
)]
async fn get_user(
    State(state): State<PeopleState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(user): IdPath<UserId>,
) -> Result<Json<ProfileView>, ApiError> {
    let profile = read(&state, viewer, user).await?;
    let view = if viewer == user { ProfileView::own } else { ProfileView::of_another };
    Ok(Json(view(profile, &state.pictures)))
}

/// Finds users by the beginning of their nicknames, without regard to case and Unicode form, in the order of the nicknames.
#[utoipa::path(
    get,
    path = "/v1/users",
    tag = "people",
    security(("bearer" = [])),
    params(FindUsers),
    responses((status = OK, body = PeoplePage), Problem)
)]
async fn find_users(
    State(state): State<PeopleState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(query): ApiQuery<FindUsers>,
) -> Result<Json<PeoplePage>, ApiError> {
    if !(1..=100).contains(&query.limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 100"));
    }
    let prefix = nickname::prefix_key(&query.nickname).ok_or_else(|| {
        ApiError::invalid("nickname", "expected 1 to 20 letters or digits of any script")
    })?;
    Ok(Json(list_found(&state, viewer, &prefix, &query.cursor, query.limit).await?))
}

/// Finds people by how their nicknames begin; nobody where none can begin so.
pub(crate) async fn find_people(
    state: &PeopleState,
    viewer: UserId,
    text: &str,
    cursor: &str,
    limit: u32,
) -> Result<PeoplePage, ApiError> {
    match nickname::prefix_key(text) {
        Some(prefix) => list_found(state, viewer, &prefix, cursor, limit).await,
        None => Ok(PeoplePage::new(Vec::new(), None, &state.pictures)),
    }
}

async fn list_found(
    state: &PeopleState,
    viewer: UserId,
    prefix: &str,
    cursor: &str,
    limit: u32,
) -> Result<PeoplePage, ApiError> {
    if cursor.chars().count() > nickname::KEY_LENGTH {
        return Err(ApiError::invalid("cursor", "expected nextCursor of a page"));
    }
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        search(&mut connection, viewer, prefix, cursor, limit + 1).await
    });
    let mut found = reading.await?;
    let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(|last| last.nickname_key.clone());
    Ok(PeoplePage::new(found, next, &state.pictures))
}

async fn read(state: &PeopleState, viewer: UserId, user: UserId) -> Result<Profile, ApiError> {
    let found = bounded(async { find(&mut *state.pool.acquire().await?, viewer, user).await });
    found.await?.ok_or(ApiError::NotFound)
}
