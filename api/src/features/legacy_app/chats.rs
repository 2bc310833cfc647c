//! Direct rooms and their messages, as the app knows them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use utoipa::{IntoParams, ToSchema};

use super::envelope::{Answer, Doubled, Failure, Nothing};
use crate::features::chat::{ChatState, LegacyMessage, LegacyRoom};
use crate::http::extract::{ApiJson, ApiQuery, IdPath};
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// Times without a zone or a fraction.
const LOCAL: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
/// The same, as some clients write it: with a fraction, which says nothing.
const FRACTIONAL: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond]");

/// The person to talk with. The app also says who it is, which the token says already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenChat {
    /// The public number.
    peer_id: u64,
}

/// The room.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenedChat {
    /// The room's public number.
    room_id: u64,
}

/// Query parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChatsQuery {
    /// Rooms to leave out.
    #[serde(default)]
    cursor: u64,
    /// Rooms a page, 1 to 100.
    #[serde(default = "default_limit")]
    limit: u32,
}

fn default_limit() -> u32 {
    10
}

/// A page of rooms.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatsData {
    chat_list: Vec<ChatData>,
    /// Also on the last page.
    next_cursor: u64,
    has_next: bool,
    total_count: u64,
}

/// A room in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChatData {
    chat_room_id: u64,
    partner_id: u64,
    partner_nickname: String,
    partner_profile_image_url: String,
    /// Null before the first message.
    last_message: Option<String>,
    last_sent_at: Option<String>,
    unread_count: u64,
}

impl From<LegacyRoom> for ChatData {
    fn from(room: LegacyRoom) -> Self {
        Self {
            chat_room_id: room.number,
            partner_id: room.peer.number,
            partner_nickname: room.peer.nickname,
            partner_profile_image_url: room.peer.image_url,
            last_message: room.last_message,
            last_sent_at: room.last_sent_at.map(written),
            unread_count: room.unread,
        }
    }
}

/// Query parameters of a room's messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// `sentAt` of the last message that the app has; absent: the newest 100.
    last_sent_at: Option<String>,
}

/// The messages of a room.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagesData {
    partner_id: u64,
    partner_nickname: String,
    partner_profile_image_url: String,
    /// In their order.
    messages: Vec<MessageData>,
}

/// A message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MessageData {
    /// The number in the room.
    message_id: u64,
    sender_id: u64,
    /// The text; of pictures their addresses, separated by commas.
    content: String,
    sent_at: String,
    is_read: bool,
    is_mine: bool,
    /// `TEXT` or `IMAGE`.
    content_type: &'static str,
}

impl From<LegacyMessage> for MessageData {
    fn from(message: LegacyMessage) -> Self {
        Self {
            message_id: message.seq,
            sender_id: message.sender,
            content: message.content,
            sent_at: written(message.sent_at),
            is_read: message.is_read,
            is_mine: message.is_mine,
            content_type: message.kind,
        }
    }
}

fn written(time: PrimitiveDateTime) -> String {
    time.format(LOCAL).unwrap_or_default()
}

fn read_time(text: &str) -> Result<PrimitiveDateTime, ApiError> {
    let whole = PrimitiveDateTime::parse(text, LOCAL);
    let time = whole.or_else(|_| PrimitiveDateTime::parse(text, FRACTIONAL));
    let time = time.map_err(|_| ApiError::invalid("lastSentAt", "expected sentAt of a message"))?;
    time.replace_nanosecond(0).map_err(|_| ApiError::invalid("lastSentAt", "expected a time"))
}

/// Opens the direct room with a person: the one that there is, or a new one.
#[utoipa::path(
    post,
    path = "/api/chats",
    tag = "app",
    security(("bearer" = [])),
    responses((status = OK, body = Answer<Doubled<OpenedChat>>), (status = "default", body = Failure))
)]
pub(super) async fn open_chat(
    State(chat): State<ChatState>,
    CurrentUser(user): CurrentUser,
    ApiJson(OpenChat { peer_id }): ApiJson<OpenChat>,
) -> Result<Json<Answer<Doubled<OpenedChat>>>, ApiError> {
    let room_id = chat.open_by_number(user, peer_id).await?;
    Ok(Answer::doubled("ok", OpenedChat { room_id }))
}

/// The caller's direct rooms, those with the newest messages first.
#[utoipa::path(
    get,
    path = "/api/chats",
    tag = "app",
    security(("bearer" = [])),
    params(ChatsQuery),
    responses((status = OK, body = Answer<Doubled<ChatsData>>), (status = "default", body = Failure))
)]
pub(super) async fn list_chats(
    State(chat): State<ChatState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(ChatsQuery { cursor, limit }): ApiQuery<ChatsQuery>,
) -> Result<Json<Answer<Doubled<ChatsData>>>, ApiError> {
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 100"));
    }
    if cursor > u64::from(u32::MAX) {
        return Err(ApiError::invalid("cursor", "expected nextCursor of a page"));
    }
    let (rooms, total_count) = chat.list_by_offset(user, cursor, limit).await?;
    let next_cursor = cursor + u64::from(limit);
    let data = ChatsData {
        chat_list: rooms.into_iter().map(ChatData::from).collect(),
        next_cursor,
        has_next: next_cursor < total_count,
        total_count,
    };
    Ok(Answer::doubled("ok", data))
}

/// The messages of a direct room, which count as read then.
#[utoipa::path(
    get,
    path = "/api/chats/{chatRoomId}",
    tag = "app",
    security(("bearer" = [])),
    params(("chatRoomId" = u64, Path), MessagesQuery),
    responses((status = OK, body = Answer<Doubled<MessagesData>>), (status = "default", body = Failure))
)]
pub(super) async fn list_chat_messages(
    State(chat): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
    ApiQuery(MessagesQuery { last_sent_at }): ApiQuery<MessagesQuery>,
) -> Result<Json<Answer<Doubled<MessagesData>>>, ApiError> {
    let after = last_sent_at.as_deref().map(read_time).transpose()?;
    let (peer, messages) = chat.read_by_number(user, number, after).await?;
    let data = MessagesData {
        partner_id: peer.number,
        partner_nickname: peer.nickname,
        partner_profile_image_url: peer.image_url,
        messages: messages.into_iter().map(MessageData::from).collect(),
    };
    Ok(Answer::doubled("ok", data))
}

/// Leaves a direct room.
#[utoipa::path(
    delete,
    path = "/api/chats/{chatRoomId}",
    tag = "app",
    security(("bearer" = [])),
    params(("chatRoomId" = u64, Path)),
    responses((status = OK, body = Answer<Doubled<Nothing>>), (status = "default", body = Failure))
)]
pub(super) async fn leave_chat(
    State(chat): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
) -> Result<Json<Answer<Doubled<Nothing>>>, ApiError> {
    chat.leave_by_number(user, number).await?;
    Ok(Answer::doubled("ok", Nothing {}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let time = read_time("2026-03-01T12:00:00").unwrap();
        assert_eq!(written(time), "2026-03-01T12:00:00");
        assert_eq!(read_time("2026-03-01T12:00:00.123456").unwrap(), time);
        for text in ["", "2026-03-01", "2026-03-01T12:00:00Z", "now"] {
            assert!(read_time(text).is_err(), "{text}");
        }
    }
}
