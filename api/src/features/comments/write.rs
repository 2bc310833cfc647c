//! Commenting: limits and checks first, then one transaction, then the comment as its author sees it.

use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::read::{Comment, find};
use super::state::CommentsState;
use super::store::{self, NewComment, Written};
use crate::features::posts::{TEXT_LENGTH, check_text};
use crate::http::idempotency::{RequestKey, key_reused};
use crate::http::limits::Policy;
use crate::http::problem::ApiError;

/// Comments, and changes of them, of one user in a minute.
const COMMENTS: Policy = Policy::per_minute("comments", 30);

/// Comments on a post.
pub(super) async fn create(
    state: &CommentsState,
    user: UserId,
    (post, parent): (Uuid, Option<Uuid>),
    text: &str,
    key: Option<&RequestKey>,
) -> Result<Comment, ApiError> {
    let text = check_text("text", text, TEXT_LENGTH)?;
    state.limiter.check(&COMMENTS, user.0).await?;
    let new = NewComment { id: Uuid::now_v7(), user, post, parent, text };
    let inserting = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| store::insert(conn, &new, key).await)
    });
    match bounded(inserting).await? {
        Written::Done(told) => {
            state.post.send(told);
            get(state, user, new.id).await
        }
        Written::Repeated(id) => get(state, user, id).await,
        Written::KeyReused => Err(key_reused()),
        Written::NoPost => Err(ApiError::NotFound),
        Written::NoParent => {
            let detail = "expected a comment on this post that replies to none";
            Err(ApiError::invalid("parentId", detail))
        }
    }
}

/// Changes a comment of the user's.
pub(super) async fn change(
    state: &CommentsState,
    user: UserId,
    id: Uuid,
    text: &str,
) -> Result<Comment, ApiError> {
    let text = check_text("text", text, TEXT_LENGTH)?;
    state.limiter.check(&COMMENTS, user.0).await?;
    let comment = get(state, user, id).await?;
    let changing = bounded(async {
        store::change(&mut *state.pool.acquire().await?, user, comment.number, &text).await
    });
    if changing.await? { get(state, user, id).await } else { Err(ApiError::NotFound) }
}

/// Reads a comment as `viewer` sees it.
pub(super) async fn get(
    state: &CommentsState,
    viewer: UserId,
    id: Uuid,
) -> Result<Comment, ApiError> {
    let finding = bounded(async { find(&mut *state.pool.acquire().await?, viewer, id).await });
    finding.await?.ok_or(ApiError::NotFound)
}
