//! The words of notices. The page's words for its list are its own.

use toneup_notify::notices::NoticeKind;

use crate::features::notifications::Words;
use crate::http::language::Language;

/// What a notification tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'a> {
    pub(super) kind: NoticeKind,
    /// Nickname of whoever came last.
    pub(super) actor: &'a str,
    /// How many other people there are.
    pub(super) others: u64,
    /// How often it has happened.
    pub(super) times: u64,
}

/// Puts a notice into words.
pub(super) fn words(telling: Telling<'_>, language: Language) -> Words {
    match language {
        Language::English => Words { title: english(telling), body: "Open ToneUp to see it." },
        Language::Korean => {
            Words { title: korean(telling), body: "ToneUp에서 확인해 보세요." }
        }
    }
}

fn english(telling: Telling<'_>) -> String {
    let Telling { kind, actor, others, times } = telling;
    if kind == NoticeKind::ChatMessage {
        return match times {
            0 | 1 => format!("{actor} sent you a message"),
            _ => format!("{actor}: {times} new messages"),
        };
    }
    let (who, is_one) = match others {
        0 => (actor.to_owned(), true),
        1 => (format!("{actor} and 1 other"), false),
        _ => (format!("{actor} and {others} others"), false),
    };
    let what = match kind {
        NoticeKind::PostLiked if is_one => "likes your post",
        NoticeKind::PostLiked => "like your post",
        NoticeKind::PostCommented => "commented on your post",
        NoticeKind::PostMentioned => "mentioned you in a post",
        NoticeKind::CommentLiked if is_one => "likes your comment",
        NoticeKind::CommentLiked => "like your comment",
        NoticeKind::CommentReplied => "replied to your comment",
        NoticeKind::CommentMentioned => "mentioned you in a comment",
        NoticeKind::PersonFollowed if is_one => "follows you",
        NoticeKind::PersonFollowed => "follow you",
        NoticeKind::ChatMessage => "sent you a message",
    };
    format!("{who} {what}")
}

fn korean(telling: Telling<'_>) -> String {
    let Telling { kind, actor, others, times } = telling;
    let who = match others {
        0 => format!("{actor}님"),
        _ => format!("{actor}님 외 {others}명"),
    };
    let what = match kind {
        NoticeKind::PostLiked => "이 내 게시물을 좋아해요",
        NoticeKind::PostCommented => "이 내 게시물에 댓글을 남겼어요",
        NoticeKind::PostMentioned => "이 게시물에서 나를 언급했어요",
        NoticeKind::CommentLiked => "이 내 댓글을 좋아해요",
        NoticeKind::CommentReplied => "이 내 댓글에 답글을 남겼어요",
        NoticeKind::CommentMentioned => "이 댓글에서 나를 언급했어요",
        NoticeKind::PersonFollowed => "이 나를 팔로우해요",
        NoticeKind::ChatMessage if times > 1 => return format!("{who}: 새 메시지 {times}개"),
        NoticeKind::ChatMessage => "이 메시지를 보냈어요",
    };
    format!("{who}{what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(kind: NoticeKind, others: u64, times: u64, language: Language) -> String {
        words(Telling { kind, actor: "Mina", others, times }, language).title
    }

    #[test]
    fn many_people_are_one_sentence() {
        let english = |others| title(NoticeKind::PostLiked, others, 1, Language::English);
        assert_eq!(english(0), "Mina likes your post");
        assert_eq!(english(1), "Mina and 1 other like your post");
        assert_eq!(english(12), "Mina and 12 others like your post");
        let korean = |others| title(NoticeKind::PostLiked, others, 1, Language::Korean);
        assert_eq!(korean(0), "Mina님이 내 게시물을 좋아해요");
        assert_eq!(korean(12), "Mina님 외 12명이 내 게시물을 좋아해요");
    }

    #[test]
    fn many_messages_are_a_number() {
        let (one, many) = (1, 3);
        let english = |times| title(NoticeKind::ChatMessage, 0, times, Language::English);
        assert_eq!(
            [english(one), english(many)],
            ["Mina sent you a message", "Mina: 3 new messages"]
        );
        let korean = |times| title(NoticeKind::ChatMessage, 0, times, Language::Korean);
        assert_eq!(
            [korean(one), korean(many)],
            ["Mina님이 메시지를 보냈어요", "Mina님: 새 메시지 3개"]
        );
    }
}
