//! Analyses: jobs whose payload is a photo and whose result is a season.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;
use sqlx::types::time::OffsetDateTime;
use toneup_jobs::document::Document;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::outcome::JobError;
use toneup_jobs::store::read::{self, Filter, Job};
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

use crate::result::AnalysisResult;

/// Name of the kind.
pub const ANALYSIS: &str = "analysis";

/// Payload of an analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisPayload {
    /// Key of the photo in the object store, under its owner's prefix; of several, of the first.
    pub object_key: String,
    /// Keys of the person's other photos. Beside the first, not in one list with it: a worker of the previous release
    /// answers with the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_keys: Vec<String>,
    /// What the client notes with the analysis, and is told with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// URL that is called when the analysis ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

impl AnalysisPayload {
    /// An analysis of this photo, and nothing else.
    pub fn of(object_key: impl Into<String>) -> Self {
        Self {
            object_key: object_key.into(),
            other_keys: Vec::new(),
            metadata: BTreeMap::new(),
            webhook: None,
        }
    }

    /// Keys of all its photos, the first first.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        [&self.object_key].into_iter().chain(&self.other_keys).map(String::as_str)
    }
}

/// An analysis as stored.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// Identifier of the analysis.
    pub id: JobId,
    /// Owner of the analysis.
    pub user: UserId,
    /// Current state of the analysis.
    pub status: Status,
    /// Number of changes so far; grows with every one.
    pub version: u32,
    /// Number of attempts started.
    pub attempt: u16,
    /// Time at which the analysis was submitted.
    pub created_at: OffsetDateTime,
    /// Time after which the result is of no use; `None` for no deadline.
    pub deadline: Option<OffsetDateTime>,
    /// Start of the first attempt.
    pub started_at: Option<OffsetDateTime>,
    /// Time at which the analysis ended; `None` while unfinished.
    pub finished_at: Option<OffsetDateTime>,
    /// Result; `None` unless the analysis succeeded.
    pub result: Option<AnalysisResult>,
    /// Error; `None` unless the analysis ended without a result.
    pub error: Option<JobError>,
    /// What the client noted with the analysis.
    pub metadata: BTreeMap<String, String>,
    /// Trace of the request that submitted the analysis.
    pub trace: Option<TraceParent>,
}

impl TryFrom<Job> for Analysis {
    type Error = sqlx::Error;

    /// Parses a job's result. One of another shape breaks an invariant of the table.
    fn try_from(job: Job) -> Result<Self, sqlx::Error> {
        let result = job.result.as_ref().map(Document::read).transpose();
        let result = result.map_err(|error| unreadable(job.id, "job_outcomes.result", &error))?;
        Ok(Self {
            id: job.id,
            user: job.user,
            status: job.status,
            version: job.version,
            attempt: job.attempt,
            created_at: job.created_at,
            deadline: job.deadline,
            started_at: job.started_at,
            finished_at: job.finished_at,
            result,
            error: job.error,
            metadata: metadata(&job.payload),
            trace: job.trace,
        })
    }
}

fn metadata(payload: &Document) -> BTreeMap<String, String> {
    payload.read().map(|payload: AnalysisPayload| payload.metadata).unwrap_or_default()
}

fn unreadable(job: JobId, column: &str, error: &serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(format!("{column} of job {}: {error}", job.0).into())
}

fn all(jobs: Vec<Job>) -> Result<Vec<Analysis>, sqlx::Error> {
    jobs.into_iter().map(Analysis::try_from).collect()
}

/// Finds a user's analysis; `None` for another user's.
pub async fn find_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    id: JobId,
) -> Result<Option<Analysis>, sqlx::Error> {
    let job = read::find_owned(conn, ANALYSIS, user, id).await?;
    job.map(Analysis::try_from).transpose()
}

/// Lists a user's analyses, newest first, from just before `before`.
pub async fn list_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    filter: Filter,
    before: Option<JobId>,
    limit: u32,
) -> Result<Vec<Analysis>, sqlx::Error> {
    all(read::list_owned(conn, ANALYSIS, user, filter, before, limit).await?)
}

/// Lists a user's unfinished analyses, oldest first.
pub async fn list_active(
    conn: &mut MySqlConnection,
    user: UserId,
    limit: u32,
) -> Result<Vec<Analysis>, sqlx::Error> {
    all(read::list_active(conn, ANALYSIS, user, limit).await?)
}

/// Lists the unfinished analyses of several users, each user's oldest first; at most `limit` of all together.
pub async fn list_active_of(
    conn: &mut MySqlConnection,
    users: impl Iterator<Item = UserId>,
    limit: u32,
) -> Result<Vec<Analysis>, sqlx::Error> {
    all(read::list_active_of(conn, ANALYSIS, users, limit).await?)
}

/// Finds analyses of any owner, in no particular order.
pub async fn find_all(
    conn: &mut MySqlConnection,
    ids: impl IntoIterator<Item = JobId>,
) -> Result<Vec<Analysis>, sqlx::Error> {
    let jobs = read::find_all(conn, &ids.into_iter().collect()).await?;
    all(jobs.into_iter().filter(|job| job.kind == ANALYSIS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_of_one_photo_has_the_shape_of_the_previous_release() {
        let mut payload = AnalysisPayload::of("u/x/1.jpg");
        let json = serde_json::to_value(&payload).unwrap();
        assert_eq!(json, serde_json::json!({ "objectKey": "u/x/1.jpg" }));
        assert_eq!(serde_json::from_value::<AnalysisPayload>(json).unwrap(), payload);

        payload.other_keys = vec!["u/x/2.jpg".to_owned(), "u/x/3.jpg".to_owned()];
        let json = serde_json::to_value(&payload).unwrap();
        assert_eq!(json["objectKey"], "u/x/1.jpg");
        let read: AnalysisPayload = serde_json::from_value(json).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["u/x/1.jpg", "u/x/2.jpg", "u/x/3.jpg"]);
    }
}
