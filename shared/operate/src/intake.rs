//! Intake switch: pauses the workers' consumption of jobs. Stored in the database, so that it survives restarts and
//! outages of other servers.

use std::time::Duration;

use metrics::gauge;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use toneup_platform::database::{Database, bounded};
use toneup_platform::metrics::{Kind, Metric};

/// Metrics of the intake.
pub const METRICS: &[Metric] =
    &[("toneup_worker_paused", Kind::Gauge, "1 while an operator has paused the intake")];

/// Interval at which workers read the switch: a hundred idle workers cost the database twenty statements a second.
const INTERVAL: Duration = Duration::from_secs(5);

/// State of the intake switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// True while workers take no jobs.
    pub paused: bool,
    /// Operator and time of the last change; `None` if it was never changed.
    pub changed: Option<(String, OffsetDateTime)>,
}

/// Reads the intake switch; off by default, so that workers take jobs.
pub async fn read_intake(conn: &mut MySqlConnection) -> Result<Intake, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT value, changed_by, changed_at AS "changed_at: OffsetDateTime"
           FROM controls WHERE name = 'intake'"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Intake {
        paused: row.as_ref().is_some_and(|row| row.value == "paused"),
        changed: row.map(|row| (row.changed_by, row.changed_at)),
    })
}

/// Sets the intake switch on behalf of `operator`; workers follow within about five seconds.
pub async fn set_intake(
    conn: &mut MySqlConnection,
    paused: bool,
    operator: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO controls (name, value, changed_by, changed_at) VALUES ('intake', ?, ?, NOW(3))
         ON DUPLICATE KEY UPDATE value = VALUES(value), changed_by = VALUES(changed_by),
                                 changed_at = VALUES(changed_at)",
        if paused { "paused" } else { "open" },
        operator,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Keeps `paused` equal to the intake switch, until `draining`. While the database is unavailable it keeps the last
/// value.
pub async fn follow_intake(
    pool: Database,
    paused: watch::Sender<bool>,
    draining: CancellationToken,
) {
    loop {
        let read = bounded(async { read_intake(&mut *pool.acquire().await?).await }).await;
        match read {
            Ok(intake) => {
                let changed = paused.send_if_modified(|paused| {
                    std::mem::replace(paused, intake.paused) != intake.paused
                });
                if changed {
                    tracing::info!(intake.paused, "intake");
                }
                gauge!("toneup_worker_paused").set(u8::from(intake.paused));
            }
            Err(error) => tracing::debug!(%error, "cannot read the intake switch"),
        }
        // Jitter: replicas need not poll in step.
        let pause = INTERVAL.mul_f64(rand::random_range(0.75..1.25));
        if draining.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
    }
}
