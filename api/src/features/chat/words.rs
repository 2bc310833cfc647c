//! Texts that old clients show as they are.

/// Shown to those who stay, when somebody leaves.
pub(crate) fn left_room(nickname: Option<&str>) -> String {
    match nickname {
        Some(nickname) => format!("{nickname}님이 채팅방을 나갔습니다."),
        None => "상대방이 채팅방을 나갔습니다.".to_owned(),
    }
}

/// The nickname of whoever is gone.
pub(crate) const NOBODY: &str = "알 수 없음";
