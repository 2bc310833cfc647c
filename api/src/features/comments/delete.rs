//! Deleting a comment: by its author, or by the author of the post that it is on.

use toneup_people::comments::remove;
use toneup_people::posts::Visibility;
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::read::find;
use super::state::CommentsState;
use crate::features::posts;
use crate::http::problem::ApiError;

/// Deletes a comment that the user may delete. Replies to it stay.
pub(super) async fn delete(state: &CommentsState, user: UserId, id: Uuid) -> Result<(), ApiError> {
    let deleting = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            let Some(comment) = find(&mut *conn, user, id).await? else { return Ok(false) };
            let is_host = comment.user_id != Some(user) && {
                let public = Visibility::Public;
                let post = posts::find(&mut *conn, user, public, comment.post).await?;
                post.is_some_and(|post| post.user_id == user)
            };
            if comment.user_id != Some(user) && !is_host {
                return Ok(false);
            }
            remove(conn, &[comment.number]).await?;
            Ok(true)
        })
    });
    if bounded(deleting).await? { Ok(()) } else { Err(ApiError::NotFound) }
}
