//! The envelope in which the legacy app expects every response.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::problems::ANALYSIS_CODE;
use crate::features::accounts::{EXPIRED, REASON, REFRESH_TOKEN_INVALID};
use crate::features::sign_in::CREDENTIAL_INVALID;
use crate::http::problem::ApiError;

/// A successful response.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer<T> {
    success: bool,
    /// 200; 0 from the endpoint without a token.
    code: u16,
    message: &'static str,
    data: T,
}

impl<T> Answer<T> {
    pub(super) fn new(code: u16, data: T) -> Json<Self> {
        Json(Self { success: true, code, message: "Ok", data })
    }
}

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

/// Writes an error in the legacy format: the `code` of `/v1` in upper case, unless the app has a code of its own, or none.
pub(crate) fn write_error(error: &ApiError) -> Response {
    let has_expired = matches!(error, ApiError::TokenExpired)
        || error.extension(REASON).and_then(Value::as_str) == Some(EXPIRED);
    if !has_expired && [CREDENTIAL_INVALID, REFRESH_TOKEN_INVALID].contains(&error.kind()) {
        let (status, message) = (error.kind().status, error.to_string());
        let refused = Refused { success: false, code: status.as_u16(), message, data: None };
        return (status, Json(refused)).into_response();
    }
    let (status, code) = (error.kind().status, error.kind().code);
    let analysis_code = error.extension(ANALYSIS_CODE).and_then(Value::as_str);
    let error_code = match analysis_code {
        _ if has_expired => "TOKEN_EXPIRED".to_owned(),
        Some(analysis_code) => analysis_code.to_owned(),
        None => code.to_uppercase(),
    };
    let failure =
        Failure { success: false, code: status.as_u16(), error_code, message: error.to_string() };
    (status, Json(failure)).into_response()
}
