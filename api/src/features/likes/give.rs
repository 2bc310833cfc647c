//! Liking, by any endpoint.

use toneup_people::likes::{LikeOutcome, Liked, TargetName, Toggle, Wish};
use toneup_platform::identity::UserId;

use super::state::LikesState;
use crate::http::limits::Policy;
use crate::http::problem::ApiError;

/// Wishes of one user in a minute.
const LIKES: Policy = Policy::per_minute("likes", 300);

/// Likes a thing, or likes it no longer.
pub(crate) async fn give(
    state: &LikesState,
    user: UserId,
    target: TargetName,
    wish: Wish,
) -> Result<Liked, ApiError> {
    state.limiter.check(&LIKES, user.0).await?;
    match state.writer.submit(Toggle { target, user, wish }).await? {
        LikeOutcome::Done(liked) => Ok(liked),
        LikeOutcome::Missing => Err(ApiError::NotFound),
    }
}
