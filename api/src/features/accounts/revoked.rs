//! Revoked sessions and operators, known to every replica within seconds: an access token is checked against memory alone.
//!
//! A replica learns of a revocation that it did not make itself by a hint through Redis, and in any case by reading the
//! newest revocations every other second.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::AsyncCommands;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use toneup_operate::revocations;
use toneup_operate::token::Verified;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::{Database, bounded};
use toneup_platform::redis::{self as pubsub, client, connection_config};
use toneup_platform::shutdown::Shutdown;
use uuid::Uuid;

use super::sessions;
use crate::http::identity::SessionId;

/// Time between two readings of the newest revocations.
const POLL: Duration = Duration::from_secs(2);
/// Time by which a read overlaps the one before it: a revocation becomes visible at its commit, which is later than its
/// timestamp.
const OVERLAP: Duration = Duration::from_secs(15);
/// Revocations that one reading takes in. More than these in one access token's life end when their tokens expire.
const MOST: u32 = 100_000;
/// Hints that may wait for Redis; more are dropped.
const BACKLOG: usize = 1024;

/// The sessions that were revoked and whose access tokens may not have expired. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Revoked {
    known: Arc<RwLock<HashMap<SessionId, Instant>>>,
    /// When operators' tokens were revoked.
    operators: Arc<RwLock<HashMap<String, OffsetDateTime>>>,
    /// Counts the changes of `known`.
    changed: watch::Sender<u64>,
    hints: mpsc::Sender<Vec<Uuid>>,
    /// Access tokens live no longer than this.
    life: Duration,
}

impl Revoked {
    /// Starts to follow revocations until `shutdown` drains. `life` is the longest life of an access token.
    pub(super) fn start(
        life: Duration,
        redis: &RedisConfig,
        pool: Database,
        shutdown: &Shutdown,
    ) -> Result<Self, redis::RedisError> {
        let (hints, waiting) = mpsc::channel(BACKLOG);
        let revoked = Self {
            known: Arc::default(),
            operators: Arc::default(),
            changed: watch::Sender::default(),
            hints,
            life: life + OVERLAP,
        };
        let channel = format!("{}sessions:revoked", redis.redis_prefix);
        let draining = &shutdown.draining;
        shutdown.tasks.spawn(send(redis, channel.clone(), waiting, draining.clone())?);
        let listener = revoked.clone();
        let on_message = move |payload: &[u8]| {
            if let Ok(ids) = serde_json::from_slice::<Vec<Uuid>>(payload) {
                listener.note(ids.into_iter().map(SessionId));
            }
        };
        let (connected, config) = (watch::Sender::new(false), redis.clone());
        let listening =
            pubsub::listen(config, vec![channel], connected, draining.clone(), on_message);
        shutdown.tasks.spawn(listening);
        shutdown.tasks.spawn(revoked.clone().poll(pool, draining.clone()));
        Ok(revoked)
    }

    /// Returns true if a session was revoked. Does no I/O.
    pub(super) fn contains(&self, session: SessionId) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// Returns true if an operator's tokens were revoked after this one was made, or in the same second. Does no I/O.
    pub(super) fn contains_operator(&self, operator: &Verified) -> bool {
        let operators = self.operators.read().unwrap_or_else(PoisonError::into_inner);
        operators.get(&operator.name).is_some_and(|revoked_at| operator.issued_at <= *revoked_at)
    }

    /// Notes revocations that this replica committed, and tells the others.
    pub(super) fn add(&self, sessions: &[SessionId]) {
        if sessions.is_empty() {
            return;
        }
        self.note(sessions.iter().copied());
        if self.hints.try_send(sessions.iter().map(|session| session.0).collect()).is_err() {
            tracing::debug!("a hint of revoked sessions is lost");
        }
    }

    /// Waits until a session is revoked.
    pub(super) async fn until_revoked(self, session: SessionId) {
        let mut changed = self.changed.subscribe();
        while !self.contains(session) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn note(&self, sessions: impl Iterator<Item = SessionId>) {
        let now = Instant::now();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|_, since| now.duration_since(*since) < self.life);
        let kept = known.len();
        for session in sessions {
            known.entry(session).or_insert(now);
        }
        let has_grown = known.len() > kept;
        drop(known);
        if has_grown || kept < before {
            self.changed.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Reads the newest revocations until `draining`: all that matter at first, and then those since the last time.
    async fn poll(self, pool: Database, draining: CancellationToken) {
        let mut read_at: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let window = read_at.map_or(self.life, |last| now.duration_since(last) + OVERLAP);
            let window = window.min(self.life);
            let reading = bounded(async {
                let mut connection = pool.acquire().await?;
                let operators = revocations::list(&mut connection).await?;
                let sessions = sessions::list_revoked(&mut connection, window, MOST).await?;
                Ok::<_, sqlx::Error>((operators, sessions))
            });
            match reading.await {
                Ok((operators, sessions)) => {
                    *self.operators.write().unwrap_or_else(PoisonError::into_inner) = operators;
                    self.note(sessions.into_iter());
                    read_at = Some(now);
                }
                Err(error) => tracing::warn!(%error, "cannot read revoked sessions"),
            }
            if draining.run_until_cancelled(sleep(POLL)).await.is_none() {
                return;
            }
        }
    }
}

/// Sends hints until `draining`.
fn send(
    config: &RedisConfig,
    channel: String,
    mut waiting: mpsc::Receiver<Vec<Uuid>>,
    draining: CancellationToken,
) -> Result<impl Future<Output = ()> + use<>, redis::RedisError> {
    let mut connection = client(config)?.get_connection_manager_lazy(connection_config())?;
    Ok(async move {
        while let Some(Some(ids)) = draining.run_until_cancelled(waiting.recv()).await {
            let hint = serde_json::to_string(&ids).unwrap_or_default();
            let sent: Result<(), _> = connection.publish(&channel, hint).await;
            if let Err(error) = sent {
                tracing::debug!(%error, "a hint of revoked sessions is lost");
            }
        }
    })
}
