//! Following, as a toggle.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_platform::database::bounded;
use utoipa::ToSchema;

use super::envelope::{Answer, Doubled, Failure};
use crate::features::people::{Followed, PeopleState, find_by_number, toggle_follow, user_blocked};
use crate::http::extract::ApiJson;
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// Whom to follow, or to follow no longer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToggleFollow {
    /// The public number.
    target_user_id: u64,
}

/// What is between the two after the call.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FollowData {
    /// They follow the caller.
    is_follower: bool,
    /// The caller follows them.
    is_following: bool,
}

/// Follows a user if that is not so, and no longer if it is.
#[utoipa::path(
    post,
    path = "/api/friends",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = Answer<Doubled<FollowData>>), (status = "default", body = Failure))
)]
pub(super) async fn toggle_friend(
    State(people): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    ApiJson(ToggleFollow { target_user_id }): ApiJson<ToggleFollow>,
) -> Result<Json<Answer<Doubled<FollowData>>>, ApiError> {
    let finding = bounded(async {
        find_by_number(&mut *people.pool.acquire().await?, user, target_user_id).await
    });
    let other = finding.await?.ok_or(ApiError::NotFound)?.id;
    if other == user {
        return Err(ApiError::invalid("targetUserId", "expected another user's number"));
    }
    people.count_follow(user).await?;
    match toggle_follow(&people, user, other).await? {
        Followed::Done { is_following, is_follower } => {
            Ok(Answer::doubled("ok", FollowData { is_follower, is_following }))
        }
        Followed::Missing => Err(ApiError::NotFound),
        Followed::Blocked => Err(user_blocked()),
    }
}
