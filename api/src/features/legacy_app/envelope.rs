//! The envelope in which the app expects every answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::ApiError;

/// An answer that tells what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer<T> {
    success: bool,
    /// 200; 0 from the door without a token.
    code: u16,
    message: &'static str,
    data: T,
}

impl<T> Answer<T> {
    pub(super) fn new(code: u16, data: T) -> Json<Self> {
        Json(Self { success: true, code, message: "Ok", data })
    }
}

/// An answer that tells what went wrong.
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

/// Writes an error as the app reads it: the `code` of `/v1` in upper case, but where the app knows a word of its own.
pub(crate) fn write(error: &ApiError, status: StatusCode, code: &str) -> Response {
    let error_code = match error {
        ApiError::TokenExpired => "TOKEN_EXPIRED".to_owned(),
        ApiError::AnalysisFailed(failure) => failure.code.clone(),
        _ => code.to_uppercase(),
    };
    let failure =
        Failure { success: false, code: status.as_u16(), error_code, message: error.to_string() };
    (status, Json(failure)).into_response()
}
