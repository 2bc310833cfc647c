//! Rows of jobs written directly: as many as no client could submit within a measurement.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor};
use tokio::time::Instant;

use super::fleet::Fleet;
use crate::stub::record::Clock;

/// Rows of one statement.
const CHUNK: usize = 100_000;

/// Kind of rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Queued and due for publication, each of another user whose name begins so.
    DueOfMany(&'a str),
    /// Queued and held, all of the user of this name.
    HeldOfOne(&'a str),
    /// Queued under messages that nobody delivers, of a thousand users.
    Queued,
    /// Succeeded, one a second into the past from an hour ago, of a hundred thousand users.
    Ended,
}

impl Rows<'_> {
    /// Columns that differ: the user, the status, and times.
    fn columns(self) -> String {
        let user = |name: &str| format!("UNHEX(MD5({name}))");
        let ended = "NOW(3) - INTERVAL (3600 + seq) SECOND";
        match self {
            Self::DueOfMany(name) => {
                let user = user(&format!("CONCAT('{name}', seq)"));
                format!("{user}, 'queued', 0, NOW(3), NULL, NOW(3), NULL, NULL")
            }
            Self::HeldOfOne(name) => {
                format!(
                    "{}, 'queued', 0, NULL, NULL, NOW(3), NULL, NULL",
                    user(&format!("'{name}'"))
                )
            }
            Self::Queued => {
                let user = user("CONCAT('queued', seq MOD 1000)");
                format!("{user}, 'queued', 0, NULL, NOW(3), NOW(3), NULL, NULL")
            }
            Self::Ended => {
                let user = user("CONCAT('ended', seq MOD 100000)");
                format!("{user}, 'succeeded', 1, NULL, NULL, {ended}, {ended}, {ended}")
            }
        }
    }
}

/// Writes up to `count` rows like the site's first analysis, for `patience` at most; returns how many.
pub(super) async fn fill(
    fleet: &Fleet,
    rows: Rows<'_>,
    count: usize,
    patience: Duration,
) -> anyhow::Result<usize> {
    let (begun, mut conn) = (Instant::now(), fleet.site.connect().await?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds since 1970"
    )]
    let moment = Clock::default().now_ms() as u64;
    let mut written = 0;
    while written < count && begun.elapsed() < patience {
        let (from, to) = (written + 1, count.min(written + CHUNK));
        // Ids as UUIDv7 of one moment, in order.
        let statement = format!(
            "INSERT INTO jobs (id, kind, payload, traceparent, user_id, status, attempt, publish_due,
                               published_at, created_at, started_at, finished_at)
             SELECT UNHEX(CONCAT('{moment:012X}70008', LPAD(HEX(seq), 15, '0'))),
                    t.kind, t.payload, t.traceparent, {}
             FROM seq_{from}_to_{to},
                  (SELECT kind, payload, traceparent FROM jobs WHERE kind = 'analysis' LIMIT 1) AS t",
            rows.columns()
        );
        conn.execute(AssertSqlSafe(statement)).await?;
        written = to;
    }
    if let Rows::HeldOfOne(name) = rows {
        let statement = format!(
            "INSERT INTO held_jobs (kind, user_id, job_id)
             SELECT kind, user_id, id FROM jobs WHERE user_id = UNHEX(MD5('{name}'))"
        );
        conn.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(written)
}
