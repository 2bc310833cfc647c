//! The envelope in which the legacy app expects every response.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::problems::ANALYSIS_CODE;
use super::words::words;
use crate::features::accounts::{EXPIRED, REASON, REFRESH_TOKEN_INVALID};
use crate::features::sign_in::CREDENTIAL_INVALID;
use crate::http::problem::ApiError;

/// A successful response.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer<T> {
    success: bool,
    /// 200, or 0: as the app knows it from this endpoint.
    code: u16,
    message: &'static str,
    data: T,
}

impl<T> Answer<T> {
    pub(super) fn new(code: u16, data: T) -> Json<Self> {
        Self::said(code, "Ok", data)
    }

    /// The answer of an endpoint that writes its message otherwise.
    pub(super) fn said(code: u16, message: &'static str, data: T) -> Json<Self> {
        Json(Self { success: true, code, message, data })
    }
}

impl<T: Clone> Answer<Doubled<T>> {
    /// The answer for apps that decode one envelope as for those that decode an envelope in the envelope.
    pub(super) fn doubled(message: &'static str, data: T) -> Json<Self> {
        let (success, code) = (true, 0);
        let data = Doubled { plain: data.clone(), success, code, message, data };
        Json(Self { success, code, message, data })
    }
}

/// The data beside an envelope that holds them once more. One published version of the app decodes an envelope inside
/// `data`, others the data themselves; both leave alone what they do not know.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Doubled<T> {
    #[serde(flatten)]
    plain: T,
    success: bool,
    code: u16,
    message: &'static str,
    data: T,
}

/// Nothing to say.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Nothing {}

/// An error response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    success: bool,
    /// The HTTP status.
    code: u16,
    /// What the app branches on, e.g. `TOKEN_EXPIRED` or `NO_FACE`.
    error_code: String,
    /// For people.
    message: String,
}

/// A refused token of a provider, or a refused refresh token: the app knows these two without a code.
#[derive(Debug, Serialize)]
struct Refused {
    success: bool,
    /// 401.
    code: u16,
    /// For people.
    message: String,
    /// Null.
    data: Option<()>,
}

/// Writes an error in the legacy format: the `code` of `/v1` in upper case, unless the app has a code of its own, or none,
/// and a text in Korean.
pub(crate) fn write_error(error: &ApiError) -> Response {
    let (status, code) = (error.kind().status, error.kind().code);
    let analysis_code = error.extension(ANALYSIS_CODE).and_then(Value::as_str);
    let words = words(code);
    let own = words.and_then(|words| words.code);
    let has_expired = matches!(error, ApiError::TokenExpired)
        || error.extension(REASON).and_then(Value::as_str) == Some(EXPIRED);
    let message = match (error, words) {
        _ if has_expired => "로그인이 만료되었습니다. 다시 로그인해 주세요.".to_owned(),
        // The field is for those who write the app.
        (ApiError::Validation(field), _) => {
            format!("입력값이 올바르지 않습니다. ({}: {})", field.field, field.detail)
        }
        (_, Some(words)) => words.message.to_owned(),
        (_, None) => error.to_string(),
    };
    if !has_expired && [CREDENTIAL_INVALID, REFRESH_TOKEN_INVALID].contains(&error.kind()) {
        let refused = Refused { success: false, code: status.as_u16(), message, data: None };
        return (status, Json(refused)).into_response();
    }
    let (status, error_code) = match (analysis_code, own) {
        _ if has_expired => (status, "TOKEN_EXPIRED".to_owned()),
        (Some(analysis_code), _) => (status, analysis_code.to_owned()),
        (None, Some((status, code))) => (status, code.to_owned()),
        (None, None) => (status, code.to_uppercase()),
    };
    let failure = Failure { success: false, code: status.as_u16(), error_code, message };
    (status, Json(failure)).into_response()
}
