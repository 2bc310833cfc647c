//! Quiescence after a run: no further submits, and everything that was started must end.

use std::time::Duration;

use sqlx::MySqlPool;

use super::clients::Crowd;
use super::recovery::unfinished;
use super::servers::{JOBS, Servers};
use crate::site::within;

/// Timeout of each condition: all submits accepted, all jobs ended, all clients notified, all messages acknowledged.
/// Leases of 15 s, delays of up to a minute between attempts and lost messages cause the slowest cases.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Waits until the system is idle, and reports the progress. The checker finds whatever is left afterwards.
pub(crate) async fn calm(
    crowd: &Crowd,
    database: &MySqlPool,
    servers: &Servers,
    progress: impl Fn(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let submitted = within(TIMEOUT, async || crowd.all_submitted()).await;
    progress(if submitted.is_ok() { "all submitted" } else { "NOT all submitted" })?;
    let ended = within(TIMEOUT, async || unfinished(database).await.is_ok_and(|left| left == 0));
    let ended = ended.await;
    progress(if ended.is_ok() { "all ended" } else { "NOT all ended" })?;
    let told = within(TIMEOUT, async || crowd.untold() == 0).await;
    progress(if told.is_ok() { "all told" } else { "NOT all told" })?;
    let empty = within(TIMEOUT, async || {
        let queues = servers.messages().await;
        queues.is_ok_and(|queues| queues.contains(&(JOBS.to_owned(), 0)))
    });
    if empty.await.is_ok() {
        return progress("queue empty");
    }
    let standing = servers.standing().await.unwrap_or_else(|error| format!("{error:#}"));
    progress(&format!("queue NOT empty\n{standing}"))
}
