//! Connection pool to MySQL or MariaDB.

mod kept;
mod session;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use metrics::{gauge, histogram};
use secrecy::ExposeSecret;
use serde::Serialize;
use sqlx::mysql::{MySqlDatabaseError, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{
    ConnectOptions, Connection, Executor, MySql, MySqlConnection, MySqlPool, QueryBuilder,
    Transaction,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::kept::{Commit, Kept};
use self::session::{FRESH, IDLE, LIFETIME, TEST_TIMEOUT};
use crate::config::DatabaseConfig;

/// Time without any successful acquisition after which the pool counts as stuck, not merely busy.
const STUCK: Duration = Duration::from_secs(5);
/// Timeout of all statements of one request; see [`bounded`].
const STATEMENTS_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps: more than it ever uses, since giving one up costs the next statement a
/// delayed acknowledgement (40 ms; sqlx writes without `TCP_NODELAY`, and the server does not answer a close).
const STATEMENTS: usize = 400;
/// Interval at which the pool's metrics are exported.
const REPORT: Duration = Duration::from_secs(2);

/// Connection pool that is replaced when it is stuck. Cheap to clone.
///
/// A connection whose peer stalls in the middle of an answer would keep its place in the pool for ever (sqlx issue
/// 4349: the pool waits without bound for its answer when it is given back). [`pool_options`] bound that wait; and when
/// no connection could be acquired for some seconds nevertheless, a new pool replaces the old one.
#[derive(Debug, Clone)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    current: RwLock<MySqlPool>,
    /// Connections whose statements count by themselves.
    kept: Kept,
    /// Connections that are always in a transaction.
    transactions: Kept,
    /// Since when nobody has got a connection.
    stuck_since: Mutex<Option<Instant>>,
}

impl From<MySqlPool> for Database {
    fn from(pool: MySqlPool) -> Self {
        let (kept, transactions) = (Kept::new(Commit::ByStatement), Kept::new(Commit::ByRequest));
        let current = RwLock::new(pool);
        Self(Arc::new(Inner { current, kept, transactions, stuck_since: Mutex::default() }))
    }
}

impl Database {
    /// Creates the pool without connecting: a process starts without its database, and reports that it is not ready.
    /// Fails if the URL is invalid.
    pub fn open(config: &DatabaseConfig) -> Result<Self, sqlx::Error> {
        Self::open_with(config, pool_options())
    }

    /// Creates the pool of a process that has many replicas and mostly waits: connections that rest are closed soon.
    pub fn open_frugal(config: &DatabaseConfig) -> Result<Self, sqlx::Error> {
        Self::open_with(config, pool_options().idle_timeout(IDLE))
    }

    fn open_with(config: &DatabaseConfig, pool: MySqlPoolOptions) -> Result<Self, sqlx::Error> {
        let options = config.trust.mysql(config.database_url.expose_secret())?;
        let options = options
            .log_statements(tracing::log::LevelFilter::Trace)
            .statement_cache_capacity(STATEMENTS);
        let pool = pool
            .max_connections(config.database_max_connections)
            .acquire_timeout(config.database_acquire_timeout)
            .connect_lazy_with(options);
        Ok(pool.into())
    }

    /// Acquires a connection. Fails after `DATABASE_ACQUIRE_TIMEOUT`.
    pub async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        let asked = Instant::now();
        let acquired = self.pool().acquire().await;
        self.note(asked, acquired.as_ref().err());
        acquired
    }

    /// Begins a transaction on a pooled connection.
    pub async fn begin(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        let asked = Instant::now();
        let begun = self.pool().begin().await;
        self.note(asked, begun.as_ref().err());
        begun
    }

    /// Runs `work` in a transaction: commits if it succeeds, rolls back if it fails.
    pub async fn in_transaction<T, E: From<sqlx::Error>>(
        &self,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut transaction = self.begin().await?;
        let done = work(&mut transaction).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// Does a batch's `work` in a transaction, on a connection that is kept for batches. These are beside the pool: there
    /// are as many as batches are written at once, which each batcher bounds. The transaction begins with the first
    /// statement, which saves a round trip.
    pub async fn in_batch<T, E: From<sqlx::Error>>(
        &self,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lane = self.0.transactions.take(&self.pool().connect_options()).await?;
        let done = work(&mut lane.connection).await?;
        lane.connection.execute("COMMIT").await?;
        self.0.transactions.put(lane);
        Ok(done)
    }

    /// Does a batch's `work`, each statement of which counts by itself, on a connection that is kept for batches.
    pub async fn batch<T, E: From<sqlx::Error>>(
        &self,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lane = self.0.kept.take(&self.pool().connect_options()).await?;
        let done = work(&mut lane.connection).await?;
        self.0.kept.put(lane);
        Ok(done)
    }

    /// The pool as it is now; one that is made anew later is another.
    pub fn pool(&self) -> MySqlPool {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens half of the pool's connections, or as many of these as the server allows, and has `each` use it once, all
    /// before the first is returned. The other half is left to concurrent callers. Returns the number of connections;
    /// fails if there was none.
    pub async fn fill<F>(
        &self,
        each: impl Fn(PoolConnection<MySql>) -> F,
    ) -> Result<usize, sqlx::Error>
    where
        F: Future<Output = Result<PoolConnection<MySql>, sqlx::Error>>,
    {
        let most = self.pool().options().get_max_connections().div_ceil(2);
        let opened = (0..most).map(|_| async { bounded(each(self.acquire().await?)).await });
        let (filled, failed): (Vec<_>, Vec<_>) =
            join_all(opened).await.into_iter().partition(Result::is_ok);
        let first_failure = failed.into_iter().find_map(Result::err);
        first_failure.filter(|_| filled.is_empty()).map_or(Ok(filled.len()), Err)
    }

    /// Updates the connection gauges every few seconds, until `draining`.
    pub async fn report(self, draining: CancellationToken) {
        let set = |state: &'static str, count: u32| {
            gauge!("toneup_database_connections", "state" => state).set(count);
        };
        loop {
            let pool = self.pool();
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            set("idle", idle);
            set("used", pool.size().saturating_sub(idle));
            set("max", pool.options().get_max_connections());
            self.0.kept.close_idle();
            self.0.transactions.close_idle();
            if draining.run_until_cancelled(sleep(REPORT)).await.is_none() {
                return;
            }
        }
    }

    /// Detects and replaces a stuck pool.
    fn note(&self, asked: Instant, error: Option<&sqlx::Error>) {
        histogram!("toneup_database_acquire_seconds").record(asked.elapsed());
        let mut stuck_since = self.0.stuck_since.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(error, Some(sqlx::Error::PoolTimedOut)) {
            *stuck_since = None;
        } else if stuck_since.get_or_insert_with(Instant::now).elapsed() >= STUCK {
            *stuck_since = None;
            drop(stuck_since);
            self.rebuild();
        }
    }

    fn rebuild(&self) {
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        let options = current.connect_options().as_ref().clone();
        let new = current.options().clone().connect_lazy_with(options);
        let old = std::mem::replace(&mut *current, new);
        tracing::warn!(connections = old.size(), "no connection for {STUCK:?}: a new pool");
        // Closes the pool without waiting for lent connections, since the stuck ones are among them.
        drop(old.close());
    }
}

/// Waits for the database work of one request, with a timeout.
pub fn bounded<T, E: From<sqlx::Error>>(
    work: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    // Statements make large futures, and this one is part of many others.
    let work = timeout(STATEMENTS_TIMEOUT, Box::pin(work));
    async move {
        match work.await {
            Ok(done) => done,
            Err(elapsed) => Err(sqlx::Error::Io(elapsed.into()).into()),
        }
    }
}

/// Pool options under which connections behave alike on MySQL and MariaDB, whatever the server's defaults.
pub fn pool_options() -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .idle_timeout(Duration::from_mins(5))
        .max_lifetime(LIFETIME)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_release(|connection, _| {
            Box::pin(async move {
                let answered = timeout(TEST_TIMEOUT, connection.ping()).await;
                answered.map_err(|elapsed| sqlx::Error::Io(elapsed.into()))?.map(|()| true)
            })
        })
        .after_connect(|connection, _| Box::pin(session::prepare(connection)))
}

