//! Warming up: the first request after the start shall be as fast as any other.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection, MySql, MySqlConnection};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_colour::analysis::{ANALYSIS, find_owned, list_active, list_owned};
use toneup_jobs::document::Document;
use toneup_jobs::engine::Engine;
use toneup_jobs::job::JobId;
use toneup_jobs::kind::Kinds;
use toneup_jobs::store::read::Filter;
use toneup_jobs::store::submit::{Allowance, NewJob, insert};
use toneup_notify::events::last_event;
use toneup_notify::events::list_after;
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;
use uuid::Uuid;

use crate::features::accounts;
use crate::features::analyses::Watchers;
use crate::http::limits::{Policy, RateLimiter};

/// Between tries to reach the database.
const PAUSE: Duration = Duration::from_millis(500);
/// Maximum time to wait for the broker and Redis. Without them, submits are accepted all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection of the pool.
type Lent = PoolConnection<MySql>;

/// Fills half the pool, rehearses on every connection what requests will ask, and waits a little for broker and Redis; then
/// says through `warm` that requests may come.
pub(super) async fn run(
    engine: Engine,
    watchers: Watchers,
    limiter: RateLimiter,
    warm: watch::Sender<bool>,
    draining: CancellationToken,
) {
    let (pool, kinds) = (&engine.database, &engine.kinds);
    let connections = loop {
        match pool.fill(|lent| rehearse(lent, kinds)).await {
            Ok(connections) => break connections,
            Err(error) => tracing::warn!(%error, "cannot warm up"),
        }
        if draining.run_until_cancelled(sleep(PAUSE)).await.is_none() {
            return;
        }
    };
    let others = async {
        engine.publisher.until_ready().await;
        watchers.until_hinted().await;
        // Opens its connection; nobody is refused.
        drop(limiter.check(&Policy::per_minute("warm-up", u32::MAX), "nobody").await);
    };
    let together = draining.run_until_cancelled(timeout(PATIENCE, others)).await;
    let complete = together.is_some_and(|waited| waited.is_ok());
    tracing::info!(connections, complete, "warm");
    warm.send_replace(true);
}

/// Has the server parse and plan the statements of requests; what it writes is rolled back.
async fn rehearse(mut connection: Lent, kinds: &Kinds) -> Result<Lent, sqlx::Error> {
    let conn: &mut MySqlConnection = &mut connection;
    let (nobody, nothing) = (UserId(Uuid::nil()), JobId(Uuid::nil()));
    find_owned(conn, nobody, nothing).await?;
    list_owned(conn, nobody, Filter::default(), None, 1).await?;
    list_active(conn, nobody, 1).await?;
    list_after(conn, nobody, 0, 1).await?;
    last_event(conn, nobody).await?;
    let mut transaction = conn.begin().await?;
    if let (Some(kind), Ok(payload)) = (kinds.get(ANALYSIS), Document::of(&())) {
        let id = JobId::generate();
        let (trace, deadline, idempotency, result) = (TraceParent::new(), None, None, None);
        let submit = NewJob { id, user: nobody, payload, trace, deadline, idempotency, result };
        let allowance = Allowance { share: 1, ceiling: 1 };
        insert(&mut transaction, kinds, kind, &[submit], allowance, Duration::ZERO).await?;
    }
    accounts::rehearse(&mut transaction).await?;
    transaction.rollback().await?;
    Ok(connection)
}
