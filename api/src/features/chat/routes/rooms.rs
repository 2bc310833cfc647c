//! Rooms over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_people::pictures::Purpose;
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::groups::create_group;
use crate::features::chat::content::check_name;
use crate::features::chat::hints::Person;
use crate::features::chat::model::RoomId;
use crate::features::chat::refusal::Refusal;
use crate::features::chat::service::ROOMS;
use crate::features::chat::state::ChatState;
use crate::features::chat::store::groups;
use crate::features::chat::store::list::{self, Place, find_room};
use crate::features::chat::store::{find, pictures};
use crate::features::chat::view::RoomView;
use crate::http::extract::{ApiJson, ApiQuery, IdPath};
use crate::http::idempotency::RequestKey;
use crate::http::identity::CurrentUser;
use crate::http::problem::{ApiError, Problem};

/// A room to open: with a person, or a group with a name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateRoom {
    /// The other person of a direct room.
    user_id: Option<Uuid>,
    /// The name of a group, 1 to 60 characters.
    name: Option<String>,
    /// The first members of a group beside the caller, at most 1499.
    member_ids: Option<Vec<Uuid>>,
}

/// Query parameters of the list of rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RoomsQuery {
    /// Entries a page, 1 to 100.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: u32,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

fn default_limit() -> u32 {
    20
}

/// A page of rooms.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomsPage {
    items: Vec<RoomView>,
    /// The cursor of the next page; null at the end.
    next_cursor: Option<String>,
}

/// What to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangeRoom {
    /// Another name for a group; its owner may.
    name: Option<String>,
    /// Whether the caller gets no notifications of the room.
    muted: Option<bool>,
}

/// The upload to make a picture of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SetRoomPicture {
    /// `objectKey` of `POST /v1/uploads`.
    object_key: String,
}

/// How far the caller has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MarkRead {
    /// Number of the last entry that was read; absent: the newest.
    seq: Option<u64>,
}

/// How far the caller has read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadView {
    read_seq: u64,
    /// Messages that the caller has not read.
    unread: u64,
}

/// Opens a room: the direct room with a person, of which there is one for each pair, or a new group. `Idempotency-Key` makes
/// a group safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/rooms",
    tag = "chat",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = CREATED, body = RoomView, headers(("Location" = String))),
        (status = OK, body = RoomView, description = "The direct room was there."),
        Problem,
    )
)]
pub(super) async fn create_room(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    headers: HeaderMap,
    ApiJson(create): ApiJson<CreateRoom>,
) -> Result<impl IntoResponse, ApiError> {
    let body = serde_json::to_vec(&create).map_err(anyhow::Error::from)?;
    let key = RequestKey::of(&headers, &body)?;
    state.limiter.check(&ROOMS, user.0).await?;
    let (room, is_new) = match create {
        CreateRoom { user_id: Some(peer), name: None, member_ids: None } => {
            let opened = state.open_direct(user, UserId(peer)).await?;
            (opened.room, opened.is_new)
        }
        CreateRoom { user_id: None, name: Some(name), member_ids } => {
            let members = member_ids.unwrap_or_default();
            (create_group(&state, user, &name, members, key.as_ref()).await?, true)
        }
        _ => return Err(ApiError::invalid("userId", "expected userId, or name and memberIds")),
    };
    let view = read(&state, user, room).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, format!("/v1/rooms/{}", room.0))], Json(view)))
}

/// The caller's rooms, those with the newest messages first.
#[utoipa::path(
    get,
    path = "/v1/rooms",
    tag = "chat",
    security(("bearer" = [])),
    params(RoomsQuery),
    responses((status = OK, body = RoomsPage), Problem)
)]
pub(super) async fn list_rooms(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<RoomsQuery>,
) -> Result<Json<RoomsPage>, ApiError> {
    if !(1..=100).contains(&query.limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 100"));
    }
    let after = query.cursor.as_deref().map(parse_cursor).transpose()?.unwrap_or(Place::BEGIN);
    let reading = bounded(async {
        let mut lent = state.pool.acquire().await?;
        list::list_rooms(&mut lent, user, after, query.limit + 1).await
    });
    let mut found = reading.await?;
    let more = found.len() > usize::try_from(query.limit).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next_cursor = found.last().filter(|_| more).map(|last| {
        let millis = last.last_at.unix_timestamp_nanos() / 1_000_000;
        format!("{millis}-{}", last.id.0.simple())
    });
    let items = found.iter().map(|room| RoomView::new(room, &state.pictures)).collect();
    Ok(Json(RoomsPage { items, next_cursor }))
}

/// Reads a cursor: the time of a room's newest message in milliseconds, and the room.
fn parse_cursor(cursor: &str) -> Result<Place, ApiError> {
    let invalid = || ApiError::invalid("cursor", "expected nextCursor of a page");
    let (millis, room) = cursor.split_once('-').ok_or_else(invalid)?;
    let millis: i128 = millis.parse().map_err(|_| invalid())?;
    let nanos = millis.checked_mul(1_000_000).ok_or_else(invalid)?;
    let last_at = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| invalid())?;
    // The database takes years of four digits.
    if !(1970..=9999).contains(&last_at.year()) {
        return Err(invalid());
    }
    let room = Uuid::try_parse(room).map_err(|_| invalid())?;
    Ok(Place { last_at, room: RoomId(room) })
}

