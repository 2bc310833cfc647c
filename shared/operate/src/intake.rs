//! The intake switch: whether workers take jobs. In the database, so that it holds whatever else is away or restarts.

use std::time::Duration;

use metrics::gauge;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use toneup_platform::database::{Database, bounded};
use toneup_platform::metrics::{Kind, Metric};

/// The metrics of the intake.
pub const METRICS: &[Metric] =
    &[("toneup_worker_paused", Kind::Gauge, "1 while an operator has paused the intake")];

/// How often workers look.
const LOOK: Duration = Duration::from_secs(1);

/// Whether workers take jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// They do not.
    pub paused: bool,
    /// The operator who changed it last, and the time; `None`: nobody ever.
    pub changed: Option<(String, OffsetDateTime)>,
}

/// Reads whether workers take jobs: they do, until somebody says otherwise.
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

/// Sets whether workers take jobs, on behalf of `operator`; they heed it within about a second.
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

/// Keeps `paused` as operators want it, until `draining`. While the database is away, as they last wanted it.
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
            Err(error) => tracing::debug!(%error, "cannot read the controls"),
        }
        // Replicas need not look in step.
        let pause = LOOK.mul_f64(rand::random_range(0.75..1.25));
        if draining.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
    }
}
