//! Errors at the edge: one enum, one format (RFC 9457). Status codes of errors appear in this file only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use toneup_shared::analyses::Status;
use toneup_shared::analyses::outcome::AnalysisError;
use toneup_shared::batch::BatchError;
use toneup_shared::objects::ObjectError;
use toneup_shared::trace::TraceParent;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{self, Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use crate::features::legacy_app::{self, envelope};

/// Media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How long a client should leave a service alone that is not there.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(2);

/// Everything a request can fail with. A variant's `code` is public API: clients branch on it, so it never changes.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// A part of the request breaks a rule.
    #[error("{}: {}", .0.field, .0.detail)]
    Validation(FieldError),
    /// No token, or none that counts.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The access token was good once.
    #[error("the access token has expired; refresh it")]
    TokenExpired,
    /// The refresh token is unknown, expired or was used before.
    #[error("the refresh token is unknown, expired or was used before; start a new session")]
    RefreshTokenInvalid,
    /// The caller may not do this: operators only.
    #[error("this is for operators; your token is not an operator's")]
    Forbidden,
    /// No such thing, or not the caller's.
    #[error("there is nothing here for you")]
    NotFound,
    /// The path exists, the method does not.
    #[error("this path does not take that method")]
    MethodNotAllowed,
    /// The client does not accept what this path has.
    #[error("this path answers with text/event-stream, which the request does not accept")]
    NotAcceptable,
    /// The body did not arrive in time.
    #[error("the request took too long to arrive")]
    RequestTimeout,
    /// The body is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The body is of a type we do not read.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The idempotency key came with another request before.
    #[error("this Idempotency-Key was used before, with another request")]
    IdempotencyKeyReused,
    /// The analysis has ended, so that it cannot be cancelled.
    #[error("the analysis has ended already: it {}", .0.as_str())]
    AlreadyFinished(Status),
    /// The caller has a webhook with this URL.
    #[error("you have a webhook with this URL already")]
    WebhookExists,
    /// The caller has as many webhooks as anybody may have.
    #[error("you have {0} webhooks, as many as anybody may have")]
    TooManyWebhooks(u32),
    /// Nothing is sent to a webhook that is disabled.
    #[error("the webhook is disabled; enable it first")]
    WebhookDisabled,
    /// The caller has as many browsers or phones as anybody may have.
    #[error("you have {0} push subscriptions of this kind, as many as anybody may have")]
    TooManyPushSubscriptions(u32),
    /// This installation has no keys for what the caller wants to be told by.
    #[error("pushes to {0} are not set up here")]
    PushUnavailable(&'static str),
    /// The analysis that was waited for ended without a result.
    #[error("{}", .0.message)]
    AnalysisFailed(AnalysisError),
    /// The analysis takes longer than the request may wait.
    #[error(
        "the analysis takes longer than this request may; it goes on, and sending the photo again finds it"
    )]
    ResultPending,
    /// Events that the client has not seen are not kept any more, or never were.
    #[error("{0}")]
    HistoryGone(&'static str),
    /// The deadline would pass before the answer is there.
    #[error("the answer would come too late: it takes about {:.0} s", .estimated_wait.as_secs_f64().ceil())]
    DeadlineUnreachable {
        /// How long the answer would probably take.
        estimated_wait: Duration,
    },
    /// The caller has as many unfinished analyses as anybody may have.
    #[error("you have as many unfinished analyses as anybody may have; one ends in about {} s", .retry_after.as_secs())]
    TooManyAnalyses {
        /// When one of them has probably ended.
        retry_after: Duration,
    },
    /// More analyses wait than the system takes.
    #[error("too many analyses are waiting; try again in {} s", .retry_after.as_secs())]
    QueueFull {
        /// When one more will probably be taken.
        retry_after: Duration,
    },
    /// Too many of these from this address, or of this user.
    #[error("too many requests; try again in {} s", .retry_after.as_secs())]
    RateLimited {
        /// When the next one will be taken.
        retry_after: Duration,
    },
    /// Something we need is not there; nothing was accepted.
    #[error("the service cannot take this right now; please repeat the request")]
    Unavailable(#[source] anyhow::Error),
    /// A defect of ours.
    #[error("an internal error occurred")]
    Internal(#[from] anyhow::Error),
}

/// A part of a request that breaks a rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// Its name: a JSON path, a query parameter, a header or a form part.
    pub field: String,
    /// What was expected.
    pub detail: String,
}

impl ApiError {
    /// `field` breaks a rule; `detail` says what was expected.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::Validation(FieldError { field: field.to_owned(), detail: detail.into() })
    }

    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::Malformed(_) => (S::BAD_REQUEST, "malformed", "Malformed request"),
            Self::Validation(_) => {
                (S::UNPROCESSABLE_ENTITY, "validation_failed", "Validation failed")
            }
            Self::Unauthenticated(_) | Self::TokenExpired => {
                (S::UNAUTHORIZED, "unauthenticated", "Not signed in")
            }
            Self::RefreshTokenInvalid => {
                (S::UNAUTHORIZED, "refresh_token_invalid", "Refresh token invalid")
            }
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "Operators only"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "Not found"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
            }
            Self::NotAcceptable => (S::NOT_ACCEPTABLE, "not_acceptable", "Not acceptable"),
            Self::RequestTimeout => (S::REQUEST_TIMEOUT, "request_timeout", "Request timeout"),
            Self::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, "too_large", "Too large"),
            Self::UnsupportedMediaType(_) => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type")
            }
            Self::IdempotencyKeyReused => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key reused")
            }
            Self::AlreadyFinished(_) => (S::CONFLICT, "already_finished", "Already finished"),
            Self::WebhookExists => (S::CONFLICT, "webhook_exists", "Webhook exists"),
            Self::TooManyWebhooks(_) => (S::CONFLICT, "too_many_webhooks", "Too many webhooks"),
            Self::WebhookDisabled => (S::CONFLICT, "webhook_disabled", "Webhook disabled"),
            Self::TooManyPushSubscriptions(_) => {
                (S::CONFLICT, "too_many_push_subscriptions", "Too many push subscriptions")
            }
            Self::PushUnavailable(_) => {
                (S::NOT_IMPLEMENTED, "push_unavailable", "Pushes unavailable")
            }
            // Whether the photo is at fault, or it may go well next time.
            Self::AnalysisFailed(AnalysisError { retryable: false, .. }) => {
                (S::UNPROCESSABLE_ENTITY, "analysis_failed", "Analysis failed")
            }
            Self::AnalysisFailed(_) => {
                (S::SERVICE_UNAVAILABLE, "analysis_failed", "Analysis failed")
            }
            Self::ResultPending => (S::GATEWAY_TIMEOUT, "result_pending", "Result pending"),
            Self::HistoryGone(_) => (S::GONE, "history_gone", "History gone"),
            Self::DeadlineUnreachable { .. } => {
                (S::UNPROCESSABLE_ENTITY, "deadline_unreachable", "Deadline unreachable")
            }
            Self::TooManyAnalyses { .. } => {
                (S::TOO_MANY_REQUESTS, "too_many_analyses", "Too many unfinished analyses")
            }
            Self::QueueFull { .. } => (S::TOO_MANY_REQUESTS, "queue_full", "Queue full"),
            Self::RateLimited { .. } => (S::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Self::Unavailable(_) => {
                (S::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable")
            }
            Self::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::TooManyAnalyses { retry_after }
            | Self::QueueFull { retry_after } => Some(*retry_after),
            Self::Unavailable(_) | Self::ResultPending => Some(UNAVAILABLE_RETRY),
            _ => None,
        }
    }

    /// The error that an answer made by a library stands for.
    fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge("the request is too large".to_owned()),
            StatusCode::SERVICE_UNAVAILABLE => {
                Self::Unavailable(anyhow::anyhow!("the request took too long"))
            }
            status if status.is_client_error() => {
                Self::Malformed(status.canonical_reason().unwrap_or("bad request").to_owned())
            }
            status => Self::Internal(anyhow::anyhow!("answered {status}")),
        }
    }
}

