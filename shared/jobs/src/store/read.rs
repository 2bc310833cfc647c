//! Queries of jobs. Every lookup for a caller takes the kind and the owner: another's row is indistinguishable from no
//! row.

use std::collections::{BTreeSet, HashMap};

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

use crate::document::Document;
use crate::job::{JobId, Status};
use crate::outcome::JobError;

/// A job as stored.
#[derive(Debug, Clone)]
pub struct Job {
    /// Identifier of the job.
    pub id: JobId,
    /// Name of the job's kind.
    pub kind: String,
    /// Owner of the job.
    pub user: UserId,
    /// Input of the handler.
    pub payload: Document,
    /// Current state of the job.
    pub status: Status,
    /// Number of changes so far; grows with every one.
    pub version: u32,
    /// Number of attempts started.
    pub attempt: u16,
    /// Time at which the job was submitted.
    pub created_at: OffsetDateTime,
    /// Time after which the result is of no use; `None` for no deadline.
    pub deadline: Option<OffsetDateTime>,
    /// Start of the first attempt.
    pub started_at: Option<OffsetDateTime>,
    /// Time at which the job ended; `None` while unfinished.
    pub finished_at: Option<OffsetDateTime>,
    /// Result; `None` unless the job succeeded.
    pub result: Option<Document>,
    /// Error; `None` unless the job ended without a result.
    pub error: Option<JobError>,
    /// Trace of the request that submitted the job.
    pub trace: Option<TraceParent>,
}

#[derive(FromRow)]
struct Row {
    id: JobId,
    kind: String,
    user_id: UserId,
    payload: Document,
    status: Status,
    version: u32,
    attempt: u16,
    created_at: OffsetDateTime,
    deadline: Option<OffsetDateTime>,
    started_at: Option<OffsetDateTime>,
    finished_at: Option<OffsetDateTime>,
    result: Option<Document>,
    error_code: Option<String>,
    error_message: Option<String>,
    error_retryable: Option<bool>,
    traceparent: Option<String>,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        let error = row.error_code.map(|code| JobError {
            code,
            message: row.error_message.unwrap_or_default(),
            retryable: row.error_retryable.unwrap_or_default(),
        });
        Self {
            id: row.id,
            kind: row.kind,
            user: row.user_id,
            payload: row.payload,
            status: row.status,
            version: row.version,
            attempt: row.attempt,
            created_at: row.created_at,
            deadline: row.deadline,
            started_at: row.started_at,
            finished_at: row.finished_at,
            result: row.result,
            error,
            trace: row.traceparent.and_then(|text| text.parse().ok()),
        }
    }
}

/// Column list shared by all queries of jobs; checked by the database at build time. Takes the table, with the index to
/// use where the planners of MySQL and MariaDB differ, and the rest of the query.
macro_rules! select_jobs {
    ($jobs:tt, $tail:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"SELECT j.id AS "id: JobId", j.kind, j.user_id AS "user_id: UserId",
                      j.payload AS "payload: Document", j.status AS "status: Status", j.version,
                      j.attempt, j.created_at AS "created_at: OffsetDateTime",
                      j.deadline AS "deadline: OffsetDateTime",
                      j.started_at AS "started_at: OffsetDateTime",
                      j.finished_at AS "finished_at: OffsetDateTime",
                      o.result AS "result: Document", o.error_code, o.error_message,
                      o.error_retryable AS "error_retryable: bool", j.traceparent
               FROM "# + $jobs + r#" LEFT JOIN job_outcomes o ON o.job_id = j.id "#
                + $tail
            $(, $argument)*
        )
    };
}

/// Finds a user's job.
pub async fn find_owned(
    conn: &mut MySqlConnection,
    kind: &str,
    user: UserId,
    id: JobId,
) -> Result<Option<Job>, sqlx::Error> {
    let row =
        select_jobs!("jobs j", "WHERE j.id = ? AND j.user_id = ? AND j.kind = ?", id, user, kind)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(Job::from))
}

/// Filter of a user's jobs in a list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Those in this state.
    pub status: Option<Status>,
    /// Those submitted at this time or later.
    pub since: Option<OffsetDateTime>,
}

impl Filter {
    /// An id before all those of jobs submitted since then: ids begin with the time (RFC 9562 §5.7), by the clock of
    /// whoever made them, a little before the job was written.
    fn first(&self) -> uuid::Uuid {
        const SLACK: time::Duration = time::Duration::minutes(10);
        let since = self.since.and_then(|since| since.checked_sub(SLACK));
        let millis = since.map_or(0, |since| since.unix_timestamp_nanos() / 1_000_000);
        let millis = u128::try_from(millis.clamp(0, (1 << 48) - 1)).unwrap_or_default();
        uuid::Uuid::from_u128(millis << 80)
    }
}