/// One of the caller's rooms.
#[utoipa::path(
    get,
    path = "/v1/rooms/{id}",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = RoomView), Problem)
)]
pub(super) async fn get_room(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
) -> Result<Json<RoomView>, ApiError> {
    read(&state, user, room).await.map(Json)
}

/// Renames a group, or mutes a room.
#[utoipa::path(
    patch,
    path = "/v1/rooms/{id}",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = RoomView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`not_a_group` or `room_owner_only`"),
        Problem,
    )
)]
pub(super) async fn change_room(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
    ApiJson(ChangeRoom { name, muted }): ApiJson<ChangeRoom>,
) -> Result<Json<RoomView>, ApiError> {
    if let Some(name) = name {
        let name = check_name(&name)?;
        let renaming = retry_deadlock(|| {
            state.pool.in_transaction(async |conn| groups::rename(conn, room, user, &name).await)
        });
        let changed = bounded(renaming).await?;
        state.announce(changed?, Vec::new());
    }
    if let Some(muted) = muted {
        let muting = bounded(async {
            find::set_muted(&mut *state.pool.acquire().await?, room, user, muted).await
        });
        if !muting.await? {
            return Err(ApiError::NotFound);
        }
    }
    read(&state, user, room).await.map(Json)
}

/// Leaves a room: it does not exist for the caller any more.
#[utoipa::path(
    post,
    path = "/v1/rooms/{id}/leave",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
pub(super) async fn leave_room(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
) -> Result<StatusCode, ApiError> {
    state.leave(user, room).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a group a picture, made of an upload; waits until it is made.
#[utoipa::path(
    put,
    path = "/v1/rooms/{id}/picture",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = RoomView),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json",
         description = "`picture_refused` or `validation_failed`"),
        Problem,
    )
)]
pub(super) async fn set_room_picture(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
    ApiJson(SetRoomPicture { object_key }): ApiJson<SetRoomPicture>,
) -> Result<Json<RoomView>, ApiError> {
    let found = read_room(&state, user, room).await?;
    if found.kind != "group" {
        return Err(Refusal::NotAGroup.into());
    }
    if found.owner_id != Some(user) {
        return Err(Refusal::OwnerOnly.into());
    }
    state.limiter.check(&ROOMS, user.0).await?;
    let made = state.make_pictures(user, Purpose::Room, &[object_key]).await?;
    change_picture(&state, user, room, made.first().map(|picture| picture.id)).await?;
    read(&state, user, room).await.map(Json)
}

/// Takes the picture of a group away; safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/rooms/{id}/picture",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT), Problem)
)]
pub(super) async fn delete_room_picture(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
) -> Result<StatusCode, ApiError> {
    change_picture(&state, user, room, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change_picture(
    state: &ChatState,
    user: UserId,
    room: RoomId,
    picture: Option<Uuid>,
) -> Result<(), ApiError> {
    let changing = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            pictures::set_room_picture(conn, room, user, picture).await
        })
    });
    let changed = bounded(changing).await?;
    state.announce(changed?, Vec::new());
    Ok(())
}

/// Says how far the caller has read; the mark never goes back.
#[utoipa::path(
    put,
    path = "/v1/rooms/{id}/read",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = ReadView), Problem)
)]
pub(super) async fn mark_room_read(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
    ApiJson(MarkRead { seq }): ApiJson<MarkRead>,
) -> Result<Json<ReadView>, ApiError> {
    let number = state.number_of(user).await?;
    let who = Person { id: user, number };
    let place = state.read(who, room, seq.unwrap_or(u64::MAX)).await?;
    Ok(Json(ReadView { read_seq: place.read_seq, unread: place.unread() }))
}

async fn read_room(state: &ChatState, user: UserId, room: RoomId) -> Result<list::Room, ApiError> {
    let reading = bounded(async { find_room(&mut *state.pool.acquire().await?, user, room).await });
    reading.await?.ok_or(ApiError::NotFound)
}

async fn read(state: &ChatState, user: UserId, room: RoomId) -> Result<RoomView, ApiError> {
    Ok(RoomView::new(&read_room(state, user, room).await?, &state.pictures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_a_place_and_anything_else_is_refused() {
        let room = Uuid::now_v7();
        let place = parse_cursor(&format!("1700000000123-{}", room.simple())).unwrap();
        assert_eq!((place.last_at.millisecond(), place.room), (123, RoomId(room)));
        for cursor in ["", "x", "1-", "-1", "99999999999999999-0", &"9".repeat(50), "-5-x"] {
            assert!(parse_cursor(cursor).is_err(), "{cursor}");
        }
        assert!(parse_cursor(&format!("253402300800000-{}", room.simple())).is_err());
    }
}
