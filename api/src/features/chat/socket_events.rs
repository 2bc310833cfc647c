//! Contents of the events that clients are sent. Old clients read the first fields of each, new ones the others too.

use std::collections::BTreeMap;

use serde::Serialize;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::hints::{Mark, Person};
use super::model::{Entry, IMAGE, RoomId, Seq};
use super::view::EntryView;
use crate::features::pictures::PictureUrls;

/// A message, in the event `chat`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatEvent {
    /// The room's public number, as text.
    room_id: String,
    /// The text; of pictures their addresses, separated by commas.
    content: String,
    /// The sender's public number; 0 for whoever is gone.
    sender_id: u64,
    /// `TEXT` or `IMAGE`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Members who have not read it.
    unread_count: usize,
    /// The message's number in its room.
    message_id: Seq,
    /// The same in whole.
    room: RoomId,
    #[serde(flatten)]
    entry: EntryView,
}

impl ChatEvent {
    /// Writes a message.
    pub(crate) fn new(
        room: RoomId,
        number: u64,
        entry: &Entry,
        unread: usize,
        urls: &PictureUrls,
    ) -> Self {
        let view = EntryView::new(entry, unread, urls);
        Self {
            room_id: number.to_string(),
            content: legacy_content(&view),
            sender_id: entry.sender_number.unwrap_or_default(),
            kind: if entry.kind == IMAGE { "IMAGE" } else { "TEXT" },
            unread_count: unread,
            message_id: entry.seq,
            room,
            entry: view,
        }
    }
}

/// The contents as one text, as old clients know it.
pub(crate) fn legacy_content(view: &EntryView) -> String {
    match &view.text {
        Some(text) if view.pictures.is_empty() => text.clone(),
        _ => {
            let large: Vec<&str> = view.pictures.iter().map(|one| one.large.as_str()).collect();
            large.join(",")
        }
    }
}

/// Another entry of the log, in the event `entry`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryEvent {
    room_id: String,
    room: RoomId,
    #[serde(flatten)]
    entry: EntryView,
}

impl EntryEvent {
    /// Writes an entry that is no message.
    pub(crate) fn new(room: RoomId, number: u64, entry: &Entry, urls: &PictureUrls) -> Self {
        Self { room_id: number.to_string(), room, entry: EntryView::new(entry, 0, urls) }
    }
}

/// What a member does or has, in the events `read`, `delivered`, `typing` and `presence`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberEvent {
    room_id: String,
    /// The member's public number.
    user_id: u64,
    room: RoomId,
    user: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<bool>,
}

impl MemberEvent {
    fn of(room: RoomId, number: u64, who: Person) -> Self {
        Self {
            room_id: number.to_string(),
            user_id: who.number,
            room,
            user: who.id,
            seq: None,
            typing: None,
            online: None,
        }
    }

    /// How far a member has read or received.
    pub(crate) fn mark(number: u64, mark: Mark) -> Self {
        Self { seq: Some(mark.seq), ..Self::of(mark.room, number, mark.who) }
    }

    /// A member is writing, or no longer.
    pub(crate) fn typing(room: RoomId, number: u64, who: Person, typing: bool) -> Self {
        Self { typing: Some(typing), ..Self::of(room, number, who) }
    }

    /// A member has come or gone.
    pub(crate) fn presence(room: RoomId, number: u64, who: Person, online: bool) -> Self {
        Self { online: Some(online), ..Self::of(room, number, who) }
    }
}

/// How many have not read the newest messages of a large room, in the event `unread`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnreadEvent {
    room_id: String,
    room: RoomId,
    /// The numbers of entries, and of members who have not read them.
    unread: BTreeMap<Seq, usize>,
}

impl UnreadEvent {
    /// Writes the event.
    pub(crate) fn new(room: RoomId, number: u64, unread: BTreeMap<Seq, usize>) -> Self {
        Self { room_id: number.to_string(), room, unread }
    }
}

/// A member shows the room, in the event `joinRoom`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JoinRoomEvent {
    /// The member's public number, as text.
    opponent_id: String,
    room_id: String,
    room: RoomId,
    user: Uuid,
}

impl JoinRoomEvent {
    /// Writes the event.
    pub(crate) fn new(room: RoomId, number: u64, who: Person) -> Self {
        let (opponent_id, room_id) = (who.number.to_string(), number.to_string());
        Self { opponent_id, room_id, room, user: who.id.0 }
    }
}
