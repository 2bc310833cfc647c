//! Writing errors as responses.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use toneup_platform::trace::TraceParent;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{self, Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use super::{ApiError, FieldError, Raised};

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Writes an error in another format than `problem+json`.
pub type ErrorWriter = fn(&ApiError) -> Response;

/// Chooses the format of an error by the request's path. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Renderer(Arc<[(&'static str, ErrorWriter)]>);

impl Renderer {
    /// Uses each writer for the paths at and below its prefix, and `problem+json` for all others.
    pub fn new(writers: impl IntoIterator<Item = (&'static str, ErrorWriter)>) -> Self {
        Self(writers.into_iter().collect())
    }

    fn writer(&self, path: &str) -> Option<ErrorWriter> {
        let owns = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.0.iter().find(|(prefix, _)| owns(prefix)).map(|(_, writer)| *writer)
    }
}

/// An error as it is sent (RFC 9457 §3).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Identifies the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Describes this occurrence.
    pub detail: String,
    /// Stable; clients branch on it.
    pub code: &'static str,
    /// Finds this request in the logs.
    pub trace_id: String,
    /// Members that the kind of problem adds.
    #[serde(flatten)]
    pub extensions: BTreeMap<&'static str, Value>,
    /// The parts of the request that broke a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// Describes an error for a client.
    pub(crate) fn new(error: &ApiError, trace: TraceParent) -> Self {
        let kind = error.kind();
        Self {
            kind: format!("urn:toneup:problem:{}", kind.code),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: error.to_string(),
            code: kind.code,
            trace_id: trace.trace_id(),
            extensions: match error {
                ApiError::Feature(problem) => problem.extensions.clone(),
                _ => BTreeMap::new(),
            },
            errors: match error {
                ApiError::Validation(field) => vec![field.clone()],
                _ => Vec::new(),
            },
        }
    }
}

/// Documents the error responses that every operation can return.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().content(PROBLEM_JSON, content).build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

/// Responds to a request whose handler panicked.
pub(crate) fn panicked() -> Response {
    ApiError::Internal(anyhow::anyhow!("panicked; the hook logged where")).into_response()
}

/// Middleware: writes every error as a problem, and logs its cause once, inside the request's span.
pub(crate) async fn render(
    State(renderer): State<Renderer>,
    request: Request,
    next: Next,
) -> Response {
    let begun = request.extensions().get::<TraceParent>().copied();
    let trace = TraceParent::current().or(begun).unwrap_or_default();
    let writer = renderer.writer(request.uri().path());
    let mut response = next.run(request).await;
    if response.status().as_u16() < 400 {
        return response;
    }
    let raised = response.extensions_mut().remove::<Raised>();
    let error = raised
        .map_or_else(|| Arc::new(ApiError::from_status(response.status())), |Raised(error)| error);
    match &*error {
        ApiError::Internal(cause) => tracing::error!("{cause:#}"),
        ApiError::Unavailable(cause) => tracing::warn!("{cause:#}"),
        error => tracing::debug!(%error, "refused"),
    }
    let body = writer.map_or_else(|| write(&error, trace), |writer| writer(&error));
    with_headers(body, &error, &response)
}

fn write(error: &ApiError, trace: TraceParent) -> Response {
    let mut response =
        (error.kind().status, axum::Json(Problem::new(error, trace))).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

/// Adds the error's headers, and keeps those of the original response that still apply (`Allow`).
fn with_headers(mut response: Response, error: &ApiError, original: &Response) -> Response {
    let headers = response.headers_mut();
    if error.kind().status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let ApiError::UnsupportedCoding = error {
        // RFC 9110 §12.5.3.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if let Some(retry_after) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, retry_after.as_secs().max(1).into());
    }
    if let Some(allow) = original.headers().get(header::ALLOW) {
        headers.insert(header::ALLOW, allow.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_owns_its_path_and_those_below_it() {
        let renderer =
            Renderer::new([("/api", (|_| StatusCode::OK.into_response()) as ErrorWriter)]);
        for path in ["/api", "/api/personalcolor", "/api/nothing/here"] {
            assert!(renderer.writer(path).is_some(), "{path}");
        }
        for path in ["/apis", "/v1/api/x", "/"] {
            assert!(renderer.writer(path).is_none(), "{path}");
        }
    }
}
