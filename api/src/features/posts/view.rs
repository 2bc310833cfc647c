//! Posts as clients see them.

use serde::Serialize;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{Picture, Post};
use crate::features::people::PersonView;
use crate::features::pictures::{PictureUrls, PictureView, ReadyPicture};

/// A post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostView {
    id: Uuid,
    /// For clients that know numbers only.
    number: u64,
    /// `processing` until all pictures are made, `ready`, or `failed` if one was refused. But for its author, it exists when
    /// it is `ready`.
    state: String,
    author: PersonView,
    text: String,
    pictures: Vec<PostPictureView>,
    likes: u32,
    comments: u32,
    /// The caller likes it.
    is_liked: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    edited_at: Option<OffsetDateTime>,
}

/// An entry of a diary.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    id: Uuid,
    /// For clients that know numbers only.
    number: u64,
    /// As of posts.
    state: String,
    title: String,
    text: String,
    pictures: Vec<PostPictureView>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    edited_at: Option<OffsetDateTime>,
}

/// A picture of a post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PostPictureView {
    id: Uuid,
    /// `pending`, `ready` or `refused`.
    state: String,
    /// Where it is, once it is ready.
    picture: Option<PictureView>,
    /// In pixels, of the largest size.
    width: Option<u16>,
    height: Option<u16>,
    /// Describes the picture; empty if nobody has.
    alt: String,
    /// Why it was refused, e.g. `UNSUPPORTED_FORMAT`.
    error_code: Option<String>,
}

/// A page of posts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostPage {
    pub(crate) items: Vec<PostView>,
    /// The cursor of the next page; null at the end. A page may have fewer posts than asked for, and a next one.
    pub(crate) next_cursor: Option<String>,
}

/// A page of a diary.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryPage {
    pub(crate) items: Vec<EntryView>,
    /// The cursor of the next page; null at the end.
    pub(crate) next_cursor: Option<String>,
}

impl PostView {
    /// Its text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn new(post: Post, urls: &PictureUrls) -> Self {
        let picture =
            ReadyPicture::new(post.user_id, post.author_picture, post.author_thumb_hash.clone());
        Self {
            id: post.id,
            number: post.number,
            likes: post.likes(),
            comments: post.comments(),
            is_liked: post.is_liked(),
            state: post.state,
            author: PersonView {
                id: post.user_id.0,
                number: post.author_number,
                nickname: post.nickname,
                personal_color: post.colour,
                picture: picture.map(|picture| urls.view(&picture)),
            },
            text: post.text,
            pictures: pictures(&post.pictures, post.user_id, urls),
            created_at: post.created_at,
            edited_at: post.edited_at,
        }
    }
}

impl EntryView {
    pub(crate) fn new(post: Post, urls: &PictureUrls) -> Self {
        Self {
            id: post.id,
            number: post.number,
            state: post.state,
            title: post.title,
            text: post.text,
            pictures: pictures(&post.pictures, post.user_id, urls),
            created_at: post.created_at,
            edited_at: post.edited_at,
        }
    }
}

fn pictures(pictures: &[Picture], owner: UserId, urls: &PictureUrls) -> Vec<PostPictureView> {
    let view = |picture: &Picture| {
        let ready = ReadyPicture::new(owner, Some(picture.id), picture.thumb_hash.clone());
        let ready = ready.filter(|_| picture.state == "ready");
        PostPictureView {
            id: picture.id,
            state: picture.state.clone(),
            picture: ready.map(|ready| urls.view(&ready)),
            width: picture.width,
            height: picture.height,
            alt: picture.alt.clone(),
            error_code: picture.error_code.clone(),
        }
    };
    pictures.iter().map(view).collect()
}
