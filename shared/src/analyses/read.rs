//! Reading analyses. Every lookup for a caller takes the owner: another's row is indistinguishable from no row.

use std::collections::BTreeSet;

use sqlx::types::Json;
use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use super::outcome::{AnalysisError, AnalysisResult};
use super::{AnalysisId, Status, UserId};
use crate::database::bind_list;
use crate::trace::TraceParent;

/// An analysis as it stands.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// Its identity.
    pub id: AnalysisId,
    /// Whose it is.
    pub user: UserId,
    /// Where the photo lies.
    pub object_key: String,
    /// Where it is in its life.
    pub status: Status,
    /// Grows with every change.
    pub version: u32,
    /// How often it was tried.
    pub attempt: u16,
    /// When it was accepted.
    pub created_at: OffsetDateTime,
    /// Until when the answer is of use.
    pub deadline: Option<OffsetDateTime>,
    /// When the first attempt began.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// What was found.
    pub result: Option<AnalysisResult>,
    /// Why it failed.
    pub error: Option<AnalysisError>,
    /// The trace it belongs to.
    pub trace: Option<TraceParent>,
}

#[derive(FromRow)]
struct Row {
    id: AnalysisId,
    user_id: UserId,
    object_key: String,
    status: Status,
    version: u32,
    attempt: u16,
    created_at: OffsetDateTime,
    deadline: Option<OffsetDateTime>,
    started_at: Option<OffsetDateTime>,
    finished_at: Option<OffsetDateTime>,
    result: Option<Json<AnalysisResult>>,
    error_code: Option<String>,
    error_message: Option<String>,
    error_retryable: Option<bool>,
    traceparent: Option<String>,
}

impl From<Row> for Analysis {
    fn from(row: Row) -> Self {
        let error = row.error_code.map(|code| AnalysisError {
            code,
            message: row.error_message.unwrap_or_default(),
            retryable: row.error_retryable.unwrap_or_default(),
        });
        Self {
            id: row.id,
            user: row.user_id,
            object_key: row.object_key,
            status: row.status,
            version: row.version,
            attempt: row.attempt,
            created_at: row.created_at,
            deadline: row.deadline,
            started_at: row.started_at,
            finished_at: row.finished_at,
            result: row.result.map(|Json(result)| result),
            error,
            trace: row.traceparent.and_then(|text| text.parse().ok()),
        }
    }
}

/// One list of columns for every way of finding analyses; checked by the database at build time. Takes the table, with the
/// index to be used where the planner of MySQL and that of MariaDB differ, and the rest of the query.
macro_rules! select_analyses {
    ($analyses:tt, $tail:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"SELECT a.id AS "id: AnalysisId", a.user_id AS "user_id: UserId", a.object_key,
                      a.status AS "status: Status", a.version, a.attempt,
                      a.created_at AS "created_at: OffsetDateTime",
                      a.deadline AS "deadline: OffsetDateTime",
                      a.started_at AS "started_at: OffsetDateTime",
                      a.finished_at AS "finished_at: OffsetDateTime",
                      o.result AS "result: Json<AnalysisResult>", o.error_code, o.error_message,
                      o.error_retryable AS "error_retryable: bool", a.traceparent
               FROM "# + $analyses + r#" LEFT JOIN analysis_outcomes o ON o.analysis_id = a.id "#
                + $tail
            $(, $argument)*
        )
    };
}

/// Finds a user's analysis.
pub async fn find_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    id: AnalysisId,
) -> Result<Option<Analysis>, sqlx::Error> {
    let row = select_analyses!("analyses a", "WHERE a.id = ? AND a.user_id = ?", id, user)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(Analysis::from))
}

/// Lists a user's analyses, newest first, from just before `before`.
pub async fn list_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    before: Option<AnalysisId>,
    limit: u32,
) -> Result<Vec<Analysis>, sqlx::Error> {
    let before = before.map_or(uuid::Uuid::max(), |id| id.0);
    let rows = select_analyses!(
        // Where a user has many analyses, MySQL would rather read all of everybody's in the order that is asked for.
        "analyses a FORCE INDEX (analyses_history)",
        "WHERE a.user_id = ? AND a.id < ? ORDER BY a.id DESC LIMIT ?",
        user,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Analysis::from).collect())
}

/// Lists a user's analyses that have not ended, oldest first.
pub async fn list_active(
    conn: &mut MySqlConnection,
    user: UserId,
    limit: u32,
) -> Result<Vec<Analysis>, sqlx::Error> {
    let rows = select_analyses!(
        "analyses a",
        "WHERE a.user_id = ? AND a.finished_at IS NULL ORDER BY a.id LIMIT ?",
        user,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Analysis::from).collect())
}

