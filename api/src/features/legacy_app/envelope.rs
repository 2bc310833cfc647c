//! The envelope in which the legacy app expects every response.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::problems::ANALYSIS_CODE;
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

/// Writes an error in the legacy format: the `code` of `/v1` in upper case, unless the app has a code of its own.
pub(crate) fn write_error(error: &ApiError) -> Response {
    let (status, code) = (error.kind().status, error.kind().code);
    let analysis_code = error.extension(ANALYSIS_CODE).and_then(Value::as_str);
    let error_code = match (error, analysis_code) {
        (ApiError::TokenExpired, _) => "TOKEN_EXPIRED".to_owned(),
        (_, Some(analysis_code)) => analysis_code.to_owned(),
        _ => code.to_uppercase(),
    };
    let failure =
        Failure { success: false, code: status.as_u16(), error_code, message: error.to_string() };
    (status, Json(failure)).into_response()
}
