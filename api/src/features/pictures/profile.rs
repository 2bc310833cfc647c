//! The picture of a profile.

use toneup_colour::photo::is_key_of;
use toneup_jobs::job::JobId;
use toneup_people::pictures::{Purpose, order, withdraw_profile_pictures};
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;

use super::state::PicturesState;
use crate::http::limits::Policy;
use crate::http::problem::ApiError;

/// Pictures that one user may order in a minute.
const PICTURES: Policy = Policy::per_minute("picture", 20);

/// Has a picture for the user's profile made of an upload of the user's; it appears once it is ready.
pub(crate) async fn order_profile_picture(
    state: &PicturesState,
    user: UserId,
    object_key: &str,
) -> Result<JobId, ApiError> {
    if !is_key_of(user, object_key) {
        let detail = "expected an objectKey that POST /v1/uploads gave to you";
        return Err(ApiError::invalid("objectKey", detail));
    }
    state.limiter.check(&PICTURES, user.0).await?;
    let ordering = state
        .pool
        .in_transaction(async |conn| order(conn, user, Purpose::Profile, object_key).await);
    Ok(bounded(ordering).await?)
}

/// Takes the picture off the user's profile; safe to repeat.
pub(super) async fn withdraw(state: &PicturesState, user: UserId) -> Result<(), ApiError> {
    let withdrawing = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| withdraw_profile_pictures(conn, user).await)
    });
    Ok(bounded(withdrawing).await?)
}
