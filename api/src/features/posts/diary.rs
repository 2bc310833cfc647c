//! HTTP endpoints of the diary: posts with a title that nobody but their author sees.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;
use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::draft::DraftPicture;
use super::numbers::{list_of, list_own};
use super::read::{Post, read_all};
use super::routes::request_key;
use super::state::PostsState;
use super::view::{EntryPage, EntryView};
use super::write::{Draft, DraftChange, change, create, delete, get};
use crate::http::cursor::{self, ListPage, ListQuery, Place};
use crate::http::extract::{ApiJson, ApiQuery, IdPath, present};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The list's name in cursors.
const LIST: &str = "diary";

/// The routes of the diary.
pub(super) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PostsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list_entries, create_entry)).routes(routes!(
        get_entry,
        change_entry,
        delete_entry
    ))
}

/// An entry to be written.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateEntry {
    /// 1 to 100 characters.
    title: String,
    /// 1 to 1000 characters.
    text: String,
    /// 1 to 5 uploads.
    #[schema(min_items = 1, max_items = 5)]
    pictures: Vec<DraftPicture>,
}

/// What to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeEntry {
    /// 1 to 100 characters.
    #[serde(default, deserialize_with = "present")]
    title: Option<String>,
    /// 1 to 1000 characters.
    #[serde(default, deserialize_with = "present")]
    text: Option<String>,
    /// All pictures that the entry shall have, in order: those that it has by `id`, new ones by `objectKey`.
    #[serde(default, deserialize_with = "present")]
    pictures: Option<Vec<DraftPicture>>,
}

/// Writes an entry of the caller's diary. `Idempotency-Key` makes it safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/diary",
    tag = "diary",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = CREATED, body = EntryView, headers(("Location" = String))),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json",
         description = "`validation_failed` or `idempotency_key_reused`"),
        Problem,
    )
)]
async fn create_entry(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    headers: HeaderMap,
    ApiJson(body): ApiJson<CreateEntry>,
) -> Result<impl IntoResponse, ApiError> {
    let key = request_key(&headers, &body)?;
    let CreateEntry { title, text, pictures } = body;
    let draft = Draft { title: Some(title), text, pictures };
    let entry = create(&state, user, &draft, key.as_ref()).await?;
    let location = [(header::LOCATION, format!("/v1/diary/{}", entry.id))];
    Ok((StatusCode::CREATED, location, Json(EntryView::new(entry, &state.pictures))))
}

/// The caller's diary, newest first.
#[utoipa::path(
    get,
    path = "/v1/diary",
    tag = "diary",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = OK, body = EntryPage), Problem)
)]
async fn list_entries(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<EntryPage>, ApiError> {
    let page = query.check(LIST)?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        let mut numbers = list_own(&mut connection, user, Visibility::Own, page).await?;
        let next = page.cut(&mut numbers, |number| (*number, 0));
        let found = read_all(&mut connection, user, Visibility::Own, &numbers).await?;
        Ok::<_, sqlx::Error>((found, next))
    });
    let (found, next) = reading.await?;
    let items = found.into_iter().map(|entry| EntryView::new(entry, &state.pictures)).collect();
    Ok(Json(EntryPage { items, next_cursor: next.map(|place| cursor::write(LIST, place)) }))
}

/// An entry of the caller's diary.
#[utoipa::path(
    get,
    path = "/v1/diary/{id}",
    tag = "diary",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = EntryView), Problem)
)]
async fn get_entry(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<Json<EntryView>, ApiError> {
    let entry = get(&state, user, Visibility::Own, id).await?;
    Ok(Json(EntryView::new(entry, &state.pictures)))
}

/// Changes an entry of the caller's diary.
#[utoipa::path(
    patch,
    path = "/v1/diary/{id}",
    tag = "diary",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = EntryView), Problem)
)]
async fn change_entry(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
    ApiJson(ChangeEntry { title, text, pictures }): ApiJson<ChangeEntry>,
) -> Result<Json<EntryView>, ApiError> {
    let draft = DraftChange { title, text, pictures };
    let entry = change(&state, user, (Visibility::Own, id), draft).await?;
    Ok(Json(EntryView::new(entry, &state.pictures)))
}

/// Deletes an entry of the caller's diary, with its pictures.
#[utoipa::path(
    delete,
    path = "/v1/diary/{id}",
    tag = "diary",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn delete_entry(
    State(state): State<PostsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<Uuid>,
) -> Result<StatusCode, ApiError> {
    delete(&state, user, Visibility::Own, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads a page of a user's entries that are ready; with the place of its last entry, if there is another page.
pub(crate) async fn read_diary(
    conn: &mut MySqlConnection,
    user: UserId,
    page: ListPage,
) -> Result<(Vec<Post>, Option<Place>), sqlx::Error> {
    let mut numbers = list_of(&mut *conn, user, Visibility::Own, page).await?;
    let next = page.cut(&mut numbers, |number| (*number, 0));
    Ok((read_all(conn, user, Visibility::Own, &numbers).await?, next))
}
