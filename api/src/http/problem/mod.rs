//! Errors at the edge: one enum and one format (RFC 9457). A feature raises its own kinds through [`ApiError::Feature`].

mod kind;
mod render;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use toneup_platform::batch::BatchError;
use toneup_platform::objects::ObjectError;
use utoipa::ToSchema;

pub use self::kind::{FeatureProblem, PROBLEMS, ProblemKind};
pub use self::render::{ErrorWriter, PROBLEM_JSON, Problem, Renderer};
pub(crate) use self::render::{panicked, render};

/// `Retry-After` for a service that is unavailable.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(2);

/// Every way in which a request can fail.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// A part of the request breaks a rule.
    #[error("{}: {}", .0.field, .0.detail)]
    Validation(FieldError),
    /// The token is missing or invalid.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The access token was valid once.
    #[error("the access token has expired; refresh it")]
    TokenExpired,
    /// The caller may not do this: operators only.
    #[error("this is for operators; your token is not an operator's")]
    Forbidden,
    /// The resource does not exist, or belongs to somebody else.
    #[error("there is nothing here for you")]
    NotFound,
    /// The path exists, the method does not.
    #[error("this path does not take that method")]
    MethodNotAllowed,
    /// The client accepts no media type that this path offers.
    #[error("this path answers with text/event-stream, which the request does not accept")]
    NotAcceptable,
    /// The body did not arrive in time.
    #[error("the request took too long to arrive")]
    RequestTimeout,
    /// The body is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The body's media type is not supported.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The body is compressed.
    #[error("Content-Encoding: expected none; send the body as it is")]
    UnsupportedCoding,
    /// The client or user has exceeded a rate limit.
    #[error("too many requests; try again in {} s", .retry_after.as_secs())]
    RateLimited {
        /// Time until the next request will be accepted.
        retry_after: Duration,
    },
    /// A dependency is unavailable; nothing was accepted.
    #[error("the service cannot take this right now; please repeat the request")]
    Unavailable(#[source] anyhow::Error),
    /// The server has a defect.
    #[error("an internal error occurred")]
    Internal(#[from] anyhow::Error),
    /// A feature refuses the request for a reason of its own.
    #[error(transparent)]
    Feature(Box<FeatureProblem>),
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
    /// Reports that `field` breaks a rule; `detail` names the expected value.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::Validation(FieldError { field: field.to_owned(), detail: detail.into() })
    }

    /// The kind of problem that a client is told.
    pub fn kind(&self) -> ProblemKind {
        match self {
            Self::Malformed(_) => kind::MALFORMED,
            Self::Validation(_) => kind::VALIDATION_FAILED,
            Self::Unauthenticated(_) | Self::TokenExpired => kind::UNAUTHENTICATED,
            Self::Forbidden => kind::FORBIDDEN,
            Self::NotFound => kind::NOT_FOUND,
            Self::MethodNotAllowed => kind::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => kind::NOT_ACCEPTABLE,
            Self::RequestTimeout => kind::REQUEST_TIMEOUT,
            Self::TooLarge(_) => kind::TOO_LARGE,
            Self::UnsupportedMediaType(_) | Self::UnsupportedCoding => kind::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited { .. } => kind::RATE_LIMITED,
            Self::Unavailable(_) => kind::UNAVAILABLE,
            Self::Internal(_) => kind::INTERNAL,
            Self::Feature(problem) => problem.kind,
        }
    }

    /// An extension member of a feature's problem.
    pub fn extension(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Feature(problem) => problem.extensions.get(name),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Unavailable(_) => Some(UNAVAILABLE_RETRY),
            Self::Feature(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// Translates a response that a library produced.
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

impl From<FeatureProblem> for ApiError {
    fn from(problem: FeatureProblem) -> Self {
        Self::Feature(Box::new(problem))
    }
}

impl From<sqlx::Error> for ApiError {
    /// Treats an unreachable database as an outage, and an unexpected answer as a defect.
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

/// Carries the error to [`render`], which knows the trace.
#[derive(Clone)]
struct Raised(Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.kind().status.into_response();
        response.extensions_mut().insert(Raised(Arc::new(self)));
        response
    }
}
