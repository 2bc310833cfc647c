//! The envelope in which the legacy app expects every response.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::problems::ANALYSIS_CODE;
use super::words::words;
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
        Json(Self { success: true, code, message: "Ok", data })
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

/// Writes an error in the legacy format: the `code` of `/v1` in upper case, unless the app has a code of its own, and a text
/// in Korean.
pub(crate) fn write_error(error: &ApiError) -> Response {
    let (status, code) = (error.kind().status, error.kind().code);
    let analysis_code = error.extension(ANALYSIS_CODE).and_then(Value::as_str);
    let words = words(code);
    let own = words.and_then(|words| words.code);
    let (status, error_code) = match (error, analysis_code, own) {
        (ApiError::TokenExpired, ..) => (status, "TOKEN_EXPIRED".to_owned()),
        (_, Some(analysis_code), _) => (status, analysis_code.to_owned()),
        (.., Some((status, code))) => (status, code.to_owned()),
        _ => (status, code.to_uppercase()),
    };
    let message = match (error, words) {
        (ApiError::TokenExpired, _) => "로그인이 만료되었습니다. 다시 로그인해 주세요.".to_owned(),
        // The field is for those who write the app.
        (ApiError::Validation(field), _) => {
            format!("입력값이 올바르지 않습니다. ({}: {})", field.field, field.detail)
        }
        (_, Some(words)) => words.message.to_owned(),
        (_, None) => error.to_string(),
    };
    let failure = Failure { success: false, code: status.as_u16(), error_code, message };
    (status, Json(failure)).into_response()
}