/// Converts a duration to microseconds, for `INTERVAL ? MICROSECOND`.
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Appends `(?, ?, …)` for `IN`. `values` must not be empty: `IN ()` is no SQL.
///
/// As long as the next power of four, the last value repeated, so that a call has few texts, whatever the sizes of its
/// batches: each text is prepared once a connection, and counts against the server's `max_prepared_stmt_count`. The
/// repeated value changes nothing in an `IN`.
pub fn bind_list<T>(query: &mut QueryBuilder<MySql>, values: impl Iterator<Item = T>)
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Clone,
{
    query.push("(");
    let mut list = query.separated(", ");
    for value in padded(values) {
        list.push_bind(value);
    }
    query.push(")");
}

/// Appends `((a = ? AND b = ?) OR …)`: unlike `(a, b) IN (…)`, MariaDB finds these rows by the index on `a`. `pairs`
/// must not be empty; as many are written as [`bind_list`] would.
pub fn bind_pairs<A, B>(
    query: &mut QueryBuilder<MySql>,
    (a, b): (&str, &str),
    pairs: impl Iterator<Item = (A, B)>,
) where
    A: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Clone,
    B: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Clone,
{
    query.push("(");
    let mut any = query.separated(" OR ");
    for (first, second) in padded(pairs) {
        any.push(format_args!("({a} = ")).push_bind_unseparated(first);
        any.push_unseparated(format_args!(" AND {b} = ")).push_bind_unseparated(second);
        any.push_unseparated(")");
    }
    query.push(")");
}

