//! Rooms, members and entries as clients see them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Entry;
use super::store::find::Member;
use super::store::list::Room;
use super::unread::Reads;
use crate::features::pictures::{PictureUrls, PictureView, ReadyPicture};

/// An entry of a room's log: a message, or something else that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    /// The number in the room: 1 and up, without gaps.
    pub(crate) seq: u64,
    id: Uuid,
    /// `text` or `image`: a message. `joined`, `left`, `removed`, `renamed`, `picture`, `edited`, `deleted`: what happened.
    kind: String,
    /// Whoever sent it or did it; null once that user is gone.
    sender: Option<Uuid>,
    /// The sender's key of the message.
    client_key: Option<String>,
    /// The text; of `edited` the new one, of `renamed` the new name. Null if the message was deleted.
    pub(crate) text: Option<String>,
    pub(crate) pictures: Vec<PictureView>,
    /// The user whom `joined`, `left` and `removed` are about.
    subject: Option<Uuid>,
    /// The message that was edited or deleted.
    target: Option<u64>,
    /// Members who have not read it.
    unread: usize,
    #[serde(with = "time::serde::rfc3339")]
    sent_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    edited_at: Option<OffsetDateTime>,
    is_deleted: bool,
}

impl EntryView {
    /// Writes an entry.
    pub(crate) fn new(entry: &Entry, unread: usize, urls: &PictureUrls) -> Self {
        let pictures = entry.pictures().into_iter().filter_map(|one| {
            let hash = BASE64_STANDARD.decode(&one.thumb_hash).ok();
            ReadyPicture::new(one.owner, Some(one.id), hash).map(|ready| urls.view(&ready))
        });
        Self {
            seq: entry.seq,
            id: entry.id,
            kind: entry.kind.clone(),
            sender: entry.sender_id.map(|user| user.0),
            client_key: entry.client_key.clone(),
            text: entry.body.clone(),
            pictures: pictures.collect(),
            subject: entry.subject_id.map(|user| user.0),
            target: entry.target_seq,
            unread: if entry.is_message() { unread } else { 0 },
            sent_at: entry.sent_at,
            edited_at: entry.edited_at,
            is_deleted: entry.deleted_at.is_some(),
        }
    }
}

/// Writes entries with the numbers of members who have not read them.
pub(crate) fn entries(found: &[Entry], reads: &Reads, urls: &PictureUrls) -> Vec<EntryView> {
    found.iter().map(|entry| EntryView::new(entry, reads.unread(entry.seq), urls)).collect()
}

/// A person in a room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberView {
    id: Uuid,
    /// The public number.
    number: u64,
    nickname: String,
    picture: Option<PictureView>,
    /// Number of the last entry that the member has read.
    read_seq: u64,
}

impl MemberView {
    /// Writes a member.
    pub(crate) fn new(member: Member, urls: &PictureUrls) -> Self {
        let picture = ReadyPicture::new(member.id, member.picture, member.thumb_hash);
        Self {
            id: member.id.0,
            number: member.number,
            nickname: member.nickname,
            picture: picture.map(|one| urls.view(&one)),
            read_seq: member.read_seq,
        }
    }
}

/// The other person of a direct room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeerView {
    id: Uuid,
    /// The public number.
    pub(crate) number: u64,
    pub(crate) nickname: String,
    pub(crate) picture: Option<PictureView>,
}

/// The newest message of a room, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewView {
    seq: u64,
    /// `text`, `image` or `deleted`.
    kind: String,
    /// The beginning of the text.
    text: Option<String>,
}

/// A room as one of its members sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomView {
    id: Uuid,
    /// The public number, for clients that know numbers only.
    number: u64,
    /// `direct` or `group`.
    kind: String,
    /// The name of a group.
    name: Option<String>,
    /// The picture of a group.
    picture: Option<PictureView>,
    /// The owner of a group.
    owner: Option<Uuid>,
    /// The other person of a direct room; null once that person is gone.
    peer: Option<PeerView>,
    /// How many are in it.
    members: u32,
    /// Number of the newest entry of the log.
    last_seq: u64,
    /// Time of the newest message, or of the creation.
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
    /// The newest message; null before the first that the caller may see.
    preview: Option<PreviewView>,
    /// Number of the last entry that the caller has read.
    read_seq: u64,
    /// Messages that the caller has not read.
    unread: u64,
    /// No notifications.
    muted: bool,
}

impl RoomView {
    /// Writes a room.
    pub(crate) fn new(room: &Room, urls: &PictureUrls) -> Self {
        let picture = room
            .picture_owner
            .and_then(|owner| ReadyPicture::new(owner, room.picture_id, room.thumb_hash.clone()));
        Self {
            id: room.id.0,
            number: room.number,
            kind: room.kind.clone(),
            name: room.name.clone(),
            picture: picture.map(|one| urls.view(&one)),
            owner: room.owner_id.map(|user| user.0),
            peer: peer_of(room, urls),
            members: room.members,
            last_seq: room.last_seq,
            last_at: room.last_at,
            preview: preview_of(room),
            read_seq: room.read_seq,
            unread: room.unread(),
            muted: room.muted,
        }
    }
}

/// The other person of a direct room, while they are there.
pub(crate) fn peer_of(room: &Room, urls: &PictureUrls) -> Option<PeerView> {
    let id = room.peer_id?;
    let picture = ReadyPicture::new(id, room.peer_picture, room.peer_thumb_hash.clone());
    Some(PeerView {
        id: id.0,
        number: room.peer_number?,
        nickname: room.peer_nickname.clone()?,
        picture: picture.map(|one| urls.view(&one)),
    })
}

fn preview_of(room: &Room) -> Option<PreviewView> {
    let kind = room.preview_kind.clone().filter(|_| room.shows_preview())?;
    Some(PreviewView { seq: room.preview_seq, kind, text: room.preview.clone() })
}
