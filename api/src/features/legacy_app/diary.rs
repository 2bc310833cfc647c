//! The diary as the app knows it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::envelope::{Answer, Failure, Nothing};
use super::images::{addresses, pictures};
use super::posts::{self, Writer};
use super::problems::{diary_not_found, in_words_of_the_app};
use super::time::local;
use crate::features::people::PeopleState;
use crate::features::posts::{
    Draft, DraftChange, Post, PostsState, change, create, delete, read_diary,
};
use crate::http::cursor::ListPage;
use crate::http::extract::{ApiJson, ApiQuery, IdPath};
use crate::http::idempotency::RequestKey;
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// An entry to be written, or written anew.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WriteDiary {
    /// 1 to 100 characters.
    #[serde(default)]
    title: Option<String>,
    /// 1 to 1000 characters.
    #[serde(default)]
    content: Option<String>,
    /// 1 to 5: `fileUrl` of uploads; in a change also the addresses of pictures that the entry has.
    #[serde(default)]
    image_urls: Option<Vec<String>>,
}

/// The entry that was written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiaryWritten {
    diary_id: u64,
}

/// An entry in the list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DiaryPreview {
    diary_id: u64,
    title: String,
    /// The first picture.
    image_url: String,
}

/// A page of the diary.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiaryPage {
    diaries: Vec<DiaryPreview>,
    /// Null at the end.
    next_cursor: Option<u64>,
    has_next: bool,
    total_count: u64,
}

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiaryDetail {
    diary_id: u64,
    writer: Writer,
    title: String,
    image_urls: Vec<String>,
    content: String,
    /// Without a zone: UTC.
    created_at: String,
}

/// Query parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DiaryQuery {
    /// `nextCursor` of the page before.
    cursor: Option<u64>,
    /// Bounded to 1 to 50.
    #[serde(default = "default_limit")]
    limit: i64,
}

fn default_limit() -> i64 {
    50
}

impl DiaryDetail {
    fn new(state: &PostsState, entry: Post) -> Self {
        let images = addresses(&state.pictures, &entry);
        Self {
            diary_id: entry.number,
            image_urls: images.into_iter().map(|(_, large)| large).collect(),
            created_at: local(entry.created_at),
            writer: Writer::of(state, &entry),
            title: entry.title,
            content: entry.text,
        }
    }
}

async fn find(state: &PostsState, user: UserId, number: u64) -> Result<Post, ApiError> {
    posts::find(state, user, Visibility::Own, number).await?.ok_or_else(diary_not_found)
}

async fn find_id(state: &PostsState, user: UserId, number: u64) -> Result<Uuid, ApiError> {
    Ok(find(state, user, number).await?.id)
}

/// Writes an entry. The same one of the same uploads is written once: the app repeats what failed.
#[utoipa::path(
    post,
    path = "/api/my-diary",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = Answer<DiaryWritten>), (status = "default", body = Failure))
)]
pub(super) async fn create_diary(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    ApiJson(body): ApiJson<WriteDiary>,
) -> Result<Json<Answer<DiaryWritten>>, ApiError> {
    let key = RequestKey::implied(&serde_json::to_vec(&body).map_err(anyhow::Error::from)?);
    let WriteDiary { title, content, image_urls } = body;
    let draft = Draft {
        title: Some(title.unwrap_or_default()),
        text: content.unwrap_or_default(),
        pictures: pictures(user, image_urls.unwrap_or_default()),
    };
    let entry = create(&state, user, &draft, Some(&key)).await.map_err(in_words_of_the_app)?;
    Ok(Answer::said(0, "ok", DiaryWritten { diary_id: entry.number }))
}

/// The caller's diary, newest first.
#[utoipa::path(
    get,
    path = "/api/my-diary",
    tag = "app",
    security(("bearer" = [])),
    params(DiaryQuery),
    responses((status = OK, body = Answer<DiaryPage>), (status = "default", body = Failure))
)]
pub(super) async fn list_diaries(
    State(state): State<PostsState>,
    State(people): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(DiaryQuery { cursor, limit }): ApiQuery<DiaryQuery>,
) -> Result<Json<Answer<DiaryPage>>, ApiError> {
    let page = ListPage::bounded(limit, cursor.map(|number| (number, 0)));
    let reading =
        bounded(async { read_diary(&mut *state.pool.acquire().await?, user, page).await });
    let (entries, next) = reading.await?;
    let preview = |entry: Post| DiaryPreview {
        diary_id: entry.number,
        image_url: addresses(&state.pictures, &entry)
            .into_iter()
            .next()
            .map(|(medium, _)| medium)
            .unwrap_or_default(),
        title: entry.title,
    };
    let page = DiaryPage {
        diaries: entries.into_iter().map(preview).collect(),
        next_cursor: next.map(|(number, _)| number),
        has_next: next.is_some(),
        total_count: people.content.count(user).await?.diaries,
    };
    Ok(Answer::said(0, "ok", page))
}

/// An entry of the caller's diary.
#[utoipa::path(
    get,
    path = "/api/my-diary/{diaryId}",
    tag = "app",
    security(("bearer" = [])),
    params(("diaryId" = u64, Path)),
    responses((status = OK, body = Answer<DiaryDetail>), (status = "default", body = Failure))
)]
pub(super) async fn get_diary(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<Answer<DiaryDetail>>, ApiError> {
    let entry = find(&state, user, number).await?;
    Ok(Answer::said(0, "ok", DiaryDetail::new(&state, entry)))
}

/// Writes an entry of the caller's diary anew.
#[utoipa::path(
    put,
    path = "/api/my-diary/{diaryId}",
    tag = "app",
    security(("bearer" = [])),
    params(("diaryId" = u64, Path)),
    responses((status = OK, body = Answer<DiaryWritten>), (status = "default", body = Failure))
)]
pub(super) async fn change_diary(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
    ApiJson(WriteDiary { title, content, image_urls }): ApiJson<WriteDiary>,
) -> Result<Json<Answer<DiaryWritten>>, ApiError> {
    let id = find_id(&state, user, number).await?;
    let draft = DraftChange {
        title: Some(title.unwrap_or_default()),
        text: Some(content.unwrap_or_default()),
        pictures: Some(pictures(user, image_urls.unwrap_or_default())),
    };
    let changing = change(&state, user, (Visibility::Own, id), draft).await;
    let entry = changing.map_err(in_words_of_the_app)?;
    Ok(Answer::said(0, "ok", DiaryWritten { diary_id: entry.number }))
}

/// Deletes an entry of the caller's diary.
#[utoipa::path(
    delete,
    path = "/api/my-diary/{diaryId}",
    tag = "app",
    security(("bearer" = [])),
    params(("diaryId" = u64, Path)),
    responses((status = OK, body = Answer<Nothing>), (status = "default", body = Failure))
)]
pub(super) async fn delete_diary(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<Answer<Nothing>>, ApiError> {
    let id = find_id(&state, user, number).await?;
    delete(&state, user, Visibility::Own, id).await?;
    Ok(Answer::said(0, "ok", Nothing {}))
}
