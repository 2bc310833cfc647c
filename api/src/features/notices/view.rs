//! Notices as their users see them.

use serde::Serialize;
use time::OffsetDateTime;
use toneup_notify::notices::list::Notice;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::features::pictures::{PictureUrls, PictureView, ReadyPicture};

/// Something that other people have done, folded until it is read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NoticeView {
    id: Uuid,
    /// `post.liked`, `post.commented`, `post.mentioned`, `comment.liked`, `comment.replied`, `comment.mentioned`,
    /// `person.followed` or `chat.message`.
    #[serde(rename = "type")]
    kind: String,
    /// What it is about: the post, the comment, the room; the user's own id, if followed.
    subject_id: Uuid,
    /// Who came last.
    actor: ActorView,
    /// How many other people there are; exact up to a thousand.
    others: u32,
    /// How often it has happened.
    times: u32,
    read: bool,
    /// When it happened last.
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
}

/// A person in a notice.
#[derive(Debug, Serialize, ToSchema)]
struct ActorView {
    id: Uuid,
    /// The public number.
    number: u64,
    nickname: String,
    picture: Option<PictureView>,
}

impl NoticeView {
    pub(super) fn new(notice: Notice, urls: &PictureUrls) -> Self {
        let picture = ReadyPicture::new(notice.actor_id, notice.picture_id, notice.thumb_hash);
        Self {
            id: notice.id.0,
            kind: notice.name,
            subject_id: notice.subject_id,
            actor: ActorView {
                id: notice.actor_id.0,
                number: notice.number,
                nickname: notice.nickname,
                picture: picture.map(|one| urls.view(&one)),
            },
            others: notice.actors.saturating_sub(1),
            times: notice.times,
            read: !notice.is_unread,
            changed_at: notice.changed_at,
        }
    }
}

/// A page of notices.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NoticePage {
    /// The latest first.
    pub(super) items: Vec<NoticeView>,
    /// How many are unread, 100 at most.
    pub(super) unread: i64,
    /// The cursor of the next page; null at the end.
    pub(super) next_cursor: Option<String>,
}
