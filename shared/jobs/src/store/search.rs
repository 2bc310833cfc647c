//! Searching the jobs of every owner. For operators alone.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};

use toneup_platform::identity::UserId;

use crate::document::Document;
use crate::job::{JobId, Status};

/// The criteria of a search; an absent one matches everything.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The name of the kind.
    pub kind: String,
    /// The job itself.
    pub id: Option<JobId>,
    /// The owner.
    pub user: Option<UserId>,
    /// The state.
    pub status: Option<Status>,
    /// The error code.
    pub code: Option<String>,
    /// Jobs older than this one.
    pub before: Option<JobId>,
    /// The size of the page; the newest come first.
    pub limit: u32,
}

/// A job in a list.
#[derive(Debug, Clone, FromRow)]
pub struct Found {
    /// Its identity.
    pub id: JobId,
    /// Its owner.
    pub user_id: UserId,
    /// Its state.
    pub status: Status,
    /// The number of attempts begun.
    pub attempt: u16,
    /// The time of its acceptance.
    pub created_at: OffsetDateTime,
    /// The beginning of the first attempt.
    pub started_at: Option<OffsetDateTime>,
    /// The time of its end.
    pub finished_at: Option<OffsetDateTime>,
    /// The code of its error.
    pub code: Option<String>,
    /// Its result.
    pub result: Option<Document>,
}

/// Finds jobs, newest first. Each single criterion has an index; of several, the first of code, id, user and status leads.
pub async fn search(
    conn: &mut MySqlConnection,
    search: &Search,
) -> Result<Vec<Found>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT a.id, a.user_id, a.status, a.attempt, a.created_at, a.started_at, a.finished_at,
                o.error_code AS code, o.result ",
    );
    // By code, the outcomes lead: they have the index.
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

/// The index that has what is searched for in the order of the pages. Named, since MySQL would rather read everything and
/// join by hash.
fn index(search: &Search) -> &'static str {
    match search {
        Search { id: Some(_), .. } => "PRIMARY",
        Search { user: Some(_), .. } => "jobs_history",
        Search { status: Some(_), .. } => "jobs_queue",
        _ => "PRIMARY",
    }
}

/// Lists the spans from submit to end of the latest `limit` jobs of a kind that ended in the last half minute, in seconds,
/// the shortest first.
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

/// The nearest-rank percentile of sorted values.
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
