//! The terms of conversations: rooms, and the entries of their logs.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

/// Identifier of a room.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub(crate) struct RoomId(pub(crate) Uuid);

impl RoomId {
    /// Generates an identifier that sorts by time (RFC 9562, version 7).
    pub(crate) fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// Number of an entry in its room's log, from 1, without gaps.
pub(crate) type Seq = u64;

/// A picture of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachment {
    /// Identifier of the picture.
    pub(crate) id: Uuid,
    /// Its owner, who is part of its address.
    pub(crate) owner: UserId,
    /// Placeholder as a base64 `ThumbHash`.
    pub(crate) thumb_hash: String,
}

/// The contents of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// At most 4,000 characters.
    pub(crate) text: Option<String>,
    /// At most 5.
    pub(crate) pictures: Vec<Attachment>,
}

impl Content {
    /// The kind of entry that it makes: `text`, or `image` with pictures.
    pub(crate) fn kind(&self) -> &'static str {
        if self.pictures.is_empty() { TEXT } else { IMAGE }
    }
}

/// A message of text.
pub(crate) const TEXT: &str = "text";
/// A message with pictures.
pub(crate) const IMAGE: &str = "image";
/// The subject has joined.
pub(crate) const JOINED: &str = "joined";
/// The subject has left.
pub(crate) const LEFT: &str = "left";
/// The sender has removed the subject.
pub(crate) const REMOVED: &str = "removed";
/// The sender has renamed the room.
pub(crate) const RENAMED: &str = "renamed";
/// The sender has changed the room's picture.
pub(crate) const PICTURE: &str = "picture";
/// The target has another text.
pub(crate) const EDITED: &str = "edited";
/// The target has lost its contents.
pub(crate) const DELETED: &str = "deleted";

/// An entry of a room's log.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Entry {
    pub(crate) seq: Seq,
    pub(crate) id: Uuid,
    /// See the constants of this module.
    pub(crate) kind: String,
    /// `None` once the user is erased.
    pub(crate) sender_id: Option<UserId>,
    /// The sender's public number.
    pub(crate) sender_number: Option<u64>,
    pub(crate) client_key: Option<String>,
    /// Of an entry about an edit: the text that the target has now.
    pub(crate) body: Option<String>,
    /// JSON of [`Attachment`]s.
    pub(crate) attachments: Option<String>,
    pub(crate) subject_id: Option<UserId>,
    pub(crate) subject_nickname: Option<String>,
    pub(crate) target_seq: Option<Seq>,
    pub(crate) sent_at: OffsetDateTime,
    pub(crate) edited_at: Option<OffsetDateTime>,
    pub(crate) deleted_at: Option<OffsetDateTime>,
}

impl Entry {
    /// Returns true if it is a message, which counts as unread.
    pub(crate) fn is_message(&self) -> bool {
        self.kind == TEXT || self.kind == IMAGE
    }

    /// The pictures of a message.
    pub(crate) fn pictures(&self) -> Vec<Attachment> {
        let text = self.attachments.as_deref();
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