/// `values`, the last one repeated up to the next power of four.
pub fn padded<T: Clone>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    if let Some(last) = values.last().cloned() {
        let length = values.len().next_power_of_two();
        values.resize(length << (length.trailing_zeros() % 2), last);
    }
    values
}

/// Rows as one parameter, for `INSERT … SELECT … FROM JSON_TABLE(?, '$[*]' COLUMNS (…))`: one text, prepared once,
/// however many rows a batch has.
pub fn json_rows(rows: &[impl Serialize]) -> Result<String, sqlx::Error> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// Maximum number of repetitions of a transaction that lost a deadlock.
const DEADLOCK_RETRIES: u32 = 3;

/// Runs a transaction, and repeats it if InnoDB rolled it back as the victim of a deadlock (error 1213).
pub async fn retry_deadlock<T, F>(mut transaction: impl FnMut() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut tries = 0;
    loop {
        match transaction().await {
            Err(error) if is_deadlock(&error) && tries < DEADLOCK_RETRIES => tries += 1,
            done => return done,
        }
    }
}

fn is_deadlock(error: &sqlx::Error) -> bool {
    const ER_LOCK_DEADLOCK: u16 = 1213;
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .is_some_and(|error| error.number() == ER_LOCK_DEADLOCK)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn lists_of_all_sizes_have_few_texts_and_keep_every_value() {
        let mut texts = HashSet::new();
        for size in 1..=256_usize {
            assert_eq!(padded(0..size).into_iter().collect::<HashSet<_>>(), (0..size).collect());
            let mut query = QueryBuilder::new("SELECT 1 FROM t WHERE a IN ");
            bind_list(&mut query, (0..size).map(|value| value as u64));
            bind_pairs(query.push(" AND "), ("a", "b"), (0..size).map(|value| (value as u64, 1)));
            texts.insert(query.sql().clone());
        }
        assert_eq!(texts.len(), 5, "1, 4, 16, 64, 256");
    }
}
