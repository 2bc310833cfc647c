//! Extractors whose rejections are [`ApiError`]s that name the field.

use std::error::Error;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use toneup_platform::trace::TraceParent;
use tower_http::timeout::TimeoutError;

use super::problem::ApiError;

/// Largest JSON body, in bytes.
const JSON_LIMIT_BYTES: usize = 64 * 1024;

/// A JSON body.
#[derive(Debug)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType(
                "expected Content-Type: application/json".to_owned(),
            ));
        }
        let body = to_bytes(request.into_body(), JSON_LIMIT_BYTES).await.map_err(unreadable)?;
        parse_json(&body).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

/// Explains why a body could not be read: too large, too slow, or truncated.
pub fn unreadable(error: impl Error + 'static) -> ApiError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return ApiError::TooLarge("the body is larger than this path takes".to_owned());
        }
        if error.is::<TimeoutError>() {
            return ApiError::RequestTimeout;
        }
        cause = error.source();
    }
    ApiError::Malformed(format!("cannot read the body: {error}"))
}

/// Distinguishes text that is not JSON (malformed) from JSON that breaks a rule (validation, naming the field).
fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.into_inner());
        if !inner.is_data() {
            return ApiError::Malformed(format!("cannot parse the body as JSON: {inner}"));
        }
        let text = inner.to_string();
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let detail = text.split(" at line ").next().unwrap_or(&text).to_owned();
        ApiError::invalid(missing.unwrap_or(&path), detail)
    })
}

/// Query parameters.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|rejection| {
            let text = rejection.body_text();
            let detail = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, rest)| rest);
            let (field, detail) = detail.split_once(": ").unwrap_or(("query", detail));
            ApiError::invalid(field, detail)
        })
    }
}

/// Ids in the path. Malformed ids are answered with 404.
#[derive(Debug, Clone, Copy)]
pub struct IdPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for IdPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| ApiError::NotFound)
    }
}

/// The request's trace; the server begins one when the client sent none.
#[derive(Debug, Clone, Copy)]
pub struct Trace(pub TraceParent);

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(parts.extensions.get::<TraceParent>().copied().unwrap_or_default().onward()))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[expect(dead_code, reason = "only its parsing is looked at")]
        content_length: u64,
    }

    fn refusal(body: &str) -> ApiError {
        parse_json::<Body>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn text_that_is_no_json_is_malformed() {
        for body in ["", "{", "contentLength=5", "{\"contentLength\": 5,}"] {
            assert!(matches!(refusal(body), ApiError::Malformed(_)), "{body}");
        }
    }

    #[test]
    fn json_that_breaks_a_rule_names_the_field() {
        for body in ["{}", r#"{"contentLength": -1}"#, r#"{"contentLength": "5"}"#] {
            match refusal(body) {
                ApiError::Validation(error) => assert_eq!(error.field, "contentLength", "{body}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }
}
