//! Profiles, one's own and others'.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_colour::photo::key_in;
use toneup_colour::result::PersonalColor;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::envelope::{Answer, Doubled, Failure, Nothing};
use super::images::portrait;
use crate::features::people::{
    PeopleState, Profile, ProfileChange, change_profile, find, find_by_number,
};
use crate::features::pictures::{PicturesState, order_profile_picture};
use crate::http::extract::{ApiJson, IdPath};
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// A profile as the app reads it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileData {
    /// The public number.
    user_id: u64,
    nickname: String,
    /// Null before the first analysis that succeeded.
    personal_color: Option<PersonalColor>,
    /// An address that stays.
    profile_image_url: String,
    bio: String,
    follower: u32,
    following: u32,
    /// The caller follows them.
    is_following: bool,
    /// They follow the caller.
    is_follower: bool,
    feed_count: u64,
    /// In one's own profile only.
    #[serde(skip_serializing_if = "Option::is_none")]
    diary_count: Option<u64>,
}

impl ProfileData {
    async fn new(people: &PeopleState, viewer: UserId, found: Profile) -> Result<Self, ApiError> {
        let counts = people.content.count(found.id).await?;
        Ok(Self {
            user_id: found.number,
            profile_image_url: image_url(people, &found),
            nickname: found.nickname,
            personal_color: found.colour,
            bio: found.bio,
            follower: found.followers,
            following: found.following,
            is_following: found.relation.is_following,
            is_follower: found.relation.is_follower,
            feed_count: counts.feeds,
            diary_count: (found.id == viewer).then_some(counts.diaries),
        })
    }
}

fn image_url(people: &PeopleState, profile: &Profile) -> String {
    portrait(&people.pictures, profile.picture.as_ref())
}

type ProfileAnswer = Answer<Doubled<ProfileData>>;

/// The caller's profile.
#[utoipa::path(
    get,
    path = "/api/profiles/me",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = ProfileAnswer), (status = "default", body = Failure))
)]
pub(super) async fn get_own_profile(
    State(people): State<PeopleState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<ProfileAnswer>, ApiError> {
    let profile = read_own(&people, user).await?;
    Ok(Answer::doubled("Ok", ProfileData::new(&people, user, profile).await?))
}

/// A user's profile, by the public number.
#[utoipa::path(
    get,
    path = "/api/profiles/{userId}",
    tag = "app",
    security(("bearer" = [])),
    params(("userId" = u64, Path)),
    responses((status = OK, body = ProfileAnswer), (status = "default", body = Failure))
)]
pub(super) async fn get_profile(
    State(people): State<PeopleState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<ProfileAnswer>, ApiError> {
    let finding =
        bounded(async { find_by_number(&mut *people.pool.acquire().await?, viewer, number).await });
    let profile = finding.await?.ok_or(ApiError::NotFound)?;
    Ok(Answer::doubled("Ok", ProfileData::new(&people, viewer, profile).await?))
}

/// What to change; what is absent or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeProfile {
    nickname: Option<String>,
    bio: Option<String>,
    /// `fileUrl` of an upload, or the present `profileImageUrl`.
    profile_image_url: Option<String>,
}

/// The picture to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeProfileImage {
    /// `fileUrl` of an upload, or the present `profileImageUrl`.
    profile_image_url: String,
}

/// Changes the caller's profile. A new picture appears once it has been checked.
#[utoipa::path(
    patch,
    path = "/api/profiles",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = Answer<Doubled<Nothing>>), (status = "default", body = Failure))
)]
pub(super) async fn change_own_profile(
    State(people): State<PeopleState>,
    State(pictures): State<PicturesState>,
    CurrentUser(user): CurrentUser,
    ApiJson(change): ApiJson<ChangeProfile>,
) -> Result<Json<Answer<Doubled<Nothing>>>, ApiError> {
    let ChangeProfile { nickname, bio, profile_image_url } = change;
    let key = match profile_image_url {
        Some(text) => new_picture(&people, user, &text).await?,
        None => None,
    };
    change_profile(&people, user, ProfileChange { nickname, bio }).await?;
    if let Some(key) = key {
        order_profile_picture(&pictures, user, &key).await?;
    }
    Ok(Answer::doubled("Ok", Nothing {}))
}

/// Changes the caller's picture, which appears once it has been checked.
#[utoipa::path(
    patch,
    path = "/api/profiles/image",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = Answer<Doubled<Nothing>>), (status = "default", body = Failure))
)]
pub(super) async fn change_own_image(
    State(people): State<PeopleState>,
    State(pictures): State<PicturesState>,
    CurrentUser(user): CurrentUser,
    ApiJson(ChangeProfileImage { profile_image_url }): ApiJson<ChangeProfileImage>,
) -> Result<Json<Answer<Doubled<Nothing>>>, ApiError> {
    if let Some(key) = new_picture(&people, user, &profile_image_url).await? {
        order_profile_picture(&pictures, user, &key).await?;
    }
    Ok(Answer::doubled("Ok", Nothing {}))
}

/// The key of the upload to make a picture of; `None` if the text is the present picture's address, which the app sends back
/// with the rest of a profile.
async fn new_picture(
    people: &PeopleState,
    user: UserId,
    text: &str,
) -> Result<Option<String>, ApiError> {
    if let Some(key) = key_in(user, text) {
        return Ok(Some(key.to_owned()));
    }
    let present = image_url(people, &read_own(people, user).await?);
    if text == present {
        return Ok(None);
    }
    let detail = "expected fileUrl of an upload of your own";
    Err(ApiError::invalid("profileImageUrl", detail))
}

async fn read_own(people: &PeopleState, user: UserId) -> Result<Profile, ApiError> {
    let found = bounded(async { find(&mut *people.pool.acquire().await?, user, user).await });
    found.await?.ok_or(ApiError::NotFound)
}
