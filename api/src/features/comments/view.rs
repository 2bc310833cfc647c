//! Comments as clients see them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::Comment;
use crate::features::people::PersonView;
use crate::features::pictures::{PictureUrls, ReadyPicture};

/// A comment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommentView {
    id: Uuid,
    post_id: Uuid,
    /// The comment that it replies to; null for none.
    parent_id: Option<Uuid>,
    /// Null if it is deleted: what is left of one that has replies.
    author: Option<PersonView>,
    /// Empty if it is deleted.
    text: String,
    likes: u32,
    replies: u32,
    /// The caller likes it.
    is_liked: bool,
    is_deleted: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    edited_at: Option<OffsetDateTime>,
}

/// A page of comments.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommentPage {
    pub(super) items: Vec<CommentView>,
    /// The cursor of the next page; null at the end.
    pub(super) next_cursor: Option<String>,
}

impl CommentView {
    pub(super) fn new(comment: Comment, urls: &PictureUrls) -> Self {
        Self {
            likes: comment.likes(),
            replies: comment.replies(),
            is_liked: comment.is_liked(),
            is_deleted: comment.deleted_at.is_some(),
            author: author(&comment, urls),
            id: comment.id,
            post_id: comment.post,
            parent_id: comment.parent,
            text: comment.text,
            created_at: comment.created_at,
            edited_at: comment.edited_at,
        }
    }
}

fn author(comment: &Comment, urls: &PictureUrls) -> Option<PersonView> {
    let id = comment.user_id?;
    let hash = comment.author_thumb_hash.clone();
    let picture = ReadyPicture::new(id, comment.author_picture, hash);
    Some(PersonView {
        id: id.0,
        number: comment.author_number?,
        nickname: comment.nickname.clone()?,
        personal_color: comment.colour,
        picture: picture.map(|picture| urls.view(&picture)),
    })
}
