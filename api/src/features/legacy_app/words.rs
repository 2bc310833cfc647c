//! The app's words for errors: its own codes, where it has any, and Korean texts, which it shows to people as they are.

use axum::http::StatusCode;

/// An error in the app's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    /// The app's code and status, where they are not those of `/v1`.
    pub(super) code: Option<(StatusCode, &'static str)>,
    /// Message shown to the person.
    pub(super) message: &'static str,
}

const fn said(message: &'static str) -> Words {
    Words { code: None, message }
}

/// Finds the words for a code of `/v1`. The texts of analyses come from the analyses themselves.
pub(super) fn words(code: &str) -> Option<Words> {
    Some(match code {
        "nickname_invalid" => Words {
            code: Some((StatusCode::BAD_REQUEST, "INVALID_NICKNAME_FORMAT")),
            message: "닉네임은 2~20자의 글자와 숫자만 사용할 수 있습니다.",
        },
        "nickname_taken" => Words {
            code: Some((StatusCode::BAD_REQUEST, "NICKNAME_ALREADY_EXISTS")),
            message: "이미 사용 중인 닉네임입니다.",
        },
        "user_blocked" => said("차단한 사용자입니다. 먼저 차단을 해제해 주세요."),
        "feed_not_found" => said("게시글을 찾을 수 없습니다."),
        "diary_not_found" => said("다이어리를 찾을 수 없습니다."),
        "invalid_title_length" => said("제목은 1~100자로 입력해 주세요."),
        "invalid_content_length" => said("내용은 1~1000자로 입력해 주세요."),
        "invalid_image_count" => said("이미지는 1~5장을 올려 주세요."),
        "forbidden" => said("권한이 없습니다."),
        "room_closed" => said("더 이상 메시지를 보낼 수 없는 채팅방입니다."),
        "client_key_reused" => said("이미 다른 내용으로 보낸 메시지입니다."),
        "malformed" => said("요청을 읽을 수 없습니다."),
        "unauthenticated" => said("로그인이 필요합니다."),
        "credential_invalid" => said("소셜 로그인 정보가 유효하지 않습니다. 다시 로그인해 주세요."),
        "refresh_token_invalid" => said("로그인 정보가 유효하지 않습니다. 다시 로그인해 주세요."),
        "provider_unknown" => said("지원하지 않는 로그인 방식입니다."),
        "provider_needs_browser" => said("이 로그인 방식은 브라우저에서만 사용할 수 있습니다."),
        "provider_unavailable" => {
            said("로그인 서비스에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.")
        }
        "not_found" => said("요청하신 내용을 찾을 수 없습니다."),
        "method_not_allowed" => said("지원하지 않는 요청 방식입니다."),
        "request_timeout" => said("요청 시간이 초과되었습니다. 다시 시도해 주세요."),
        "too_large" => said("파일이 너무 큽니다. 10MB 이하로 올려 주세요."),
        "unsupported_media_type" => said("지원하지 않는 형식입니다."),
        "rate_limited" => said("요청이 너무 많습니다. 잠시 후 다시 시도해 주세요."),
        "unavailable" => said("일시적으로 이용할 수 없습니다. 잠시 후 다시 시도해 주세요."),
        "internal" => said("서버에 오류가 발생했습니다."),
        "result_pending" => said("분석이 진행 중입니다. 잠시 후 같은 사진을 다시 보내 주세요."),
        _ => return None,
    })
}
