//! Extractors whose rejections are [`ApiError`]s that name the field.

use std::error::Error;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use toneup_platform::trace::TraceParent;

use super::arrival::TooSlow;
use super::problem::ApiError;

/// Largest JSON body, in bytes.
const JSON_LIMIT_BYTES: usize = 64 * 1024;

/// Extractor of a JSON body.
#[derive(Debug)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_coding(request.headers())?;
        if !is_json(request.headers())? {
            return Err(ApiError::UnsupportedMediaType(
                "expected Content-Type: application/json".to_owned(),
            ));
        }
        let body = to_bytes(request.into_body(), JSON_LIMIT_BYTES).await.map_err(unreadable)?;
        parse_json(&body).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> Result<bool, ApiError> {
    let content_type = single(headers, "Content-Type")?.and_then(|value| value.to_str().ok());
    Ok(content_type.is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    }))
}

/// The value of a header that is no list. Of two values neither is chosen silently: they are refused.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a HeaderValue>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(ApiError::invalid(name, "expected once")),
        (value, None) => Ok(value),
    }
}

/// Refuses a body that is compressed: nothing here decompresses, and what it holds would be judged as it arrives.
pub(crate) fn check_coding(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        Ok(())
    } else {
        Err(ApiError::UnsupportedCoding)
    }
}

/// Explains why a body could not be read: too large, too slow, or truncated.
pub fn unreadable(error: impl Error + 'static) -> ApiError {
    if cause_of::<LengthLimitError>(&error).is_some() {
        return ApiError::TooLarge("the body is larger than this path takes".to_owned());
    }
    if cause_of::<TooSlow>(&error).is_some() {
        return ApiError::RequestTimeout;
    }
    ApiError::Malformed(format!("cannot read the body: {error}"))
}

/// The first error of a type among the causes of an error, itself included.
pub(crate) fn cause_of<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Distinguishes text that is not JSON (malformed) from JSON that breaks a rule (validation, naming the field).
fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // Some editors write one; RFC 8259 §8.1 lets a reader pass over it.
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let malformed = |error| ApiError::Malformed(format!("cannot parse the body as JSON: {error}"));
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.into_inner());
        if !inner.is_data() {
            return malformed(inner);
        }
        let text = inner.to_string();
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let detail = text.split(" at line ").next().unwrap_or(&text).to_owned();
        ApiError::invalid(missing.unwrap_or(&path), detail)
    })?;
    deserializer.end().map_err(malformed)?;
    Ok(parsed)
}

/// Reads a member that is there, `null` as a value like any other: so a change that says `null` is no change left out
/// (RFC 7396).
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A member of a change that `null` takes away.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Nullable<T>(pub(crate) Option<T>);

/// Extractor of query parameters.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|rejection| {
            let text = rejection.body_text();
            let detail = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, rest)| rest);
            let repeated = detail.strip_prefix("duplicate field `");
            let repeated = repeated.and_then(|rest| rest.strip_suffix('`'));
            let (field, detail) = match repeated {
                Some(field) => (field, "expected once"),
                None => detail.split_once(": ").unwrap_or(("query", detail)),
            };
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
        for body in
            ["", "{", "contentLength=5", "{\"contentLength\": 5,}", "{\"contentLength\": 5} 6"]
        {
            assert!(matches!(refusal(body), ApiError::Malformed(_)), "{body}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_white_space_are_passed_over() {
        assert!(parse_json::<Body>("\u{feff}{\"contentLength\": 5}\r\n ".as_bytes()).is_ok());
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