impl From<sqlx::Error> for ApiError {
    /// A database that cannot be reached is an outage; an answer that surprises us is a defect.
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => {
                Self::Unavailable(error.into())
            }
            // MySQL's classes 08 (connection) and 70100 (query interrupted): the server is going away.
            E::Database(ref cause)
                if cause.code().is_some_and(|code| code.starts_with("08") || code == "70100") =>
            {
                Self::Unavailable(error.into())
            }
            error => Self::Internal(error.into()),
        }
    }
}

impl From<BatchError<sqlx::Error>> for ApiError {
    fn from(error: BatchError<sqlx::Error>) -> Self {
        Self::Unavailable(anyhow::anyhow!("{error}"))
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        Self::Unavailable(error.into())
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
    /// What went wrong this time.
    pub detail: String,
    /// Stable; clients branch on it.
    pub code: &'static str,
    /// Finds this request in the logs.
    pub trace_id: String,
    /// How long the answer would probably take, where that is why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_wait_seconds: Option<f64>,
    /// The parts of the request that broke a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What every operation may answer with, in its description.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().content(PROBLEM_JSON, content).build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

/// Carries the error to [`render`], which knows the trace.
#[derive(Clone)]
struct Raised(Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.parts().0.into_response();
        response.extensions_mut().insert(Raised(Arc::new(self)));
        response
    }
}

/// The answer to a request whose handler panicked.
pub(crate) fn panicked() -> Response {
    ApiError::Internal(anyhow::anyhow!("panicked; the hook logged where")).into_response()
}

/// Middleware: writes every error as a problem, and logs its cause once, inside the request's span.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let begun = request.extensions().get::<TraceParent>().copied();
    let trace = TraceParent::current().or(begun).unwrap_or_default();
    let for_app = legacy_app::owns(request.uri().path());
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
    let (status, code, _) = error.parts();
    let body =
        if for_app { envelope::write(&error, status, code) } else { write(&error, status, trace) };
    with_headers(body, &error, &response)
}

fn write(error: &ApiError, status: StatusCode, trace: TraceParent) -> Response {
    let mut response = (status, axum::Json(Problem::new(error, trace))).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

impl Problem {
    /// An error as it is told to a client.
    pub(crate) fn new(error: &ApiError, trace: TraceParent) -> Self {
        let (status, code, title) = error.parts();
        Self {
            kind: format!("urn:toneup:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: error.to_string(),
            code,
            trace_id: trace.trace_id(),
            estimated_wait_seconds: match error {
                ApiError::DeadlineUnreachable { estimated_wait } => {
                    Some(estimated_wait.as_secs_f64())
                }
                _ => None,
            },
            errors: match error {
                ApiError::Validation(field) => vec![field.clone()],
                _ => Vec::new(),
            },
        }
    }
}

/// What an error says in headers, over what the answer already carries (`Allow`, for example).
fn with_headers(mut response: Response, error: &ApiError, original: &Response) -> Response {
    let headers = response.headers_mut();
    if error.parts().0 == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(retry_after) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, retry_after.as_secs().max(1).into());
    }
    if let Some(allow) = original.headers().get(header::ALLOW) {
        headers.insert(header::ALLOW, allow.clone());
    }
    response
}
