//! Analysis ids in paths.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use toneup_jobs::job::JobId;

use crate::http::extract::IdPath;
use crate::http::problem::ApiError;

/// An analysis's id in the path. A malformed id is answered with 404.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnalysisPath(pub(crate) JobId);

impl<S: Send + Sync> FromRequestParts<S> for AnalysisPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        IdPath::from_request_parts(parts, state).await.map(|IdPath(id)| Self(id))
    }
}
