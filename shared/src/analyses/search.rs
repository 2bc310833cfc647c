//! Looking through the analyses of every owner. For operators alone.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};

use super::{AnalysisId, Status, UserId};

/// What is looked for; what is not said matches everything.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// This one alone.
    pub id: Option<AnalysisId>,
    /// Whose.
    pub user: Option<UserId>,
    /// In which state.
    pub status: Option<Status>,
    /// Ended with which error code.
    pub code: Option<String>,
    /// Only older ones than this.
    pub before: Option<AnalysisId>,
    /// How many, newest first.
    pub limit: u32,
}

/// An analysis in a list.
#[derive(Debug, Clone, FromRow)]
pub struct Found {
    /// Its identity.
    pub id: AnalysisId,
    /// Whose it is.
    pub user_id: UserId,
    /// Where it is in its life.
    pub status: Status,
    /// How often it was tried.
    pub attempt: u16,
    /// When it was accepted.
    pub created_at: OffsetDateTime,
    /// When the first attempt began.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// Why it failed.
    pub code: Option<String>,
    /// What was found.
    pub season: Option<String>,
}

/// Finds analyses, newest first. Each single criterion has an index; of several, the first of code, id, user and status leads.
pub async fn search(
    conn: &mut MySqlConnection,
    search: &Search,
) -> Result<Vec<Found>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT a.id, a.user_id, a.status, a.attempt, a.created_at, a.started_at, a.finished_at,
                o.error_code AS code,
                JSON_UNQUOTE(JSON_EXTRACT(o.result, '$.personalColor')) AS season ",
    );
    // By code, the outcomes lead: they have the index.
    let id = if search.code.is_some() {
        query.push("FROM analysis_outcomes o JOIN analyses a ON a.id = o.analysis_id ");
        "o.analysis_id"
    } else {
        query.push(format_args!("FROM analyses a FORCE INDEX ({}) ", index(search)));
        query.push("LEFT JOIN analysis_outcomes o FORCE INDEX (PRIMARY) ON o.analysis_id = a.id ");
        "a.id"
    };
    let before = search.before.map_or(uuid::Uuid::max(), |id| id.0);
    query.push(format_args!("WHERE {id} < ")).push_bind(before);
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
        Search { user: Some(_), .. } => "analyses_history",
        Search { status: Some(_), .. } => "analyses_queue",
        _ => "PRIMARY",
    }
}

/// How long each of the latest `limit` that ended in the last half minute took from its submit, in seconds, the shortest
/// first.
pub async fn list_spans(conn: &mut MySqlConnection, limit: u32) -> Result<Vec<f64>, sqlx::Error> {
    let mut spans = sqlx::query_scalar!(
        r#"SELECT CAST(TIMESTAMPDIFF(MICROSECOND, created_at, finished_at) / 1e6 AS DOUBLE)
                  AS "seconds!: f64"
           FROM analyses
           WHERE finished_at > NOW(3) - INTERVAL 30 SECOND AND started_at IS NOT NULL
           ORDER BY finished_at DESC LIMIT ?"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    spans.sort_by(f64::total_cmp);
    Ok(spans)
}

/// The nearest-rank percentile of what is sorted.
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