/// Finds an analysis of whatever owner. For operators.
pub async fn find(
    conn: &mut MySqlConnection,
    id: AnalysisId,
) -> Result<Option<Analysis>, sqlx::Error> {
    let row = select_analyses!("analyses a", "WHERE a.id = ?", id).fetch_optional(conn).await?;
    Ok(row.map(Analysis::from))
}

/// Finds analyses of whatever owners, in no order.
pub async fn find_all(
    conn: &mut MySqlConnection,
    ids: &BTreeSet<AnalysisId>,
) -> Result<Vec<Analysis>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT a.id, a.user_id, a.object_key, a.status, a.version, a.attempt, a.created_at,
                a.deadline, a.started_at, a.finished_at, o.result, o.error_code, o.error_message,
                o.error_retryable, a.traceparent
         FROM analyses a LEFT JOIN analysis_outcomes o ON o.analysis_id = a.id WHERE a.id IN ",
    );
    bind_list(&mut query, ids.iter().copied());
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(Analysis::from).collect())
}

/// Lists analyses of every owner, newest first, of one status or of all. For operators.
pub async fn list(
    conn: &mut MySqlConnection,
    status: Option<Status>,
    limit: u32,
) -> Result<Vec<Analysis>, sqlx::Error> {
    let rows = match status {
        Some(status) => {
            select_analyses!(
                "analyses a",
                "WHERE a.status = ? ORDER BY a.id DESC LIMIT ?",
                status.as_str(),
                limit
            )
            .fetch_all(conn)
            .await?
        }
        None => {
            select_analyses!("analyses a", "ORDER BY a.id DESC LIMIT ?", limit)
                .fetch_all(conn)
                .await?
        }
    };
    Ok(rows.into_iter().map(Analysis::from).collect())
}

/// An entry of a user's event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Its number, dense per user.
    pub sequence: u64,
    /// The analysis that ended.
    pub analysis: AnalysisId,
}

/// The number of a user's latest event; 0 before the first.
pub async fn last_event(conn: &mut MySqlConnection, user: UserId) -> Result<u64, sqlx::Error> {
    let sequence = sqlx::query_scalar!("SELECT event_seq FROM users WHERE id = ?", user)
        .fetch_optional(conn)
        .await?;
    Ok(sequence.unwrap_or_default())
}

/// What a user may have to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Head {
    /// Who.
    #[sqlx(rename = "id")]
    pub user: UserId,
    /// The number of the latest event; 0 before the first.
    #[sqlx(rename = "event_seq")]
    pub last_event: u64,
    /// Whether an analysis has not ended.
    pub active: bool,
}

/// What users may have to read, in no order; nothing of those who do not exist.
pub async fn list_heads(
    conn: &mut MySqlConnection,
    users: &[UserId],
) -> Result<Vec<Head>, sqlx::Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT u.id, u.event_seq,
                EXISTS (SELECT 1 FROM analyses a WHERE a.user_id = u.id AND a.finished_at IS NULL) AS active
         FROM users u WHERE u.id IN ",
    );
    bind_list(&mut query, users.iter().copied());
    query.build_query_as().fetch_all(conn).await
}

/// What a user's log spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSpan {
    /// The number of the oldest event that is kept; `None` if none is.
    pub oldest: Option<u64>,
    /// The number of the latest event; 0 before the first.
    pub latest: u64,
}

impl LogSpan {
    /// Whether everything after `sequence` is kept.
    pub fn continues(self, sequence: u64) -> bool {
        sequence == self.latest
            || self
                .oldest
                .is_some_and(|oldest| (oldest..=self.latest).contains(&sequence.saturating_add(1)))
    }

    /// The number after which everything that is left begins.
    pub fn start(self) -> u64 {
        self.oldest.map_or(self.latest, |oldest| oldest.saturating_sub(1))
    }
}

