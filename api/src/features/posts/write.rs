//! Posting, by any endpoint: limits and checks first, then one transaction, then the post as its author sees it.

use futures_util::future::try_join_all;
use toneup_people::posts::Visibility;
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::draft::{
    CheckedPicture, DraftPicture, Source, TEXT_LENGTH, TITLE_LENGTH, check_pictures, check_text,
};
use super::read::{Post, find};
use super::state::PostsState;
use super::store::{self, Change, Changed, NewPost};
use crate::http::idempotency::{Claimed, RequestKey, key_reused};
use crate::http::limits::Policy;
use crate::http::problem::ApiError;

/// Posts and entries that one user may write in an hour.
const POSTS: Policy = Policy::per_hour("posts", 120);
/// Changes that one user may make in a minute.
const CHANGES: Policy = Policy::per_minute("post-changes", 60);

/// A post to be written; a title makes it an entry of the diary.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) title: Option<String>,
    pub(crate) text: String,
    pub(crate) pictures: Vec<DraftPicture>,
}

/// Changes of a post; what is `None` stays.
#[derive(Debug, Default)]
pub(crate) struct DraftChange {
    pub(crate) title: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) pictures: Option<Vec<DraftPicture>>,
}

/// Posts. A request with a key that has posted before finds that post.
pub(crate) async fn create(
    state: &PostsState,
    user: UserId,
    draft: &Draft,
    key: Option<&RequestKey>,
) -> Result<Post, ApiError> {
    let title = draft.title.as_deref().map(|title| check_text("title", title, TITLE_LENGTH));
    let title = title.transpose()?;
    let visibility = if title.is_some() { Visibility::Own } else { Visibility::Public };
    let text = check_text("text", &draft.text, TEXT_LENGTH)?;
    let pictures = check_pictures(user, &draft.pictures, false)?;
    state.limiter.check(&POSTS, user.0).await?;
    check_uploads(state, &pictures).await?;
    let new = NewPost {
        id: Uuid::now_v7(),
        user,
        visibility,
        title: title.unwrap_or_default(),
        text,
        pictures,
    };
    let inserting = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| store::insert(conn, &new, key).await)
    });
    let id = match bounded(inserting).await? {
        Claimed::First => new.id,
        Claimed::Repeated(id) => id,
        Claimed::Reused => return Err(key_reused()),
    };
    get(state, user, visibility, id).await
}

/// Changes a post of the user's.
pub(crate) async fn change(
    state: &PostsState,
    user: UserId,
    (visibility, id): (Visibility, Uuid),
    draft: DraftChange,
) -> Result<Post, ApiError> {
    let text = |field: &str, text: Option<String>, longest| {
        text.map(|text| check_text(field, &text, longest)).transpose()
    };
    let pictures = draft.pictures.map(|pictures| check_pictures(user, &pictures, true));
    let change = Change {
        title: text("title", draft.title, TITLE_LENGTH)?,
        text: text("text", draft.text, TEXT_LENGTH)?,
        pictures: pictures.transpose()?,
    };
    state.limiter.check(&CHANGES, user.0).await?;
    check_uploads(state, change.pictures.as_deref().unwrap_or_default()).await?;
    let changing = retry_deadlock(|| {
        state
            .pool
            .in_transaction(async |conn| store::change(conn, (user, visibility, id), &change).await)
    });
    match bounded(changing).await? {
        Changed::Done => get(state, user, visibility, id).await,
        Changed::Missing => Err(ApiError::NotFound),
        Changed::NoSuchPicture(place) => {
            let field = format!("pictures[{place}].id");
            Err(ApiError::invalid(&field, "expected a picture of this post"))
        }
    }
}

/// Deletes a post of the user's.
pub(crate) async fn delete(
    state: &PostsState,
    user: UserId,
    visibility: Visibility,
    id: Uuid,
) -> Result<(), ApiError> {
    let deleting = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| store::delete(conn, user, visibility, id).await)
    });
    if bounded(deleting).await? { Ok(()) } else { Err(ApiError::NotFound) }
}

/// Reads a post as `viewer` sees it.
pub(crate) async fn get(
    state: &PostsState,
    viewer: UserId,
    visibility: Visibility,
    id: Uuid,
) -> Result<Post, ApiError> {
    let finding =
        bounded(async { find(&mut *state.pool.acquire().await?, viewer, visibility, id).await });
    finding.await?.ok_or(ApiError::NotFound)
}

/// Refuses keys at which nothing lies.
async fn check_uploads(state: &PostsState, pictures: &[CheckedPicture]) -> Result<(), ApiError> {
    let checks = pictures.iter().enumerate().map(|(index, picture)| async move {
        match &picture.source {
            Source::Upload(key) if !state.objects.exists(key).await? => {
                let field = format!("pictures[{index}].objectKey");
                Err(ApiError::invalid(&field, "nothing was uploaded at this key"))
            }
            _ => Ok(()),
        }
    });
    try_join_all(checks).await.map(drop)
}
