//! Messages over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::features::chat::content::{Draft, check_text};
use crate::features::chat::model::RoomId;
use crate::features::chat::state::ChatState;
use crate::features::chat::store::log;
use crate::features::chat::store::read::{find_membership, list_reads};
use crate::features::chat::unread::Reads;
use crate::features::chat::view::{EntryView, entries};
use crate::http::extract::{ApiJson, ApiQuery, IdPath};
use crate::http::identity::CurrentUser;
use crate::http::limits::Policy;
use crate::http::problem::{ApiError, Problem};

/// Query parameters of a page of the log: the newest entries, or those before or after a number.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EntriesQuery {
    /// Entries a page, 1 to 100.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: u32,
    /// Entries before this number.
    before: Option<u64>,
    /// Entries after this number.
    after: Option<u64>,
    /// Only messages that contain this text, 1 to 100 characters, the newest first: with `before`, not with `after`.
    q: Option<String>,
}

/// Searches of one person.
const SEARCHES: Policy = Policy::per_minute("message_searches", 60);
/// Characters of a text to search for.
const QUERY_CHARACTERS: usize = 100;

fn default_limit() -> u32 {
    50
}

/// A page of a room's log, in the order of the numbers; of a search, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntriesPage {
    items: Vec<EntryView>,
    /// There are more in the direction that was asked for.
    more: bool,
    /// Number of the newest entry.
    last_seq: u64,
    /// Of a search: the number before which to go on, null when everything was searched. A call looks at 5,000 entries at most,
    /// and may find none of many.
    next_before: Option<u64>,
}

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SendMessage {
    /// At most 4,000 characters.
    text: Option<String>,
    /// Keys of uploads, at most 5.
    #[serde(default)]
    pictures: Vec<String>,
    /// Makes a repetition the same message: 1 to 64 printable ASCII characters. Absent: each is another.
    client_key: Option<String>,
}

/// A message that is stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredView {
    id: Uuid,
    seq: u64,
    #[serde(with = "time::serde::rfc3339")]
    sent_at: OffsetDateTime,
}

/// Another text for a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EditMessage {
    /// At most 4,000 characters.
    text: String,
}

/// The log of a room: messages and what else happened.
#[utoipa::path(
    get,
    path = "/v1/rooms/{id}/messages",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), EntriesQuery),
    responses((status = OK, body = EntriesPage), Problem)
)]
pub(super) async fn list_messages(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
    ApiQuery(query): ApiQuery<EntriesQuery>,
) -> Result<Json<EntriesPage>, ApiError> {
    if !(1..=100).contains(&query.limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 100"));
    }
    if query.before.is_some() && query.after.is_some() {
        return Err(ApiError::invalid("after", "expected before or after, not both"));
    }
    if let Some(text) = &query.q {
        return search(&state, user, room, text, &query).await;
    }
    let reach = query.limit + 1;
    let reading = bounded(async {
        let mut lent = state.pool.acquire().await?;
        let found = if let Some(after) = query.after {
            log::list_after(&mut lent, room, user, after, reach).await?
        } else {
            let before = query.before.unwrap_or(u64::MAX);
            log::list_before(&mut lent, room, user, before, reach).await?
        };
        let Some(place) = find_membership(&mut lent, room, user).await? else {
            return Ok(None);
        };
        Ok::<_, sqlx::Error>(Some((found, place, list_reads(&mut lent, room).await?)))
    });
    let (mut found, place, reads) = reading.await?.ok_or(ApiError::NotFound)?;
    let more = found.len() > usize::try_from(query.limit).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    if query.after.is_none() {
        found.reverse();
    }
    let items = entries(&found, &Reads::new(reads), &state.pictures);
    Ok(Json(EntriesPage { items, more, last_seq: place.last_seq, next_before: None }))
}

/// Searches the messages of a room.
async fn search(
    state: &ChatState,
    user: UserId,
    room: RoomId,
    text: &str,
    query: &EntriesQuery,
) -> Result<Json<EntriesPage>, ApiError> {
    let text = text.trim();
    if !(1..=QUERY_CHARACTERS).contains(&text.chars().count()) {
        return Err(ApiError::invalid("q", "expected 1 to 100 characters"));
    }
    if query.after.is_some() {
        return Err(ApiError::invalid("after", "a search goes to older messages only"));
    }
    state.limiter.check(&SEARCHES, user.0).await?;
    let before = query.before.unwrap_or(u64::MAX);
    let reading = bounded(async {
        let mut lent = state.pool.acquire().await?;
        let found = log::search(&mut lent, (room, user), text, before, query.limit).await?;
        let Some(place) = find_membership(&mut lent, room, user).await? else {
            return Ok(None);
        };
        Ok::<_, sqlx::Error>(Some((found, place, list_reads(&mut lent, room).await?)))
    });
    let (found, place, reads) = reading.await?.ok_or(ApiError::NotFound)?;
    Ok(Json(EntriesPage {
        items: entries(&found.entries, &Reads::new(reads), &state.pictures),
        more: found.next.is_some(),
        last_seq: place.last_seq,
        next_before: found.next,
    }))
}

/// Sends a message. 201 once it is stored; 200 if it was stored before, with the same client key.
#[utoipa::path(
    post,
    path = "/v1/rooms/{id}/messages",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = CREATED, body = StoredView),
        (status = OK, body = StoredView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`room_closed`"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json",
         description = "`client_key_reused`, `picture_refused` or `validation_failed`"),
        Problem,
    )
)]
pub(super) async fn send_message(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
    ApiJson(SendMessage { text, pictures, client_key }): ApiJson<SendMessage>,
) -> Result<(StatusCode, Json<StoredView>), ApiError> {
    let draft = Draft::check(text, pictures, client_key)?;
    let stored = state.send(user, room, draft).await?;
    let status = if stored.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let view = StoredView { id: stored.id, seq: stored.seq, sent_at: stored.sent_at };
    Ok((status, Json(view)))
}

/// Gives a message of the caller's another text.
#[utoipa::path(
    patch,
    path = "/v1/rooms/{id}/messages/{seq}",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ("seq" = u64, Path)),
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`message_not_yours` or `message_deleted`"),
        Problem,
    )
)]
pub(super) async fn edit_message(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(message): IdPath<(RoomId, u64)>,
    ApiJson(EditMessage { text }): ApiJson<EditMessage>,
) -> Result<StatusCode, ApiError> {
    let text = check_text("text", text)?;
    state.edit(user, message, &text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the contents of a message away: one of the caller's own, or in a group of the caller's anybody's. Its place stays.
/// Safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/rooms/{id}/messages/{seq}",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ("seq" = u64, Path)),
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`message_not_yours`"),
        Problem,
    )
)]
pub(super) async fn delete_message(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(message): IdPath<(RoomId, u64)>,
) -> Result<StatusCode, ApiError> {
    state.delete(user, message).await?;
    Ok(StatusCode::NO_CONTENT)
}
