//! Evidence left by a run: the clients' ledger, the rows of the database, the analyzer's calls, the queues. The queries
//! are the suite's own and share nothing with the code under test.

use sqlx::{FromRow, MySqlPool};
use uuid::Uuid;

use super::faults::Injected;
use super::ledger::Entry;
use super::servers::Servers;
use super::site::MAX_ATTEMPTS;
use crate::stub::calls::Call;

/// Final state of an analysis. Times in milliseconds since 1970, by the database's clock.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct AnalysisRow {
    pub(crate) id: Uuid,
    pub(crate) status: String,
    pub(crate) attempt: i64,
    pub(crate) traceparent: Option<String>,
    pub(crate) deadline_ms: Option<f64>,
    pub(crate) created_ms: f64,
    pub(crate) started_ms: Option<f64>,
    pub(crate) finished_ms: Option<f64>,
}

/// A stored outcome of an analysis.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct OutcomeRow {
    pub(crate) analysis: Uuid,
    pub(crate) error_code: Option<String>,
    pub(crate) has_result: bool,
}

/// A row of the event log.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct EventRow {
    pub(crate) analysis: Uuid,
    pub(crate) event: u64,
    pub(crate) status: String,
    pub(crate) created_ms: f64,
}

/// A post.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct PostRow {
    pub(crate) id: Uuid,
    pub(crate) text: String,
    pub(crate) state: String,
    /// One of its pictures is still being made.
    pub(crate) is_pending: bool,
}

/// A like of a post.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct LikeRow {
    pub(crate) post: Uuid,
    pub(crate) user: Uuid,
}

/// The counter of a post's likes, and the rows that it counts, by one statement.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct CountRow {
    pub(crate) post: Uuid,
    pub(crate) likes: u32,
    pub(crate) counted: i64,
}

/// Complete evidence of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    pub(crate) ledger: Vec<Entry>,
    pub(crate) analyses: Vec<AnalysisRow>,
    pub(crate) outcomes: Vec<OutcomeRow>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) posts: Vec<PostRow>,
    pub(crate) likes: Vec<LikeRow>,
    pub(crate) counts: Vec<CountRow>,
    pub(crate) calls: Vec<Call>,
    /// Number of messages by queue.
    pub(crate) queues: Vec<(String, u64)>,
    pub(crate) dead_letters: Vec<String>,
    pub(crate) max_attempts: i64,
    pub(crate) faults: Vec<Injected>,
    /// Incidents beside the injected faults: processes that ended by themselves, faults that could not be injected.
    pub(crate) incidents: Vec<String>,
}

const ANALYSES: &str = "SELECT id, status, CAST(attempt AS SIGNED) AS attempt, traceparent,
    CAST(UNIX_TIMESTAMP(deadline) * 1000 AS DOUBLE) AS deadline_ms,
    CAST(UNIX_TIMESTAMP(created_at) * 1000 AS DOUBLE) AS created_ms,
    CAST(UNIX_TIMESTAMP(started_at) * 1000 AS DOUBLE) AS started_ms,
    CAST(UNIX_TIMESTAMP(finished_at) * 1000 AS DOUBLE) AS finished_ms FROM jobs
    WHERE kind = 'analysis'";
const OUTCOMES: &str =
    "SELECT o.job_id AS analysis, o.error_code, o.result IS NOT NULL AS has_result
    FROM job_outcomes o JOIN jobs j ON j.id = o.job_id WHERE j.kind = 'analysis'";
const EVENTS: &str = "SELECT subject_id AS analysis, seq AS event,
    SUBSTRING_INDEX(name, '.', -1) AS status,
    CAST(UNIX_TIMESTAMP(created_at) * 1000 AS DOUBLE) AS created_ms FROM events
    WHERE name LIKE 'analysis.%'";
const POSTS: &str = "SELECT p.id, p.text, p.state,
    EXISTS (SELECT 1 FROM post_pictures x JOIN jobs j ON j.id = x.picture_id
            WHERE x.post_id = p.number AND j.finished_at IS NULL) AS is_pending FROM posts p";
const LIKES: &str = "SELECT p.id AS post, l.user_id AS user
    FROM likes l JOIN posts p ON p.number = l.target_id WHERE l.kind = 'post'";
const COUNTS: &str = "SELECT p.id AS post, c.likes,
    (SELECT COUNT(*) FROM likes l WHERE l.kind = 'post' AND l.target_id = p.number) AS counted
    FROM content_counters c JOIN posts p ON p.number = c.target_id WHERE c.kind = 'post'";

const LETTERS: &str = "SELECT message FROM dead_letters WHERE source = 'broker'";

impl Evidence {
    /// Collects the state of the database and the broker, in addition to the clients' ledger and the analyzer's log.
    pub(crate) async fn gather(
        database: &MySqlPool,
        servers: &Servers,
        calls: Vec<Call>,
        ledger: Vec<Entry>,
    ) -> anyhow::Result<Self> {
        // Dead letters that the workers have stored, and those still in the broker.
        let mut dead_letters: Vec<String> = sqlx::query_scalar(LETTERS).fetch_all(database).await?;
        dead_letters.extend(servers.dead_letters().await?);
        Ok(Self {
            ledger,
            analyses: sqlx::query_as(ANALYSES).fetch_all(database).await?,
            outcomes: sqlx::query_as(OUTCOMES).fetch_all(database).await?,
            events: sqlx::query_as(EVENTS).fetch_all(database).await?,
            posts: sqlx::query_as(POSTS).fetch_all(database).await?,
            likes: sqlx::query_as(LIKES).fetch_all(database).await?,
            counts: sqlx::query_as(COUNTS).fetch_all(database).await?,
            calls,
            queues: servers.messages().await?,
            dead_letters,
            max_attempts: MAX_ATTEMPTS,
            faults: Vec::new(),
            incidents: Vec::new(),
        })
    }
}
