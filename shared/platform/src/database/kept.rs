//! Connections for batches, kept beside the pool: a batch borrows nothing, and nothing is tested before or after it. The
//! pool's own tests take two round trips, as many as a small batch needs for its work.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, MySqlConnection};
use tokio::time::{Instant, timeout};

use super::session::{self, FRESH, LIFETIME, TEST_TIMEOUT};

/// Idle time after which a connection is closed: only as many stay open as batches are written at once.
const IDLE: Duration = Duration::from_secs(15);
/// Longest time until a new connection is ready.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The moment at which a connection's statements are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    /// Each by itself.
    ByStatement,
    /// All together, by `COMMIT`.
    ByRequest,
}

/// The connections that no batch uses at the moment, the latest used on top.
#[derive(Debug)]
pub(super) struct Kept {
    commit: Commit,
    idle: Mutex<Vec<Lane>>,
}

/// A connection that serves one batch after another.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) connection: MySqlConnection,
    opened: Instant,
    used: Instant,
}

impl Kept {
    pub(super) fn new(commit: Commit) -> Self {
        Self { commit, idle: Mutex::default() }
    }

    /// Takes a connection that works, or opens one.
    pub(super) async fn take(&self, options: &MySqlConnectOptions) -> Result<Lane, sqlx::Error> {
        while let Some(mut lane) = self.pop() {
            if lane.opened.elapsed() < LIFETIME && lane.is_alive().await {
                return Ok(lane);
            }
        }
        let opening = timeout(CONNECT_TIMEOUT, Lane::open(options, self.commit));
        opening.await.map_err(|elapsed| sqlx::Error::Io(elapsed.into()))?
    }

    /// Keeps a connection whose batch is done. One whose batch failed, or was given up, is dropped instead: nobody knows
    /// its state, and the server rolls back.
    pub(super) fn put(&self, lane: Lane) {
        let lane = Lane { used: Instant::now(), ..lane };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }

    /// Closes those that have been idle for some time.
    pub(super) fn close_idle(&self) {
        let mut lanes = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|lane| lane.used.elapsed() < IDLE);
    }

    fn pop(&self) -> Option<Lane> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

impl Lane {
    async fn open(options: &MySqlConnectOptions, commit: Commit) -> Result<Self, sqlx::Error> {
        let mut connection = options.connect().await?;
        session::prepare(&mut connection).await?;
        if commit == Commit::ByRequest {
            connection.execute("SET SESSION autocommit = 0").await?;
        }
        let now = Instant::now();
        Ok(Self { connection, opened: now, used: now })
    }

    /// Returns true if the server responds. A connection used a moment ago is not pinged.
    async fn is_alive(&mut self) -> bool {
        if self.used.elapsed() < FRESH {
            return true;
        }
        timeout(TEST_TIMEOUT, self.connection.ping()).await.is_ok_and(|ping| ping.is_ok())
    }
}