/// Lists a user's jobs of a kind, newest first, from just before `before`.
pub async fn list_owned(
    conn: &mut MySqlConnection,
    kind: &str,
    user: UserId,
    filter: Filter,
    before: Option<JobId>,
    limit: u32,
) -> Result<Vec<Job>, sqlx::Error> {
    let before = before.map_or(uuid::Uuid::max(), |id| id.0);
    let status = filter.status.map(Status::as_str);
    let rows = select_jobs!(
        // For a user with many jobs, MySQL would otherwise scan all users' jobs in the requested order.
        "jobs j FORCE INDEX (jobs_history)",
        "WHERE j.user_id = ? AND j.kind = ? AND j.id < ? AND j.id >= ?
         AND j.created_at >= COALESCE(?, j.created_at) AND j.status = COALESCE(?, j.status)
         ORDER BY j.id DESC LIMIT ?",
        user,
        kind,
        before,
        filter.first(),
        filter.since,
        status,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Lists a user's unfinished jobs of a kind, oldest first.
pub async fn list_active(
    conn: &mut MySqlConnection,
    kind: &str,
    user: UserId,
    limit: u32,
) -> Result<Vec<Job>, sqlx::Error> {
    let rows = select_jobs!(
        "jobs j",
        "WHERE j.user_id = ? AND j.kind = ? AND j.finished_at IS NULL ORDER BY j.id LIMIT ?",
        user,
        kind,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Lists the unfinished jobs of a kind of several users, each user's oldest first; at most `limit` of all together.
pub async fn list_active_of(
    conn: &mut MySqlConnection,
    kind: &str,
    users: impl Iterator<Item = UserId>,
    limit: u32,
) -> Result<Vec<Job>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT j.id, j.kind, j.user_id, j.payload, j.status, j.version, j.attempt, j.created_at,
                j.deadline, j.started_at, j.finished_at, o.result, o.error_code, o.error_message,
                o.error_retryable, j.traceparent
         FROM jobs j FORCE INDEX (jobs_active) LEFT JOIN job_outcomes o ON o.job_id = j.id
         WHERE j.finished_at IS NULL AND j.kind = ",
    );
    query.push_bind(kind).push(" AND j.user_id IN ");
    bind_list(&mut query, users);
    query.push(" ORDER BY j.user_id, j.id LIMIT ").push_bind(limit);
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Finds a job of any kind and owner. For operators.
pub async fn find(conn: &mut MySqlConnection, id: JobId) -> Result<Option<Job>, sqlx::Error> {
    let row = select_jobs!("jobs j", "WHERE j.id = ?", id).fetch_optional(conn).await?;
    Ok(row.map(Job::from))
}

/// Finds jobs of any owner, in no particular order.
pub async fn find_all(
    conn: &mut MySqlConnection,
    ids: &BTreeSet<JobId>,
) -> Result<Vec<Job>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT j.id, j.kind, j.user_id, j.payload, j.status, j.version, j.attempt, j.created_at,
                j.deadline, j.started_at, j.finished_at, o.result, o.error_code, o.error_message,
                o.error_retryable, j.traceparent
         FROM jobs j LEFT JOIN job_outcomes o ON o.job_id = j.id WHERE j.id IN ",
    );
    bind_list(&mut query, ids.iter().copied());
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Lists jobs of a kind and of all owners, newest first; `None` for all states. For operators.
pub async fn list(
    conn: &mut MySqlConnection,
    kind: &str,
    status: Option<Status>,
    limit: u32,
) -> Result<Vec<Job>, sqlx::Error> {
    let rows = match status {
        Some(status) => {
            select_jobs!(
                "jobs j",
                "WHERE j.kind = ? AND j.status = ? ORDER BY j.id DESC LIMIT ?",
                kind,
                status.as_str(),
                limit
            )
            .fetch_all(conn)
            .await?
        }
        None => {
            select_jobs!("jobs j", "WHERE j.kind = ? ORDER BY j.id DESC LIMIT ?", kind, limit)
                .fetch_all(conn)
                .await?
        }
    };
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Lists the oldest `limit` queued jobs of a kind, in order of submission.
pub async fn list_queue(
    conn: &mut MySqlConnection,
    kind: &str,
    limit: u32,
) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: JobId" FROM jobs
           WHERE kind = ? AND status = 'queued' ORDER BY id LIMIT ?"#,
        kind,
        limit
    )
    .fetch_all(conn)
    .await
}

/// A user's unfinished jobs, in two numbers of which at least one changes with every change of theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// Number of unfinished jobs.
    pub jobs: u64,
    /// Sum of their versions.
    pub versions: u64,
}

/// Finds the activity of those users, of the ones named, who have unfinished jobs of a kind.
pub async fn find_activity(
    conn: &mut MySqlConnection,
    kind: &str,
    users: &[UserId],
) -> Result<HashMap<UserId, Activity>, sqlx::Error> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT user_id, CAST(COUNT(*) AS UNSIGNED), CAST(SUM(version) AS UNSIGNED)
         FROM jobs FORCE INDEX (jobs_active) WHERE finished_at IS NULL AND kind = ",
    );
    query.push_bind(kind).push(" AND user_id IN ");
    bind_list(&mut query, users.iter().copied());
    query.push(" GROUP BY user_id");
    let found: Vec<(UserId, u64, u64)> = query.build_query_as().fetch_all(conn).await?;
    let activity = |(user, jobs, versions)| (user, Activity { jobs, versions });
    Ok(found.into_iter().map(activity).collect())
}
