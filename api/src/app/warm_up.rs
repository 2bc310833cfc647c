//! Warming up: the first request after the start shall be as fast as any other.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection, MySql, MySqlConnection};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::read::{
    find_owned, last_event, list_active, list_events_after, list_owned,
};
use toneup_shared::analyses::submit::{Allowance, NewAnalysis, insert};
use toneup_shared::analyses::{AnalysisId, UserId};
use toneup_shared::database::Database;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::trace::TraceParent;
use uuid::Uuid;

use crate::features::accounts;
use crate::features::analyses::Watchers;
use crate::http::limits::RateLimiter;

/// Between tries to reach the database.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the broker and Redis are waited for. Without them, submits are accepted all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection of the pool.
type Lent = PoolConnection<MySql>;

/// Fills half the pool, rehearses on every connection what requests will ask, and waits a little for broker and Redis; then
/// says through `warm` that requests may come.
pub(super) async fn run(
    pool: Database,
    publisher: Publisher,
    watchers: Watchers,
    limiter: RateLimiter,
    warm: watch::Sender<bool>,
    draining: CancellationToken,
) {
    let connections = loop {
        match pool.fill(rehearse).await {
            Ok(connections) => break connections,
            Err(error) => tracing::warn!(%error, "cannot warm up"),
        }
        if draining.run_until_cancelled(sleep(PAUSE)).await.is_none() {
            return;
        }
    };
    let others = async {
        publisher.until_ready().await;
        watchers.until_hinted().await;
        // Opens its connection; nobody is refused.
        drop(limiter.check("warm-up", IpAddr::from(Ipv6Addr::LOCALHOST), u32::MAX).await);
    };
    let together = draining.run_until_cancelled(timeout(PATIENCE, others)).await;
    let complete = together.is_some_and(|waited| waited.is_ok());
    tracing::info!(connections, complete, "warm");
    warm.send_replace(true);
}

/// Has the server parse and plan the statements of requests; what it writes is rolled back.
async fn rehearse(mut connection: Lent) -> Result<Lent, sqlx::Error> {
    let conn: &mut MySqlConnection = &mut connection;
    let (nobody, nothing) = (UserId(Uuid::nil()), AnalysisId(Uuid::nil()));
    find_owned(conn, nobody, nothing).await?;
    list_owned(conn, nobody, None, 1).await?;
    list_active(conn, nobody, 1).await?;
    list_events_after(conn, nobody, 0, 1).await?;
    last_event(conn, nobody).await?;
    let mut transaction = conn.begin().await?;
    let submit = NewAnalysis {
        id: AnalysisId::generate(),
        user: nobody,
        object_key: String::new(),
        trace: TraceParent::new(),
        deadline: None,
        idempotency: None,
        answer: None,
    };
    let allowance = Allowance { share: 1, ceiling: 1 };
    insert(&mut transaction, &[submit], allowance, Duration::ZERO).await?;
    accounts::rehearse(&mut transaction).await?;
    transaction.rollback().await?;
    Ok(connection)
}
