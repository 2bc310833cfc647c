//! The calm after a run: nobody submits any more, and everything that was begun must come to its end.

use std::time::Duration;

use sqlx::MySqlPool;

use super::clients::Crowd;
use super::recovery::unfinished;
use super::servers::{JOBS, Servers};
use crate::site::within;

/// Everything must have been accepted, ended, told and acknowledged within this each. Leases of 15 s, pauses of up to a minute
/// between attempts and lost messages are behind the slowest of them.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Waits until nothing is left to do, and says how that goes. What is left after that is for the checker to find.
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
    let empty = empty.await;
    progress(if empty.is_ok() { "queue empty" } else { "queue NOT empty" })
}
