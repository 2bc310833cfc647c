//! Search among the jobs of all owners. For operators only.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};

use toneup_platform::identity::UserId;

use crate::document::Document;
use crate::job::{JobId, Status};

/// Search criteria; an absent one matches everything.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Name of the kind.
    pub kind: String,
    /// Identifier of one job.
    pub id: Option<JobId>,
    /// Owner of the jobs.
    pub user: Option<UserId>,
    /// State that the jobs are in.
    pub status: Option<Status>,
    /// Code of the error.
    pub code: Option<String>,
    /// Cursor of the page: only jobs older than this one.
    pub before: Option<JobId>,
    /// Page size; the newest jobs come first.
    pub limit: u32,
}

/// A job in a list of results.
#[derive(Debug, Clone, FromRow)]
pub struct Found {
    /// Identifier of the job.
    pub id: JobId,
    /// Owner of the job.
    pub user_id: UserId,
    /// Current state of the job.
    pub status: Status,
    /// Number of attempts started.
    pub attempt: u16,
    /// Time at which the job was submitted.
    pub created_at: OffsetDateTime,
    /// Start of the first attempt.
    pub started_at: Option<OffsetDateTime>,
    /// Time at which the job ended; `None` while unfinished.
    pub finished_at: Option<OffsetDateTime>,
    /// Code of the error; `None` if there is none.
    pub code: Option<String>,
    /// Result; `None` unless the job succeeded.
    pub result: Option<Document>,
}

/// Finds jobs, newest first. Each single criterion has an index; of several, the first of code, id, user and status
/// leads.
pub async fn search(
    conn: &mut MySqlConnection,
    search: &Search,
) -> Result<Vec<Found>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT a.id, a.user_id, a.status, a.attempt, a.created_at, a.started_at, a.finished_at,
                o.error_code AS code, o.result ",
    );
    // A search by code starts from the outcomes, which have the index.
    let id = if search.code.is_some() {
        query.push("FROM job_outcomes o JOIN jobs a ON a.id = o.job_id ");
        "o.job_id"
    } else {
        query.push(format_args!("FROM jobs a FORCE INDEX ({}) ", index(search)));
        query.push("LEFT JOIN job_outcomes o FORCE INDEX (PRIMARY) ON o.job_id = a.id ");
        "a.id"
    };
    let before = search.before.map_or(uuid::Uuid::max(), |id| id.0);
    query.push(format_args!("WHERE {id} < ")).push_bind(before);
    query.push(" AND a.kind = ").push_bind(&search.kind);
    if let Some(this) = search.id {
        query.push(format_args!(" AND {id} = ")).push_bind(this);
    }
    if let Some(code) = &search.code {
        query.push(" AND o.error_code = ").push_bind(code);
    }
    if let Some(user) = search.user {
        query.push(" AND a.user_id = ").push_bind(user);
    }
    if let Some(status) = search.status {
        query.push(" AND a.status = ").push_bind(status.as_str());
    }
    query.push(format_args!(" ORDER BY {id} DESC LIMIT ")).push_bind(search.limit);
    query.build_query_as().fetch_all(conn).await
}

/// Index that yields the rows in the order of the pages. Named, since MySQL would otherwise read everything and join by
/// hash.
fn index(search: &Search) -> &'static str {
    match search {
        Search { id: Some(_), .. } => "PRIMARY",
        Search { user: Some(_), .. } => "jobs_history",
        Search { status: Some(_), .. } => "jobs_queue",
        _ => "PRIMARY",
    }
}

/// Lists the times from submission to end, in seconds and ascending, of the latest `limit` jobs of a kind that ended in
/// the last half minute.
pub async fn list_spans(
    conn: &mut MySqlConnection,
    kind: &str,
    limit: u32,
) -> Result<Vec<f64>, sqlx::Error> {
    let mut spans = sqlx::query_scalar!(
        r#"SELECT CAST(TIMESTAMPDIFF(MICROSECOND, created_at, finished_at) / 1e6 AS DOUBLE)
                  AS "seconds!: f64"
           FROM jobs
           WHERE kind = ? AND finished_at > NOW(3) - INTERVAL 30 SECOND
             AND started_at IS NOT NULL
           ORDER BY finished_at DESC LIMIT ?"#,
        kind,
        limit
    )
    .fetch_all(conn)
    .await?;
    spans.sort_by(f64::total_cmp);
    Ok(spans)
}

/// Nearest-rank percentile of ascending values; `None` if there are none.
pub fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let spans = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(percentile(&spans, 50), Some(2.0));
        assert_eq!(percentile(&spans, 95), Some(4.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
