//! Accepting analyses: many submits share one commit, and only then are they published.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, MySqlPool, QueryBuilder};
use tokio_util::task::TaskTracker;

use super::{AnalysisId, UserId};
use crate::batch::{BatchError, Batcher, Limits};
use crate::config::JobsConfig;
use crate::database::{micros, retry_deadlock};
use crate::queue::publisher::{Publication, Publisher};
use crate::trace::TraceParent;

/// An analysis asked for.
#[derive(Debug, Clone)]
pub struct NewAnalysis {
    /// Its identity, made by the caller.
    pub id: AnalysisId,
    /// Whose it is.
    pub user: UserId,
    /// Where the photo lies; under the user's own prefix.
    pub object_key: String,
    /// The request's trace.
    pub trace: TraceParent,
    /// Makes a repeated request find this one.
    pub idempotency: Option<Idempotency>,
}

/// A client's key for one request, and what the request asked for.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// Printable ASCII, at most 128 characters.
    pub key: String,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
}

/// What became of a submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It is durable.
    Accepted {
        /// The database's time of acceptance.
        created_at: OffsetDateTime,
    },
    /// The same request was accepted before, as this analysis.
    Repeated(AnalysisId),
    /// The key was used before, for another request.
    KeyReused,
}

/// Hands submits to the group commit. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Submitter {
    batches: Batcher<NewAnalysis, Submitted, sqlx::Error>,
}

impl Submitter {
    /// Starts the group commit; what it accepts goes to `publisher`.
    pub fn spawn(
        pool: MySqlPool,
        publisher: Publisher,
        jobs: JobsConfig,
        tasks: &TaskTracker,
    ) -> Self {
        let batches = Batcher::spawn(Limits::default(), tasks, move |items: Vec<NewAnalysis>| {
            let (pool, publisher) = (pool.clone(), publisher.clone());
            async move {
                let submitted = accept(&pool, &items, &jobs).await?;
                for (item, submitted) in items.iter().zip(&submitted) {
                    if let Submitted::Accepted { .. } = submitted {
                        publisher.offer(Publication::first(item.id, item.trace));
                    }
                }
                Ok(submitted)
            }
        });
        Self { batches }
    }

    /// Makes `analysis` durable. An error says nothing about whether it was stored; the client repeats the request with
    /// its idempotency key.
    pub async fn submit(
        &self,
        analysis: NewAnalysis,
    ) -> Result<Submitted, BatchError<sqlx::Error>> {
        self.batches.submit(analysis).await
    }
}

/// Makes a batch durable with one commit.
async fn accept(
    pool: &MySqlPool,
    items: &[NewAnalysis],
    jobs: &JobsConfig,
) -> Result<Vec<Submitted>, sqlx::Error> {
    retry_deadlock(|| async {
        let mut transaction = pool.begin().await?;
        let submitted = insert(&mut transaction, items, jobs).await?;
        transaction.commit().await?;
        Ok(submitted)
    })
    .await
}

/// Inserts a batch in the caller's transaction. Each row is its own outbox: it is due until a publish is confirmed.
pub async fn insert(
    conn: &mut MySqlConnection,
    items: &[NewAnalysis],
    jobs: &JobsConfig,
) -> Result<Vec<Submitted>, sqlx::Error> {
    let now = sqlx::query_scalar!(r#"SELECT NOW(3) AS "now: OffsetDateTime""#)
        .fetch_one(&mut *conn)
        .await?;
    let submitted = deduplicate(conn, items, now).await?;
    let accepted: Vec<&NewAnalysis> = items
        .iter()
        .zip(&submitted)
        .filter(|(_, submitted)| matches!(submitted, Submitted::Accepted { .. }))
        .map(|(item, _)| item)
        .collect();
    if accepted.is_empty() {
        return Ok(submitted);
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO analyses
             (id, user_id, object_key, status, publish_due, traceparent, created_at) ",
    );
    query.push_values(accepted, |mut row, item| {
        row.push_bind(item.id)
            .push_bind(item.user)
            .push_bind(&item.object_key)
            .push("'queued', NOW(3) + INTERVAL ")
            .push_bind_unseparated(micros(jobs.job_publish_grace))
            .push_unseparated(" MICROSECOND")
            .push_bind(item.trace.to_string())
            .push_bind(now);
    });
    query.build().execute(conn).await?;
    Ok(submitted)
}

/// Reserves the idempotency keys of a batch and tells which items were asked for before.
async fn deduplicate(
    conn: &mut MySqlConnection,
    items: &[NewAnalysis],
    now: OffsetDateTime,
) -> Result<Vec<Submitted>, sqlx::Error> {
    let mut keyed: Vec<(&NewAnalysis, &Idempotency)> =
        items.iter().filter_map(|item| Some((item, item.idempotency.as_ref()?))).collect();
    if keyed.is_empty() {
        return Ok(vec![Submitted::Accepted { created_at: now }; items.len()]);
    }
    // One order for all writers, so that two batches with the same keys wait for each other instead of deadlocking.
    keyed.sort_by_key(|(item, idempotency)| (item.user, &idempotency.key));
    let mut query = QueryBuilder::new(
        "INSERT IGNORE INTO idempotency_keys (user_id, idem_key, fingerprint, analysis_id, created_at) ",
    );
    query.push_values(&keyed, |mut row, (item, idempotency)| {
        row.push_bind(item.user)
            .push_bind(&idempotency.key)
            .push_bind(idempotency.fingerprint.as_slice())
            .push_bind(item.id)
            .push_bind(now);
    });
    query.build().execute(&mut *conn).await?;

    let mut query = QueryBuilder::new(
        "SELECT user_id, idem_key, fingerprint, analysis_id FROM idempotency_keys WHERE ",
    );
    let mut any = query.separated(" OR ");
    for (item, idempotency) in &keyed {
        any.push("(user_id = ").push_bind_unseparated(item.user);
        any.push_unseparated(" AND idem_key = ").push_bind_unseparated(&idempotency.key);
        any.push_unseparated(")");
    }
    let holders: Vec<Holder> = query.build_query_as().fetch_all(conn).await?;
    Ok(items.iter().map(|item| judge(item, &holders, now)).collect())
}

/// Who holds an idempotency key, and for what request.
#[derive(Debug, FromRow)]
struct Holder {
    user_id: UserId,
    idem_key: String,
    fingerprint: Vec<u8>,
    analysis_id: AnalysisId,
}

/// Tells a first request from a repeated one, and from a key that now asks for something else.
fn judge(item: &NewAnalysis, holders: &[Holder], created_at: OffsetDateTime) -> Submitted {
    let held = item.idempotency.as_ref().and_then(|asked| {
        let same = |holder: &&Holder| holder.user_id == item.user && holder.idem_key == asked.key;
        Some((asked, holders.iter().find(same)?))
    });
    match held {
        Some((_, holder)) if holder.analysis_id == item.id => Submitted::Accepted { created_at },
        Some((asked, holder)) if holder.fingerprint == asked.fingerprint => {
            Submitted::Repeated(holder.analysis_id)
        }
        Some(_) => Submitted::KeyReused,
        None => Submitted::Accepted { created_at },
    }
}
