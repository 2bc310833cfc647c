//! What is reported, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Kind of a thing that can be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReportKind {
    /// A post.
    Post,
    /// A comment.
    Comment,
    /// A person.
    User,
    /// A message in a room.
    Message,
}

impl ReportKind {
    /// The word used in SQL and JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Comment => "comment",
            Self::User => "user",
            Self::Message => "message",
        }
    }

    /// The kind of this word.
    pub(super) fn named(word: &str) -> Option<Self> {
        let all = [Self::Post, Self::Comment, Self::User, Self::Message];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Reason of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reason {
    /// Advertising, or the same again and again.
    Spam,
    /// Insults, threats, hatred.
    Abuse,
    /// Nudity or sex.
    Nudity,
    /// Violence.
    Violence,
    /// Deceit, or asking for money.
    Fraud,
    /// Somebody else's pictures or words.
    Copyright,
    /// Something else; the description says what.
    Other,
}

impl Reason {
    /// The word used in SQL and JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Abuse => "abuse",
            Self::Nudity => "nudity",
            Self::Violence => "violence",
            Self::Fraud => "fraud",
            Self::Copyright => "copyright",
            Self::Other => "other",
        }
    }

    /// The reason of a client that sends free words: one of ours, or another.
    pub(crate) fn of(word: &str) -> Self {
        let all =
            [Self::Spam, Self::Abuse, Self::Nudity, Self::Violence, Self::Fraud, Self::Copyright];
        let named = all.into_iter().find(|reason| reason.as_str().eq_ignore_ascii_case(word));
        named.unwrap_or(Self::Other)
    }
}
