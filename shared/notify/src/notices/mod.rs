//! Notices: what a user is told of other people, folded until it is read.
//!
//! A notice is written in the transaction that makes it true ([`tell`]), together with its event and its deliveries. All
//! of one kind about one subject is one notice until the user has read it: "Mina and 12 others like your post".

mod folding;
pub mod list;
pub mod quiet;
pub mod settings;
mod tell;

use serde::{Deserialize, Serialize};
use toneup_platform::identity::UserId;
use uuid::Uuid;

pub use self::tell::{Told, tell};

/// Identifier of a notice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct NoticeId(pub Uuid);

/// Kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Somebody likes the user's post.
    PostLiked,
    /// Somebody has commented on the user's post.
    PostCommented,
    /// Somebody has mentioned the user in a post.
    PostMentioned,
    /// Somebody likes the user's comment.
    CommentLiked,
    /// Somebody has answered the user's comment.
    CommentReplied,
    /// Somebody has mentioned the user in a comment.
    CommentMentioned,
    /// Somebody follows the user.
    PersonFollowed,
    /// Somebody has written in a room of the user's.
    ChatMessage,
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::PostLiked,
        Self::PostCommented,
        Self::PostMentioned,
        Self::CommentLiked,
        Self::CommentReplied,
        Self::CommentMentioned,
        Self::PersonFollowed,
        Self::ChatMessage,
    ];

    /// Name of the kind in SQL and JSON, and of its event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PostLiked => "post.liked",
            Self::PostCommented => "post.commented",
            Self::PostMentioned => "post.mentioned",
            Self::CommentLiked => "comment.liked",
            Self::CommentReplied => "comment.replied",
            Self::CommentMentioned => "comment.mentioned",
            Self::PersonFollowed => "person.followed",
            Self::ChatMessage => "chat.message",
        }
    }

    /// Returns the kind of this name; `None` if only a later version knows it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// True if the same person may be told of again while the notice is unread: a second message is news, a second like of
    /// the same post is not.
    fn repeats(self) -> bool {
        !matches!(self, Self::PostLiked | Self::CommentLiked | Self::PersonFollowed)
    }
}

/// Something to tell a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewNotice {
    /// Who is told.
    pub user: UserId,
    /// What has happened.
    pub kind: NoticeKind,
    /// What it is about: a post, a comment, a room; the user, if followed.
    pub subject: Uuid,
    /// Who has done it.
    pub actor: UserId,
}
