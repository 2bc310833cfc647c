//! The connection pool to MySQL or MariaDB.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use metrics::{gauge, histogram};
use secrecy::ExposeSecret;
use sqlx::mysql::{MySqlDatabaseError, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{
    ConnectOptions, Connection, Executor, MySql, MySqlConnection, MySqlPool, QueryBuilder,
    Transaction,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::DatabaseConfig;

/// Nobody got a connection for this long: the pool is not merely busy.
const STUCK: Duration = Duration::from_secs(5);
/// A connection that was given back must answer within this time, or it is thrown away.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that answered this recently is lent without asking it again.
const FRESH: Duration = Duration::from_secs(1);
/// Longest wait for what one request reads or writes; see [`bounded`].
const STATEMENTS_TIMEOUT: Duration = Duration::from_secs(5);
/// How often operators' tools are told of the connections.
const REPORT: Duration = Duration::from_secs(2);

/// The database: a pool that is made anew when it is stuck. Cheap to clone.
///
/// A connection whose peer stalls in the middle of an answer would keep its place in the pool for ever (sqlx issue 4349:
/// the pool waits without bound for its answer when it is given back). [`pool_options`] bound that wait; and when nobody
/// has got a connection for some seconds all the same, a new pool takes the old one's place.
#[derive(Debug, Clone)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    current: RwLock<MySqlPool>,
    /// Since when nobody has got a connection.
    stuck_since: Mutex<Option<Instant>>,
}

impl From<MySqlPool> for Database {
    fn from(pool: MySqlPool) -> Self {
        Self(Arc::new(Inner { current: RwLock::new(pool), stuck_since: Mutex::default() }))
    }
}

impl Database {
    /// Opens a pool. No connection is made yet: a process starts, and says that it is not ready, without its database.
    pub fn open(config: &DatabaseConfig) -> Result<Self, sqlx::Error> {
        let options = config.trust.mysql(config.database_url.expose_secret())?;
        let options = options.log_statements(tracing::log::LevelFilter::Trace);
        let pool = pool_options()
            .max_connections(config.database_max_connections)
            .acquire_timeout(config.database_acquire_timeout)
            .connect_lazy_with(options);
        Ok(pool.into())
    }

    /// Lends a connection.
    pub async fn acquire(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        let asked = Instant::now();
        let acquired = self.pool().acquire().await;
        self.note(asked, acquired.as_ref().err());
        acquired
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        let asked = Instant::now();
        let begun = self.pool().begin().await;
        self.note(asked, begun.as_ref().err());
        begun
    }

    /// Does `work` in a transaction, all of which counts, or none where it ends in an error.
    pub async fn in_transaction<T, E: From<sqlx::Error>>(
        &self,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut transaction = self.begin().await?;
        let done = work(&mut transaction).await?;
        transaction.commit().await?;
        Ok(done)
    }

    /// The pool as it is now; one that is made anew later is another.
    pub fn pool(&self) -> MySqlPool {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens half the connections that the pool may have, or as many of these as the server lets it, and has `each` use
    /// it once, all before the first is given back. The other half is for whoever asks meanwhile. How many there were; an
    /// error if there was none.
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

    /// Tells operators' tools every few seconds how the connections are used, until `draining`.
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
            if draining.run_until_cancelled(sleep(REPORT)).await.is_none() {
                return;
            }
        }
    }

    /// Watches for a pool that gives nothing.
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
        // Closed from here on; waiting for connections that are still out would be waiting for the stuck ones.
        drop(old.close());
    }
}

/// Waits for what one request does in the database, in bounded time.
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

/// Pool options whose connections behave alike on MySQL and MariaDB, whatever the server's defaults are.
pub fn pool_options() -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .idle_timeout(Duration::from_mins(5))
        .max_lifetime(Duration::from_mins(30))
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
                let answered = timeout(RELEASE_TIMEOUT, connection.ping()).await;
                answered.map_err(|elapsed| sqlx::Error::Io(elapsed.into()))?.map(|()| true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    .await?;
                connection
                    .execute(
                        "SET SESSION innodb_lock_wait_timeout = 5, sql_mode = 'ONLY_FULL_GROUP_BY,\
                         STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
                         ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
                    )
                    .await?;
                Ok(())
            })
        })
}

/// A duration as SQL takes it: `INTERVAL ? MICROSECOND`.
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Appends `(?, ?, …)` for `IN`. `values` must not be empty: `IN ()` is no SQL.
///
/// As long as the next power of two, the last value repeated, so that a call has few texts, whatever the sizes of its
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

/// Appends `((a = ? AND b = ?) OR …)`: unlike `(a, b) IN (…)`, MariaDB finds these rows by the index on `a`. `pairs` must
/// not be empty; as many are written as [`bind_list`] would.
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

/// `values`, the last one repeated up to the next power of two.
fn padded<T: Clone>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// How often a transaction that lost a deadlock is repeated.
const DEADLOCK_RETRIES: u32 = 3;

/// Runs a whole transaction, and runs it again when InnoDB chose it as a deadlock's victim (error 1213), which rolled it
/// back whole.
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
        assert_eq!(texts.len(), 9, "1, 2, 4 … 256");
    }
}
