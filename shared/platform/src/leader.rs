//! Leader election through the database: of all replicas, one at a time does what needs to be done once.
//!
//! A row per role holds the leader and the time until which it leads; the leader renews it, the others try to take it
//! over. A leader stops by its own clock before the lease ends by the database's.

use std::time::Duration;

use metrics::gauge;
use sqlx::MySqlConnection;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::database::{Database, bounded, micros};
use crate::shutdown::Shutdown;

/// Renewals in the time of a lease: two may fail.
const RENEWALS: u32 = 3;
/// Share of the lease for which a leader trusts it, from before the renewal was sent.
const TRUSTED: f64 = 0.8;
/// Longest pause of a candidate that does not lead, as a share of the lease: a leader may give the role up early.
const FOLLOWING: f64 = 0.75;

/// Leadership of this replica in one role. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leadership {
    until: watch::Receiver<Option<Instant>>,
}

impl Leadership {
    /// Takes part in the election of `role` until `shutdown` drains; then gives the role up. After a leader vanishes
    /// there is none for at most one and a half times `lease`. A leader that is not `fit` lets the others try first.
    pub fn spawn(
        database: Database,
        role: &'static str,
        lease: Duration,
        fit: impl Fn() -> bool + Send + Sync + 'static,
        shutdown: &Shutdown,
    ) -> Self {
        let (set_until, until) = watch::channel(None);
        let election =
            Election { database, role, lease, candidate: Uuid::new_v4(), fit: Box::new(fit) };
        shutdown.tasks.spawn(election.run(set_until, shutdown.draining.clone()));
        Self { until }
    }

    /// True while this replica leads.
    pub fn is_held(&self) -> bool {
        is_ahead(*self.until.borrow())
    }

    /// Waits until this replica leads; for ever once the process drains.
    pub async fn until_held(&mut self) {
        if self.until.wait_for(|until| is_ahead(*until)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// True if the lease lasts.
fn is_ahead(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() < until)
}

/// Candidacy of this replica.
struct Election {
    database: Database,
    role: &'static str,
    lease: Duration,
    candidate: Uuid,
    fit: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Election {
    async fn run(self, until: watch::Sender<Option<Instant>>, draining: CancellationToken) {
        let leads = gauge!("toneup_leader", "role" => self.role);
        loop {
            let pause = if until.borrow().is_some() && !(self.fit)() {
                self.give_up(&until).await;
                // The others try first.
                self.lease.mul_f64(1.25)
            } else {
                self.stand(&until).await
            };
            leads.set(u8::from(is_ahead(*until.borrow())));
            if draining.run_until_cancelled(sleep(pause)).await.is_none() {
                break;
            }
        }
        if until.borrow().is_some() {
            self.give_up(&until).await;
        }
    }

    /// Takes or renews the role; returns the time until the next try. Who does not lead asks again when the leader's lease
    /// may have ended, or after most of one: a hundred candidates cost the database few statements.
    async fn stand(&self, until: &watch::Sender<Option<Instant>>) -> Duration {
        let asked = Instant::now();
        let taken = bounded(async {
            let mut connection = self.database.acquire().await?;
            if until.borrow().is_none()
                && let Some(left) = find_left(&mut connection, self.role).await?
            {
                return Ok(Some(left));
            }
            let taken = take(&mut connection, self.role, self.candidate, self.lease).await?;
            Ok::<_, sqlx::Error>((!taken).then_some(self.lease))
        });
        // Jitter: candidates need not ask in step.
        let jitter = rand::random_range(0.0..0.25);
        match taken.await {
            Ok(None) => {
                until.send_replace(Some(asked + self.lease.mul_f64(TRUSTED)));
                (self.lease / RENEWALS).mul_f64(1.0 - jitter)
            }
            Ok(Some(left)) => {
                until.send_replace(None);
                left.min(self.lease.mul_f64(FOLLOWING)) + self.lease.mul_f64(jitter)
            }
            Err(error) => {
                tracing::debug!(%error, self.role, "cannot take part in the election");
                // A lease that is held lasts until its end.
                self.lease.mul_f64(0.5 - jitter)
            }
        }
    }

    async fn give_up(&self, until: &watch::Sender<Option<Instant>>) {
        until.send_replace(None);
        let given_up = bounded(async {
            let mut connection = self.database.acquire().await?;
            give_up(&mut connection, self.role, self.candidate).await
        });
        if let Err(error) = given_up.await {
            tracing::debug!(%error, self.role, "cannot give up a role; its lease will expire");
        }
    }
}

/// Time until the lease of `role` ends; `None` if it has ended, or nobody has led yet.
async fn find_left(
    conn: &mut MySqlConnection,
    role: &str,
) -> Result<Option<Duration>, sqlx::Error> {
    let left = sqlx::query_scalar!(
        r#"SELECT TIMESTAMPDIFF(MICROSECOND, NOW(3), expires_at) AS "left: i64"
           FROM leaders WHERE role = ? AND expires_at > NOW(3)"#,
        role
    );
    let left = left.fetch_optional(conn).await?.flatten();
    Ok(left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_micros))
}

/// Takes or renews `role` for `lease`; `false` if another candidate leads.
pub async fn take(
    conn: &mut MySqlConnection,
    role: &str,
    candidate: Uuid,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!(
        "UPDATE leaders SET holder = ?, expires_at = NOW(3) + INTERVAL ? MICROSECOND
         WHERE role = ? AND (holder = ? OR expires_at <= NOW(3))",
        candidate,
        micros(lease),
        role,
        candidate,
    )
    .execute(&mut *conn)
    .await?;
    if taken.rows_affected() > 0 {
        return Ok(true);
    }
    // Nobody has led yet, or another leads.
    let first = sqlx::query!(
        "INSERT IGNORE INTO leaders (role, holder, expires_at)
         VALUES (?, ?, NOW(3) + INTERVAL ? MICROSECOND)",
        role,
        candidate,
        micros(lease),
    )
    .execute(conn)
    .await?;
    Ok(first.rows_affected() > 0)
}

/// Gives `role` up, if `candidate` leads: the next one that asks takes it.
pub async fn give_up(
    conn: &mut MySqlConnection,
    role: &str,
    candidate: Uuid,
) -> Result<(), sqlx::Error> {
    let expire = sqlx::query!(
        "UPDATE leaders SET expires_at = NOW(3) WHERE role = ? AND holder = ?",
        role,
        candidate
    );
    expire.execute(conn).await.map(drop)
}