/// Finds what a user's log spans.
pub async fn find_log_span(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<LogSpan, sqlx::Error> {
    let span = sqlx::query!(
        "SELECT event_seq, (SELECT MIN(seq) FROM analysis_events WHERE user_id = ?) AS oldest
         FROM users WHERE id = ?",
        user,
        user,
    )
    .fetch_optional(conn)
    .await?;
    Ok(span.map_or(LogSpan { oldest: None, latest: 0 }, |span| LogSpan {
        oldest: span.oldest,
        latest: span.event_seq,
    }))
}

/// Lists a user's events after `sequence`, in order.
pub async fn list_events_after(
    conn: &mut MySqlConnection,
    user: UserId,
    sequence: u64,
    limit: u32,
) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as!(
        Event,
        r#"SELECT seq AS sequence, analysis_id AS "analysis: AnalysisId" FROM analysis_events
           WHERE user_id = ? AND seq > ? ORDER BY seq LIMIT ?"#,
        user,
        sequence,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Lists the analyses of a user's events after `sequence`, at most `limit` events.
pub async fn list_ended_after(
    conn: &mut MySqlConnection,
    user: UserId,
    sequence: u64,
    limit: u32,
) -> Result<Vec<Analysis>, sqlx::Error> {
    let rows = select_analyses!(
        "analyses a",
        "JOIN analysis_events e ON e.analysis_id = a.id
         WHERE e.user_id = ? AND e.seq > ? ORDER BY e.seq LIMIT ?",
        user,
        sequence,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Analysis::from).collect())
}

/// The number of the event that ended an analysis.
pub async fn find_event_of(
    conn: &mut MySqlConnection,
    id: AnalysisId,
) -> Result<Option<u64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT seq FROM analysis_events WHERE analysis_id = ? ORDER BY seq DESC LIMIT 1",
        id
    )
    .fetch_optional(conn)
    .await
}

/// The oldest `limit` queued analyses, in order of submission.
pub async fn list_queue(
    conn: &mut MySqlConnection,
    limit: u32,
) -> Result<Vec<AnalysisId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: AnalysisId" FROM analyses WHERE status = 'queued' ORDER BY id LIMIT ?"#,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How busy the system is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Analyses that wait.
    pub queued: i64,
    /// Those of them that are held back.
    pub held: i64,
    /// Analyses that are running.
    pub running: i64,
    /// Rows that somebody should have looked at by now: a publish, a retry, a deadline.
    pub due: i64,
    /// Dead letters.
    pub dead: i64,
    /// How many ended in the last minute.
    pub ended: i64,
    /// Since when the oldest of those that wait does, in seconds; `None` if none waits.
    pub oldest_seconds: Option<f64>,
    /// How long those that ended in the last minute ran on average, in seconds; `None` if none did.
    pub mean_seconds: Option<f64>,
}

/// Measures the load.
pub async fn measure_load(conn: &mut MySqlConnection) -> Result<Load, sqlx::Error> {
    let running = sqlx::query_scalar!("SELECT COUNT(*) FROM analyses WHERE status = 'running'")
        .fetch_one(&mut *conn)
        .await?;
    let queued = sqlx::query_scalar!("SELECT COUNT(*) FROM analyses WHERE status = 'queued'")
        .fetch_one(&mut *conn)
        .await?;
    let held =
        sqlx::query_scalar!("SELECT COUNT(*) FROM held_analyses").fetch_one(&mut *conn).await?;
    let due = sqlx::query_scalar!("SELECT COUNT(*) FROM analyses WHERE publish_due <= NOW(3)")
        .fetch_one(&mut *conn)
        .await?;
    let dead =
        sqlx::query_scalar!("SELECT COUNT(*) FROM dead_letters").fetch_one(&mut *conn).await?;
    let oldest_seconds = sqlx::query_scalar!(
        r#"SELECT CAST(TIMESTAMPDIFF(MICROSECOND, created_at, NOW(3)) / 1e6 AS DOUBLE)
                  AS "oldest: f64"
           FROM analyses WHERE status = 'queued' ORDER BY id LIMIT 1"#
    )
    .fetch_optional(&mut *conn)
    .await?
    .flatten();
    let ended = sqlx::query!(
        r#"SELECT COUNT(*) AS count,
                  CAST(AVG(TIMESTAMPDIFF(MICROSECOND, started_at, finished_at)) / 1e6 AS DOUBLE)
                  AS "mean: f64"
           FROM analyses
           WHERE finished_at > NOW(3) - INTERVAL 1 MINUTE AND started_at IS NOT NULL"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Load {
        queued,
        held,
        running,
        due,
        dead,
        ended: ended.count,
        oldest_seconds,
        mean_seconds: ended.mean,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_continues_where_nothing_is_missing() {
        let span = LogSpan { oldest: Some(4), latest: 9 };
        let continues: Vec<u64> = (0..12).filter(|seen| span.continues(*seen)).collect();
        assert_eq!(continues, [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(span.start(), 3);
    }

    #[test]
    fn an_empty_log_continues_its_latest_number_only() {
        let purged = LogSpan { oldest: None, latest: 9 };
        assert!(purged.continues(9) && !purged.continues(8) && !purged.continues(10));
        assert_eq!(purged.start(), 9);
        let new = LogSpan { oldest: None, latest: 0 };
        assert!(new.continues(0) && !new.continues(1));
    }
}
