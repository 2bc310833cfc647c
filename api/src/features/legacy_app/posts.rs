//! Writing and reading posts as the app knows them: feeds, by their numbers.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_people::likes::{TargetName, Wish};
use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::envelope::{Answer, Failure, Nothing};
use super::images::{addresses, pictures, portrait};
use super::problems::{feed_not_found, in_words_of_the_app};
use super::time::local;
use crate::features::likes::{LikesState, give};
use crate::features::pictures::ReadyPicture;
use crate::features::posts::{
    Draft, DraftChange, Post, PostsState, change, create, delete, find_by_number,
};
use crate::http::extract::{ApiJson, IdPath};
use crate::http::idempotency::RequestKey;
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// A post to be written, or written anew.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WriteFeed {
    /// 1 to 1000 characters.
    #[serde(default)]
    content: Option<String>,
    /// 1 to 5: `fileUrl` of uploads; in a change also the addresses of pictures that the post has.
    #[serde(default)]
    image_urls: Option<Vec<String>>,
}

/// The post that was written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedWritten {
    feed_id: u64,
}

/// Who wrote a post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Writer {
    /// The public number.
    user_id: u64,
    nickname: String,
    profile_image_url: String,
}

/// A post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedDetail {
    feed_id: u64,
    writer: Writer,
    image_urls: Vec<String>,
    content: String,
    /// Without a zone: UTC.
    created_at: String,
    like_count: u32,
    liked: bool,
    is_liked: bool,
}

/// Whether the caller likes it now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedLiked {
    feed_id: u64,
    liked: bool,
    is_liked: bool,
}

impl Writer {
    /// The author of a post.
    pub(super) fn of(state: &PostsState, post: &Post) -> Self {
        let picture =
            ReadyPicture::new(post.user_id, post.author_picture, post.author_thumb_hash.clone());
        Self {
            user_id: post.author_number,
            nickname: post.nickname.clone(),
            profile_image_url: portrait(&state.pictures, picture.as_ref()),
        }
    }
}

impl FeedDetail {
    fn new(state: &PostsState, post: Post) -> Self {
        let images = addresses(&state.pictures, &post);
        Self {
            feed_id: post.number,
            image_urls: images.into_iter().map(|(_, large)| large).collect(),
            created_at: local(post.created_at),
            like_count: post.likes(),
            liked: post.is_liked(),
            is_liked: post.is_liked(),
            writer: Writer::of(state, &post),
            content: post.text,
        }
    }
}

/// Finds a post by its number.
pub(super) async fn find(
    state: &PostsState,
    viewer: UserId,
    visibility: Visibility,
    number: u64,
) -> Result<Option<Post>, ApiError> {
    let finding = bounded(async {
        find_by_number(&mut *state.pool.acquire().await?, viewer, visibility, number).await
    });
    Ok(finding.await?)
}

/// The id of a post that the user may change.
async fn own(state: &PostsState, user: UserId, number: u64) -> Result<Uuid, ApiError> {
    match find(state, user, Visibility::Public, number).await? {
        None => Err(feed_not_found()),
        Some(post) if post.user_id != user => Err(ApiError::Forbidden),
        Some(post) => Ok(post.id),
    }
}

/// Writes a post. The same one of the same uploads is written once: the app repeats what failed.
#[utoipa::path(
    post,
    path = "/api/feeds",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = Answer<FeedWritten>), (status = "default", body = Failure))
)]
pub(super) async fn create_feed(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    ApiJson(body): ApiJson<WriteFeed>,
) -> Result<Json<Answer<FeedWritten>>, ApiError> {
    let key = RequestKey::implied(&serde_json::to_vec(&body).map_err(anyhow::Error::from)?);
    let WriteFeed { content, image_urls } = body;
    let draft = Draft {
        title: None,
        text: content.unwrap_or_default(),
        pictures: pictures(user, image_urls.unwrap_or_default()),
    };
    let post = create(&state, user, &draft, Some(&key)).await.map_err(in_words_of_the_app)?;
    Ok(Answer::said(0, "ok", FeedWritten { feed_id: post.number }))
}

/// A post.
#[utoipa::path(
    get,
    path = "/api/feeds/{feedId}",
    tag = "app",
    security(("bearer" = [])),
    params(("feedId" = u64, Path)),
    responses((status = OK, body = Answer<FeedDetail>), (status = "default", body = Failure))
)]
pub(super) async fn get_feed(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<Answer<FeedDetail>>, ApiError> {
    let post = find(&state, viewer, Visibility::Public, number).await?;
    let post = post.ok_or_else(feed_not_found)?;
    Ok(Answer::said(0, "ok", FeedDetail::new(&state, post)))
}

/// A post, at the path of an earlier version.
#[utoipa::path(
    get,
    path = "/api/feed/{feedId}",
    tag = "app",
    security(("bearer" = [])),
    params(("feedId" = u64, Path)),
    responses((status = OK, body = Answer<FeedDetail>), (status = "default", body = Failure))
)]
pub(super) async fn get_feed_formerly(
    state: State<PostsState>,
    viewer: CurrentUser,
    number: IdPath<u64>,
) -> Result<Json<Answer<FeedDetail>>, ApiError> {
    get_feed(state, viewer, number).await
}

/// Writes a post of the caller's anew.
#[utoipa::path(
    put,
    path = "/api/feeds/{feedId}",
    tag = "app",
    security(("bearer" = [])),
    params(("feedId" = u64, Path)),
    responses((status = OK, body = Answer<FeedWritten>), (status = "default", body = Failure))
)]
pub(super) async fn change_feed(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
    ApiJson(WriteFeed { content, image_urls }): ApiJson<WriteFeed>,
) -> Result<Json<Answer<FeedWritten>>, ApiError> {
    let id = own(&state, user, number).await?;
    let draft = DraftChange {
        title: None,
        text: Some(content.unwrap_or_default()),
        pictures: Some(pictures(user, image_urls.unwrap_or_default())),
    };
    let changing = change(&state, user, (Visibility::Public, id), draft).await;
    let post = changing.map_err(in_words_of_the_app)?;
    Ok(Answer::said(0, "ok", FeedWritten { feed_id: post.number }))
}

/// Deletes a post of the caller's.
#[utoipa::path(
    delete,
    path = "/api/feeds/{feedId}",
    tag = "app",
    security(("bearer" = [])),
    params(("feedId" = u64, Path)),
    responses((status = OK, body = Answer<Nothing>), (status = "default", body = Failure))
)]
pub(super) async fn delete_feed(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<Answer<Nothing>>, ApiError> {
    let id = own(&state, user, number).await?;
    delete(&state, user, Visibility::Public, id).await?;
    Ok(Answer::said(0, "ok", Nothing {}))
}

/// Likes a post if that is not so, and no longer if it is.
#[utoipa::path(
    post,
    path = "/api/feeds/{feedId}/like",
    tag = "app",
    security(("bearer" = [])),
    params(("feedId" = u64, Path)),
    responses((status = OK, body = Answer<FeedLiked>), (status = "default", body = Failure))
)]
pub(super) async fn toggle_feed_like(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<Answer<FeedLiked>>, ApiError> {
    let given = give(&state, user, TargetName::PostNumber(number), Wish::Toggle).await;
    let liked = match given {
        Err(ApiError::NotFound) => return Err(feed_not_found()),
        given => given?.liked,
    };
    Ok(Answer::said(200, "ok", FeedLiked { feed_id: number, liked, is_liked: liked }))
}
